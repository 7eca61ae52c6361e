"""Settings of a mapping that nothing reads: refused, as whoever wrote them expects something of them."""

from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from twin_adapters.recordings.mapping import Layout, Mapping, Stream
from twin_runtime.config.document import Document, Problem

_ALWAYS = frozenset(
    ("channel", "unit", "twin", "twin_column", "file", "format", "value", "constant", "where", "quality", "good")
)

_REASONS = {
    "time": "`period` replaces it",
    "time_unit": "`period` or `time_format` replaces it",
    "zone": 'it is of date-times: time_unit = "iso"',
    "epoch": "date-times do not count from an epoch",
    "file_unit": "the file itself gives no unit of that column",
    "missing": "a constant has no column of values",
    "words": "a constant has no column of values",
}


class WatchedLayout(Layout):
    """A layout that knows which of its settings were read."""

    _read: set[str] = PrivateAttr(default_factory=set)

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  # as object's own
        if name in Layout.model_fields:
            self._read.add(name)
        return super().__getattribute__(name)

    @property
    def read(self) -> Set[str]:
        """The settings that were read so far."""
        return self._read


def read_of(stream: Stream, layout: WatchedLayout, *, has_unit: bool) -> frozenset[str]:
    """The settings of one stream that are read; ``has_unit`` where the file gives a unit of its values."""
    if stream.period is not None:
        times = {"period", "epoch"}
    elif stream.is_dated:
        times = {"time", "time_unit", "time_format", "zone"}
    else:
        times = {"time", "time_unit", "epoch"}
    values = {"missing", "words"} if stream.value is not None else set()
    return _ALWAYS | times | values | layout.read | ({"file_unit"} if has_unit else set())


def refuse_unread(path: Path, mapping: Mapping, read: Sequence[frozenset[str]]) -> None:
    """Raise :class:`ConfigError` for what the mapping says and nothing reads; ``read`` has an entry a stream."""
    if problems := list(_unread(mapping, read)):
        raise Document.read(path).error(problems)


def _unread(mapping: Mapping, read: Sequence[frozenset[str]]) -> Iterator[Problem]:
    taken = [known - stream.model_fields_set for stream, known in zip(mapping.streams, read, strict=True)]
    for name in sorted(mapping.recording.model_fields_set - {"name"} - frozenset().union(*taken)):
        own = all(name in stream.model_fields_set for stream in mapping.streams)
        yield _problem(("recording", name), name, "every stream gives its own" if own else "")
    for number, (stream, known) in enumerate(zip(mapping.streams, read, strict=True)):
        for name in sorted(stream.model_fields_set - known):
            yield _problem(("streams", number, name), name)


def _problem(key: tuple[str | int, ...], name: str, reason: str = "") -> Problem:
    reason = reason or _REASONS.get(name, "the format of the file does not need it")
    return Problem(key, "nothing reads it", f"delete it: {reason}")
