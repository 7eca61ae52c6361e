"""Recordings as the command line names them: a mapping, and a section of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from twin_runtime import entry_points
from twin_runtime.errors import RecordingError

if TYPE_CHECKING:
    from twin_runtime.core import Recording


def opened(source: Path, data: Path | None, besides: str = "") -> "Recording":
    """The recording behind a mapping, by the entry point that is named after the mapping's suffix.

    ``besides`` is what else could have been given, for the error.

    Raises:
        RecordingError: It is no mapping, or cannot be read.
    """
    openers = entry_points.found(entry_points.MAPPINGS)
    opener = openers.get(source.suffix.removeprefix("."))
    if opener is None:
        remedy = f"give {besides and f'{besides}, or '}a mapping of type {', '.join(openers)}"
        if source.is_file():
            remedy += f', which says what is in it: [[streams]] with channel, file = "{source.name}", value and unit'
        what = f"expected the mapping of a recording{besides and f', or {besides}'}"
        raise RecordingError(what, where=str(source), remedy=remedy)
    return cast("Callable[..., Recording]", entry_points.loaded(opener))(source, data)


def section(
    recording: "Recording", begin: int | None, length: int | None, until: int | None
) -> tuple[int | None, int | None]:
    """The event times between which to take it; None for where the recording itself starts and ends."""
    first = None if begin is None else recording.start + begin
    ends = [end for end in (until, None if length is None else (first or recording.start) + length) if end is not None]
    return first, min(ends, default=None)
