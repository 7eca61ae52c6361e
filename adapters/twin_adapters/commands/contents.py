"""The contents of a file of recorded data, or of the recording behind a mapping."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from twin_adapters.recordings import MergedStreams, load
from twin_adapters.recordings.describe import Channel, Words, channel_of
from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.guess import Times, guess_times
from twin_adapters.recordings.mapping import Header, Stream
from twin_adapters.recordings.rows import chosen_rows
from twin_adapters.recordings.samples import times_of
from twin_adapters.recordings.table import MISSING, Table
from twin_runtime.cli.output import progress
from twin_runtime.config.document import Document
from twin_runtime.config.explain import validated
from twin_runtime.core import IntArray
from twin_runtime.errors import ConfigError, RecordingError


@dataclass
class Contents:
    """What is in a recording: its channels, its columns of texts, and what was found out about its times."""

    path: Path
    rows: int
    channels: list[Channel]
    header: Header = field(default_factory=Header)
    """What was said of the file, before anything was guessed."""
    words: list[Words] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Columns that cannot be read, with the error."""
    times: Times | None = None
    """The column of times of a file; None for a mapping, or where there is none."""
    said: dict[str, object] = field(default_factory=dict)
    """``header`` as it was written."""
    names: list[str] = field(default_factory=list)
    """All columns of a file; none for a mapping."""
    local: bool = False
    """Whether times have no offset from UTC, and no zone was named for them."""
    start: str = ""
    is_mapping: bool = False
    first: int | None = None
    last: int | None = None


def contents_of(path: Path, data: Path | None, settings: Sequence[str]) -> Contents:
    """Read a file, or what its mapping describes. Raises :class:`TwinError` where that fails."""
    described = _toml(path) if path.suffix == ".toml" else {}
    if set(described) == {"recording"} and isinstance(described["recording"], dict):
        return _of_place(path, data or path.parent, described["recording"] | _parsed(settings))
    if described.keys() & {"recording", "streams"}:
        if settings:
            raise ConfigError("a mapping says all itself", where="--set", remedy="change the mapping, or name its file")
        return _of_mapping(path, load(path, data))
    return _of_place(path, data or Path(), {"file": str(path)} | _parsed(settings))


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # reading it as a mapping or as a query says what is wrong


def _parsed(settings: Sequence[str]) -> dict[str, object]:
    try:
        return tomllib.loads("\n".join(settings))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        remedy = "write it as in a mapping, such as --set 'time=\"t\"' or --set header=false"
        raise ConfigError(f"not TOML: {error}", where="--set", remedy=remedy) from None


def _of_place(path: Path, folder: Path, said: dict[str, object]) -> Contents:
    """The contents of a file, as ``said`` of it under [recording] or on the command line."""
    header = validated(Header, Document(path, "", said))
    contents = _of_file(folder / header.file, header)
    contents.said = said
    return contents


def _of_mapping(path: Path, recording: MergedStreams) -> Contents:
    channels = []
    for twin_place, twin in enumerate(recording.twins):
        for place, name in enumerate(recording.channels):
            here = (recording.twin == twin_place) & (recording.channel == place)
            if here.any():
                about = name, recording.units[name], ""
                channels.append(Channel(*about, recording.value[here], recording.time[here], twin=twin))
    return Contents(path, len(recording), channels, is_mapping=True, first=recording.start, last=recording.end)


def _of_file(path: Path, header: Header) -> Contents:
    table, stream = open_table(path, header), _stream(header)
    rows = chosen_rows(stream, table)
    contents = Contents(path, len(rows), [], header, names=list(table.names), start=table.start)
    instants = _timed(contents, stream, table, rows)
    there = np.empty(0) if instants is None else instants[instants != MISSING]
    contents.first, contents.last = (int(there.min()), int(there.max())) if len(there) else (None, None)
    times = contents.times
    with progress(f"reading {path.name}", len(table.names)) as advance:
        for place in range(len(table.names)):
            if times is None or place != times.column:
                _add(contents, place, lambda place: channel_of(stream, table, place, instants, rows))
            advance(place + 1)
    return contents


def _stream(header: Header) -> Stream:
    """What is said of a file, as of a stream that takes every row of it."""
    said = {name: getattr(header, name) for name in header.model_fields_set & Stream.model_fields.keys()}
    return Stream.model_construct(channel="any", constant=1.0, unit="1", **said)


def _add(contents: Contents, place: int, read: Callable[[int], Channel | Words]) -> None:
    try:
        column = read(place)
    except RecordingError as error:
        contents.unreadable[contents.names[place] or str(place)] = error.what
        return
    if isinstance(column, Channel):
        contents.channels.append(column)
    elif column.total:
        contents.words.append(column)


def _timed(contents: Contents, stream: Stream, table: Table, rows: IntArray) -> IntArray | None:
    """The times of some rows, by what was said of them or else by a guess, which may fail; None where nothing tells."""
    header = contents.header
    if header.period:
        return times_of(stream, table, rows, header.epoch_ns)
    said = _said(table, header)
    times = said or guess_times(table)
    if times is None:
        return None
    update = {} if _is_written(header) else {"time": times.column, "time_unit": times.unit}
    try:
        zoned = stream.model_copy(update={"zone": header.zone or "UTC", **update})
        instants = times_of(zoned, table, rows, header.epoch_ns)
    except RecordingError as error:
        if said:
            raise
        contents.unreadable[table.names[times.column] or str(times.column)] = error.what
        return None
    contents.times = times
    contents.local = times.unit == "iso" and header.zone is None and _is_local(table, header, times.column)
    return instants


def _is_written(header: Header) -> bool:
    """Whether it is said how the date-times are written."""
    return bool(header.time_format) or isinstance(header.time, tuple)


def _said(table: Table, header: Header) -> Times | None:
    """The column of times and its unit, where the command line or the mapping names one of the two."""
    said = header.model_fields_set & {"time", "time_unit"}
    first = header.time[0] if isinstance(header.time, tuple) else header.time
    if _is_written(header):
        return Times(table.place(first), "iso", "as you say", since_1970=True)
    if not said:
        return None
    guess = None if len(said) == 2 else guess_times(table)
    column = table.place(first) if "time" in said or guess is None else guess.column
    unit = header.time_unit if "time_unit" in said or guess is None or guess.column != column else guess.unit
    return Times(column, unit, "as you say", since_1970=unit in ("iso", "datenum"))


def _is_local(table: Table, header: Header, column: int) -> bool:
    """Whether date-times have no offset from UTC."""
    if header.time_format:
        return "%z" not in header.time_format
    first = next((cell for cell in table.column(column) if isinstance(cell, str) and cell), None)
    return column in table.local or (first is not None and datetime.fromisoformat(first).tzinfo is None)
