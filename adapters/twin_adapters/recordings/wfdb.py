"""Recordings in the WaveForm DataBase format of PhysioNet: a header (.hea) in the folder of its signal files.

A frame may hold several samples of a signal, another number for each: a row is then one moment at which any signal has
a sample, and the others are missing in it.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import wfdb

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError

TIME = "time"
"""The column that every record has besides its signals: seconds since its first sample."""


def read(path: Path, layout: Layout) -> Table:
    """Open a record by its header; signals by name, in their physical units. ``layout`` is not used."""
    del layout
    record = str(path.with_suffix(""))
    with reading(path, "a WFDB header", "name its `format`, or take the file from its source again"):
        header = wfdb.rdheader(record)
        if not isinstance(header, wfdb.Record) or not header.sig_name or not header.sig_len or not header.fs > 0:
            raise RecordingError(
                "expected a header of one segment with signals, their length and their rate",
                where=str(path),
                remedy="name the header of a segment, or complete the first line of this one",
            )
        steps, frames = math.lcm(*header.samps_per_frame), int(header.sig_len)
        moments = _moments(header.samps_per_frame, steps)
        units = dict(enumerate(header.units, 1))
        names = [TIME, *header.sig_name]

    def cells(place: int) -> Cells:
        if place == 0:
            return (np.arange(frames)[:, None] * steps + moments).ravel() / (float(header.fs) * steps)
        with reading(path, "the header of its signal files", "take them from their source again"), _beside(path):
            signal: FloatArray = wfdb.rdrecord(record, channels=[place - 1], smooth_frames=False).e_p_signal[0]
            samples = header.samps_per_frame[place - 1]
            rows = np.full((frames, len(moments)), np.nan)
            rows[:, np.searchsorted(moments, _moments([samples], steps))] = signal.reshape(frames, samples)
            return rows.ravel()

    return Table(path, frames * len(moments), names, cells, units)


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "keep the signal files of a record beside its header"
        raise RecordingError(f"its signals cannot be read: {error}", where=str(path), remedy=remedy) from error


def _moments(samples: list[int], steps: int) -> IntArray:
    """When within a frame, in ``steps`` of it, signals of so many ``samples`` a frame have one."""
    return np.unique(np.concatenate([np.arange(count, dtype=np.int64) * (steps // count) for count in samples]))
