"""From a mapping and its files to a recording."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.mapping import Header, Mapping, Stream, read_mapping
from twin_adapters.recordings.recording import MergedStreams
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.times import MISSING, event_times
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError


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
    if stream.value is None:
        value = np.full(len(rows), stream.constant, dtype=np.float64)
    else:
        value = table.numbers(stream.value)[rows]
    present = (time != MISSING) & ~np.isnan(value)
    return Samples(time[present], value[present])


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
        return epoch + stream.period * np.arange(len(rows), dtype=np.int64)
    try:
        return event_times(table.column(stream.time)[rows], stream.time_unit, epoch)
    except (ValueError, OverflowError) as error:
        remedy = "mend `time` or `time_unit` in the mapping"
        raise RecordingError(f"column {stream.time!r}: {error}", where=str(table.path), remedy=remedy) from error


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
