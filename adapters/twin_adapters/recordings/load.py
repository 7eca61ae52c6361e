"""From a mapping and its files to a recording."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twin_adapters.recordings.files import Files
from twin_adapters.recordings.mapping import Mapping, read_mapping
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.recording import MergedStreams
from twin_adapters.recordings.samples import Samples, samples_of, unit_of
from twin_adapters.recordings.unread import read_of, refuse_unread
from twin_runtime.core import IntArray
from twin_runtime.errors import RecordingError


def load(mapping: Path, data: Path | None = None) -> MergedStreams:
    """Read the recording that a mapping file describes.

    Its files lie relative to the folder ``data``, or to the mapping's own. Raises :class:`ConfigError` for the mapping
    and :class:`RecordingError` for the files.
    """
    described = read_mapping(mapping)
    files = Files(mapping.parent if data is None else data)
    samples: list[Samples] = []
    read = []
    for stream in described.placed:
        tables = files.tables(stream)
        for table in tables:
            with reading(table.path, "what its mapping says", "look at the mapping of the recording"):
                samples.extend(samples_of(stream, table, described.recording.epoch_ns))
        read.append(read_of(stream, files.layout(stream), has_unit=any(unit_of(stream, table) for table in tables)))
    refuse_unread(mapping, described, read)
    if not any(len(stream.time) for stream in samples):
        raise RecordingError("there is not one reading in it", where=str(mapping), remedy="look at `value` and `time`")
    return _merge(described, samples, described.recording.name or mapping.name.partition(".")[0])


def _merge(mapping: Mapping, samples: Sequence[Samples], name: str) -> MergedStreams:
    twins, channels = tuple(dict.fromkeys(stream.twin for stream in samples)), tuple(mapping.units)
    lengths = [len(stream.time) for stream in samples]
    twin = np.repeat([twins.index(stream.twin) for stream in samples], lengths)
    channel = np.repeat([channels.index(stream.channel) for stream in samples], lengths)
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
    small = signal.astype(np.int16) if signal.max(initial=0) < 2**15 else signal  # which sorts in linear time
    order = np.argsort(small, kind="stable")
    place = np.arange(len(signal))
    begins = np.diff(signal[order], prepend=-1) != 0
    count = np.empty(len(signal), dtype=np.int64)
    count[order] = place - np.maximum.accumulate(np.where(begins, place, 0))
    return count
