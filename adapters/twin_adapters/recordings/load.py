"""From a mapping and its files to a recording."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.mapping import Header, Mapping, Stream, read_mapping
from twin_adapters.recordings.recording import MergedStreams
from twin_adapters.recordings.table import MISSING, Table
from twin_adapters.recordings.times import LATEST, TimeError, event_times
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.durations import duration_text
from twin_runtime.errors import RecordingError, UnitError
from twin_runtime.units import conversion, is_unit


class Samples(NamedTuple):
    """What one stream holds, in the order of its file; nothing missing."""

    time: IntArray
    value: FloatArray


def load(mapping: Path, data: Path | None = None) -> MergedStreams:
    """Read the recording that a mapping file describes.

    Its files lie relative to the folder ``data``, or to the mapping's own. Raises :class:`ConfigError` for the mapping
    and :class:`RecordingError` for the files.
    """
    described = read_mapping(mapping)
    folder = mapping.parent if data is None else data
    tables: dict[object, Table] = {}
    samples = []
    for stream in described.placed:
        source = (stream.file, stream.format, stream.layout)
        if source not in tables:
            tables[source] = open_table(folder / stream.file, stream)
        samples.append(_samples(stream, tables[source], described.recording))
    if not any(len(stream.time) for stream in samples):
        raise RecordingError("there is not one reading in it", where=str(mapping), remedy="look at `value` and `time`")
    return _merge(described, samples, described.recording.name or mapping.name.partition(".")[0])


def _samples(stream: Stream, table: Table, header: Header) -> Samples:
    rows = _rows(stream, table)
    time = _times(stream, table, rows, header.epoch_ns)
    _check_unit(stream, table)
    if stream.value is None:
        value = np.full(len(rows), stream.constant, dtype=np.float64)
    else:
        value = table.numbers(stream.value)[rows]
    present = (time != MISSING) & ~np.isnan(value)
    return Samples(time[present], value[present])


def _check_unit(stream: Stream, table: Table) -> None:
    """Refuse a unit that is not the one that the file gives for the column."""
    if stream.value is None:
        return
    given = table.units.get(table.place(stream.value))
    if given is None or given in (stream.unit, stream.file_unit) or _same_unit(given, stream.unit):
        return
    raise RecordingError(
        f"column {stream.value!r} is in {given!r}, the mapping says {stream.unit!r}",
        where=f"{table.path}: channel {stream.channel}",
        remedy=f"say unit = {given!r}; if the file is wrong or spells it its own way, add file_unit = {given!r}",
    )


def _same_unit(one: str, other: str) -> bool:
    try:
        return is_unit(one) and conversion(one, other) == (1.0, 0.0)
    except UnitError:
        return False


def _rows(stream: Stream, table: Table) -> IntArray:
    """The rows that hold what ``where`` asks for."""
    chosen = np.ones(table.rows, dtype=np.bool_)
    for column, wanted in stream.where.items():
        cells = table.column(column)
        chosen &= cells == wanted
        if not chosen.any():
            values = ", ".join(repr(value) for value in list(dict.fromkeys(cells.tolist()))[:20])
            raise RecordingError(
                f"no row left with {column} = {wanted!r}",
                where=f"{table.path}: `where` of channel {stream.channel}",
                remedy=f"that column holds {values}",
            )
    return np.flatnonzero(chosen)


def _times(stream: Stream, table: Table, rows: IntArray, epoch: int) -> IntArray:
    if stream.period is not None:
        return _evenly(stream.period, len(rows), epoch, table)
    local = table.place(stream.time) in table.local
    try:
        return event_times(table.column(stream.time)[rows], stream.time_unit, epoch, stream.zone, local)
    except TimeError as error:
        row = "" if error.place is None else f", row {rows[error.place]}"
        raise RecordingError(
            f"column {stream.time!r}{row}: {error}", where=str(table.path), remedy=error.remedy
        ) from error


def _evenly(period: int, rows: int, epoch: int, table: Table) -> IntArray:
    if not -LATEST < epoch + period * rows < LATEST:
        what = f"{rows} rows of {duration_text(period)} reach beyond the years 1678 to 2262"
        raise RecordingError(what, where=str(table.path), remedy="mend `period` or `epoch` in the mapping")
    return epoch + period * np.arange(rows, dtype=np.int64)


def _merge(mapping: Mapping, samples: Sequence[Samples], name: str) -> MergedStreams:
    streams = mapping.placed
    twins = tuple(dict.fromkeys(stream.twin for stream in streams))
    channels = tuple(mapping.units)
    lengths = [len(stream.time) for stream in samples]
    twin = np.repeat([twins.index(stream.twin) for stream in streams], lengths)
    channel = np.repeat([channels.index(stream.channel) for stream in streams], lengths)
    time = np.concatenate([stream.time for stream in samples])
    order = np.lexsort((channel, twin, time))  # stable: equal times of one signal stay in the order of the file
    return MergedStreams(
        name=name,
        twins=twins,
        channels=channels,
        units=mapping.units,
        twin=twin[order],
        channel=channel[order],
        time=time[order],
        value=np.concatenate([stream.value for stream in samples])[order],
        sequence=_count((twin * len(channels) + channel)[order]),
    )


def _count(signal: IntArray) -> IntArray:
    """How often each entry's signal occurred before it."""
    count = np.empty(len(signal), dtype=np.int64)
    for one in np.unique(signal):
        of_one = signal == one
        count[of_one] = np.arange(np.count_nonzero(of_one))
    return count
