"""Arguments and options that several commands share, and how their texts are read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from twin_runtime.durations import parse_duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(text: str) -> int:
    """Nanoseconds of a text such as "5 s"."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def instant(text: str) -> int:
    """Nanoseconds since the epoch of a date and time such as "2020-01-01T00:05:00Z"; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f'expected a time such as "2020-01-01T00:05:00Z", got {text!r}') from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1) * 1000


def instant_text(nanoseconds: int) -> str:
    """An event time to the millisecond, as in "2020-01-01T00:05:00.000Z"."""
    moment = EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


ConfigPath = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The configuration, a TOML file.", show_default=False)
]
Data = Annotated[Path | None, typer.Option(help="The folder of the recording's files.")]
Begin = Annotated[
    int | None, typer.Option("--from", parser=duration, metavar="DURATION", help="Leave out so much of the start.")
]
Length = Annotated[int | None, typer.Option("--for", parser=duration, metavar="DURATION", help="Take only so much.")]
Until = Annotated[
    int | None,
    typer.Option(parser=instant, metavar="TIME", help='Stop at this event time, as in "2020-01-01T00:05:00Z".'),
]
StorePath = Annotated[
    Path | None, typer.Option("--store", metavar="PATH", help="Write the store here, whatever the configuration says.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
