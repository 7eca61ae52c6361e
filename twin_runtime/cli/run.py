"""``twin run``: twins that stay in step with their assets."""

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.logging import RichHandler

from twin_runtime.cli.options import ConfigPath, Json, StorePath, Until, duration
from twin_runtime.cli.output import MESSAGES
from twin_runtime.cli.report import print_summary
from twin_runtime.cli.tried import try_models
from twin_runtime.errors import without_credentials

if TYPE_CHECKING:
    from twin_runtime.config.adapters import Adapters
    from twin_runtime.runs.assembly import Assembly
    from twin_runtime.runs.live_run import Ending

Level = Literal["debug", "info", "warning", "error"]


def run(
    config: ConfigPath,
    until: Until = None,
    idle: Annotated[
        int | None, typer.Option(parser=duration, metavar="DURATION", help='End after so much silence, as in "10 s".')
    ] = None,
    store: StorePath = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin a new store; the one that is there is kept aside.")
    ] = False,
    log_level: Annotated[Level, typer.Option(help="How much to log on stderr.")] = "info",
    json: Json = False,
) -> None:
    """Run the twins of CONFIG on their live streams until they are stopped: Ctrl-C, SIGTERM, `--until` or `--idle`.

    What has been acknowledged to the broker is in the store. A run that was killed goes on where it stopped when it is
    started again. Under another configuration, or with another model, the store goes on in a new chapter: what is
    carried over is said at the start, and before it by `twin check CONFIG --store STORE`. Tables [mqtt], [sparkplug]
    and [opcua] may stand side by side; what fails at one source is reported, and does not stop the others.

    Example: `twin run deploy/examples/artery.toml --idle "30 s"`, `twin run deploy/examples/plant.toml`
    """
    from twin_runtime.config import load
    from twin_runtime.config.adapters import adapters
    from twin_runtime.runs.assembly import assemble
    from twin_runtime.runs.live_run import Ending
    from twin_runtime.store.aside import keep_store_aside

    _log(log_level)
    configuration = load(config).stored_at(store)
    connected = adapters(configuration)
    assembly = assemble(configuration)
    try_models(assembly)
    if fresh and (aside := keep_store_aside(configuration.store_path)):
        MESSAGES.print(f"the store that was there is kept as {aside}", highlight=False, soft_wrap=True)
    interrupted: list[signal.Signals] = []
    print_summary(asyncio.run(_run(assembly, connected, Ending(until, idle), interrupted)), json=json)
    if signal.SIGINT in interrupted:
        raise typer.Exit(130)


async def _run(
    assembly: "Assembly", connected: "Adapters", ending: "Ending", interrupted: list[signal.Signals]
) -> dict[str, Any]:
    """Run until the end, or until a signal asks for it; signals are added to ``interrupted``."""
    from twin_runtime.cli.stopping import stop_signals
    from twin_runtime.runs.chapters import open_store
    from twin_runtime.runs.live import run as run_live

    stop = asyncio.Event()

    def end(asked_by: signal.Signals) -> None:
        interrupted.append(asked_by)
        stop.set()

    with stop_signals(end):
        source = connected.open_source(assembly.router().topics)
        with open_store(assembly, assembly.config.store_path) as store:
            sinks = connected.open_sinks(store.joint)
            return await run_live(assembly, source, store, sinks=sinks, ending=ending, stop=stop)


def _log(level: Level) -> None:
    handler = RichHandler(console=MESSAGES, show_path=False)
    handler.addFilter(_without_credentials)
    logging.basicConfig(level=level.upper(), format="%(message)s", handlers=[handler])


def _without_credentials(record: logging.LogRecord) -> bool:
    """Keep every record, but no password in an address: libraries log what they were given."""
    record.msg, record.args = without_credentials(record.getMessage()), None
    return True
