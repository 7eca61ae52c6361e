"""``twin record``: what sensors publish, written into a file that can be replayed."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin_adapters.commands.options import Broker
from twin_runtime.cli.options import ConfigPath, duration
from twin_runtime.cli.output import progress
from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError

if TYPE_CHECKING:
    from twin_adapters.commands.recorder import Recorder
    from twin_runtime.core import Source


def record(
    config: ConfigPath,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The table to write: NAME.parquet or NAME.csv.", show_default=False)
    ],
    broker: Broker = None,
    length: Annotated[
        int | None,
        typer.Option("--for", parser=duration, metavar="DURATION", help="Stop after so long; without it on Ctrl-C."),
    ] = None,
) -> None:
    """Record what arrives on the topics of CONFIG, and write NAME.recording.toml beside it: a mapping to replay it.

    Values are kept in the units of CONFIG, plausible or not, as a recording should show faults. Messages that cannot be
    read are counted and left out. Sparkplug and OPC UA are recorded, too, where CONFIG names them.

    Example: `twin record deploy/examples/artery.toml --out today.parquet --for "10 min"`
    """
    from twin_adapters.commands.broker import source_for
    from twin_adapters.commands.recorder import Recorder
    from twin_runtime.config import load

    configuration = load(config)
    if out.exists():
        raise ConfigError("is there already", where=str(out), remedy="name another file, or move this one away")
    with progress("recording", None) as advance, Recorder(configuration, out, advance) as recorder:
        source = source_for("record", configuration, broker, recorder.topics)
        asyncio.run(_receive(source, recorder, length))
    typer.echo(str(recorder))


async def _receive(source: "Source", recorder: "Recorder", length: int | None) -> None:
    """Take all that comes until the time is over or the process is asked to stop."""
    async with source:
        receiving = asyncio.create_task(_take_all(source, recorder))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, receiving.cancel)
        await asyncio.wait({receiving}, timeout=None if length is None else length / SECOND)
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving


async def _take_all(source: "Source", recorder: "Recorder") -> None:
    async for batch in source.batches():
        recorder.take(batch)
        await source.acknowledge(batch)
