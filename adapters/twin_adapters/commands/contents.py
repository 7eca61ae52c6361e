"""The contents of a file of recorded data, or of the recording behind a mapping."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from twin_adapters.recordings import MergedStreams, load
from twin_adapters.recordings.describe import Channel, Words, channel_of, times_of
from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.guess import Times, guess_times
from twin_adapters.recordings.mapping import Header
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
    except (OSError, ValueError):
        return {}  # reading it as a mapping or as a query says what is wrong


def _parsed(settings: Sequence[str]) -> dict[str, object]:
    try:
        return tomllib.loads("\n".join(settings))
    except tomllib.TOMLDecodeError as error:
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
    table = open_table(path, header)
    rows = _chosen(table, header)
    count = table.rows if rows is None else len(rows)
    contents = Contents(path, count, [], header, names=list(table.names), start=table.start)
    instants = _timed(contents, table)
    instants = instants if instants is None or rows is None else instants[rows]
    there = np.empty(0) if instants is None else instants[instants != MISSING]
    contents.first, contents.last = (int(there.min()), int(there.max())) if len(there) else (None, None)
    times = contents.times
    with progress(f"reading {path.name}", len(table.names)) as advance:
        for place in range(len(table.names)):
            if times is None or place != times.column:
                _add(contents, table, place, instants, rows)
            advance(place + 1)
    return contents


def _chosen(table: Table, header: Header) -> IntArray | None:
    """The rows that ``where`` asks for; None for all."""
    if not header.where:
        return None
    return np.flatnonzero(
        np.logical_and.reduce([table.column(column) == wanted for column, wanted in header.where.items()])
    )


def _add(contents: Contents, table: Table, place: int, instants: IntArray | None, rows: IntArray | None) -> None:
    try:
        column = channel_of(table, place, instants, rows)
    except RecordingError as error:
        contents.unreadable[table.names[place] or str(place)] = error.what
        return
    if isinstance(column, Channel):
        contents.channels.append(column)
    elif column.total:
        contents.words.append(column)


def _timed(contents: Contents, table: Table) -> IntArray | None:
    """The times of all rows, by what was said of them or else by a guess, which may fail; None where nothing tells."""
    header = contents.header
    if header.period:
        return header.epoch_ns + header.period * np.arange(table.rows, dtype=np.int64)
    said = _said(table, header)
    times = said or guess_times(table)
    if times is None:
        return None
    try:
        instants = times_of(table, times.column, times.unit, header.epoch_ns, header.zone)
    except RecordingError as error:
        if said:
            raise
        contents.unreadable[table.names[times.column] or str(times.column)] = error.what
        return None
    contents.times = times
    contents.local = times.unit == "iso" and header.zone is None and _is_local(table, times.column)
    return instants


def _said(table: Table, header: Header) -> Times | None:
    """The column of times and its unit, where the command line or the mapping names one of the two."""
    said = header.model_fields_set & {"time", "time_unit"}
    if not said:
        return None
    guess = None if len(said) == 2 else guess_times(table)
    column = table.place(header.time) if "time" in said or guess is None else guess.column
    unit = header.time_unit if "time_unit" in said or guess is None or guess.column != column else guess.unit
    return Times(column, unit, "as you say", since_1970=unit in ("iso", "datenum"))


def _is_local(table: Table, column: int) -> bool:
    """Whether the date-times of a column have no offset from UTC."""
    texts = (cell for cell in table.column(column) if isinstance(cell, str) and cell)
    first = next(texts, None)
    return column in table.local or (first is not None and datetime.fromisoformat(first).tzinfo is None)
