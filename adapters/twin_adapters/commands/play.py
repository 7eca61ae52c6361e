"""``twin play``: a recording published over MQTT, as if its sensors were here."""

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from twin_adapters.commands.options import Broker
from twin_runtime.cli.options import duration
from twin_runtime.cli.output import progress
from twin_runtime.cli.recordings import opened

if TYPE_CHECKING:
    from twin_adapters.recordings import MergedStreams


def play(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="The mapping of a recording (TOML).", show_default=False)
    ],
    config: Annotated[
        Path, typer.Option(metavar="CONFIG", help="The configuration that receives it.", show_default=False)
    ],
    broker: Broker = None,
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0: as fast as the broker confirms.")] = 1.0,
    data: Annotated[Path | None, typer.Option(help="The folder of the recording's files.")] = None,
    begin: Annotated[
        int | None, typer.Option("--from", parser=duration, metavar="DURATION", help="Leave out so much of the start.")
    ] = None,
    length: Annotated[
        int | None, typer.Option("--for", parser=duration, metavar="DURATION", help="Play only so much.")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(parser=duration, metavar="DURATION", help="One message for what a signal measures in this time."),
    ] = None,
) -> None:
    """Publish a recording over MQTT (QoS 1), stamped as recorded, at its own pace or faster.

    Deadlines are absolute: what is late does not shift what follows. Messages carry value, time, sequence number and
    unit, on the topics that CONFIG gives to its twins.

    Example: `twin play surgery-patient.recording.toml --config artery.toml --data DIR --speed 20`
    """
    from twin_adapters.commands.broker import sender_for
    from twin_adapters.commands.packets import packets, topics_of
    from twin_adapters.commands.punctuality import Punctuality
    from twin_adapters.publishing import publish
    from twin_runtime.config import load as load_config

    configuration = load_config(config)
    section = _section(cast("MergedStreams", opened(recording, data)), begin or 0, length)
    parts = packets(section.readings(), topics_of(section, configuration), section.units, batch or 0)
    settings, pace = sender_for("play", configuration, broker), speed or math.inf
    with progress(f"playing {section.name}", len(section)) as advance:
        punctuality = Punctuality(section.start, pace, advance)
        messages = punctuality.timed(parts)
        asyncio.run(publish(messages, settings, origin=section.start, speed=pace, sent=punctuality.confirmed))
    typer.echo(str(punctuality))


def _section(recording: "MergedStreams", begin: int, length: int | None) -> "MergedStreams":
    if begin == 0 and length is None:
        return recording
    first = recording.start + begin
    return recording.between(first, recording.end + 1 if length is None else first + length)
