"""Commands that adapters add to ``twin``."""

from twin_adapters.commands.export import export
from twin_adapters.commands.init import init
from twin_adapters.commands.listen import listen
from twin_adapters.commands.play import play
from twin_adapters.commands.record import record
from twin_adapters.commands.recording import recording

__all__ = ["export", "init", "listen", "play", "record", "recording"]
