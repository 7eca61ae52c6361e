"""Recordings in the WaveForm DataBase format of PhysioNet: a header (.hea) in the folder of its signal files.

A frame may hold several samples of a signal, another number for each: every signal keeps its own rate. Segments follow
each other in time; an empty one has no rows, and where one lacks a signal, that signal is missing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import wfdb

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.series import Clock, Series, side_by_side
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_adapters.recordings.wfdb_annotations import read_annotations
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError


class Segment(NamedTuple):
    """A part of a record: its header, its first frame within the record and how many frames it has."""

    path: Path
    header: wfdb.Record
    first: int
    frames: int


class Signal(NamedTuple):
    """One signal of a record: its name, its unit, and its samples in a frame."""

    name: str
    unit: str
    samples: int


def read(path: Path, layout: Layout) -> Table:
    """Open a record by its header (signals by name, in their physical units), or a file of annotations.

    ``layout`` is not used.
    """
    del layout
    if path.suffix.lower() != ".hea":
        return read_annotations(path)
    with reading(path, "a WFDB header", "name its `format`, or take the file from its source again"):
        header = wfdb.rdheader(str(path.with_suffix("")))
        if not header.fs or not header.fs > 0:
            raise _incomplete(path, f"a sampling rate above 0, came {header.fs}")
        segments = list(_segments(path, header))
        signals = _signals(path, header, segments)
    rates = sorted({signal.samples for signal in signals})

    def clock(samples: int) -> Clock:
        rows = sum(segment.frames for segment in segments) * samples
        return Clock(rows, lambda: _ticks(segments, samples) / (float(header.fs) * samples))

    def series(place: int, signal: Signal) -> Series:
        return Series(
            signal.name,
            rates.index(signal.samples),
            lambda: _whole(path, place, signal, segments),
            runtime_unit(signal.unit),
        )

    columns = [series(place, signal) for place, signal in enumerate(signals)]
    return side_by_side(path, [clock(samples) for samples in rates], columns, _start(header))


def _start(header: wfdb.Record | wfdb.MultiRecord) -> str:
    if header.base_datetime is not None:
        return str(header.base_datetime.isoformat())
    return "" if header.base_time is None else str(header.base_time.isoformat())


def _segments(path: Path, header: wfdb.Record | wfdb.MultiRecord) -> Iterator[Segment]:
    """The segments that hold signals; of a record without segments the record itself."""
    if isinstance(header, wfdb.Record):
        yield Segment(path, header, 0, _length(path, header))
        return
    first = 0
    for name, frames in zip(header.seg_name, header.seg_len, strict=True):
        if name != "~" and frames > 0:
            beside = path.with_name(f"{name}.hea")
            yield _segment(beside, wfdb.rdheader(str(beside.with_suffix(""))), header.fs, first, frames)
        first += frames


def _segment(path: Path, header: wfdb.Record, rate: float, first: int, frames: int) -> Segment:
    if not isinstance(header, wfdb.Record):
        raise _incomplete(path, "a segment without segments of its own")
    if header.fs != rate:
        raise _incomplete(path, f"the rate of its record, {rate:g} Hz, came {header.fs:g} Hz")
    if (held := _length(path, header)) < frames:
        raise _incomplete(path, f"the {frames} frames that its record counts on, came {held}")
    return Segment(path, header, first, frames)


def _signals(path: Path, header: wfdb.Record | wfdb.MultiRecord, segments: Sequence[Segment]) -> list[Signal]:
    """All signals of a record: those of its layout, where it has one, else those of its segments."""
    if not segments:
        raise _incomplete(path, "segments with signals, came none")
    of_all = segments[0].header
    if isinstance(header, wfdb.MultiRecord) and header.seg_len[0] == 0:
        of_all = wfdb.rdheader(str(path.with_name(header.seg_name[0])))
    names, units = of_all.sig_name or [], of_all.units
    if not names:
        raise _incomplete(path, "signals, came none")
    samples = [_samples(name, place, segments) for place, name in enumerate(names)]
    return [Signal(*signal) for signal in zip(names, units, samples, strict=True)]


def _samples(name: str, place: int, segments: Sequence[Segment]) -> int:
    """How many samples of a signal a frame holds, which is the same in every segment."""
    counts = {
        segment.path: segment.header.samps_per_frame[here] or 1
        for segment in segments
        if (here := _place(segment, name, place)) is not None
    }
    for path, count in counts.items():
        if count != next(iter(counts.values())):
            raise _incomplete(path, f"the rate of signal {name!r} in the other segments, came {count} samples a frame")
    return next(iter(counts.values()), 1)


def _place(segment: Segment, name: str, place: int) -> int | None:
    """Where a signal of the record stands in a segment: where it stands in the record, or by its name."""
    names = segment.header.sig_name or []
    if place < len(names) and names[place] == name:
        return place
    return names.index(name) if name in names else None


def _ticks(segments: Sequence[Segment], samples: int) -> IntArray:
    """The numbers of all samples since the first of the record, where a frame has so many; gaps are left out."""
    parts = [segment.first * samples + np.arange(segment.frames * samples, dtype=np.int64) for segment in segments]
    return np.concatenate(parts)


def _whole(path: Path, place: int, signal: Signal, segments: Sequence[Segment]) -> FloatArray:
    """The samples of a signal in all segments; NaN where a segment lacks it."""
    return np.concatenate([_part(path, place, signal, segment) for segment in segments])


def _part(path: Path, place: int, signal: Signal, segment: Segment) -> FloatArray:
    here, count = _place(segment, signal.name, place), segment.frames * signal.samples
    if here is None:
        return np.full(count, np.nan)
    unit = segment.header.units[here]
    if unit != signal.unit:
        what = f"expected signal {signal.name!r} in {signal.unit!r} as in {path.name}, came {unit!r}"
        raise RecordingError(what, where=str(segment.path), remedy="read the segments one by one")
    return _physical(segment, here)[:count]


def _physical(segment: Segment, place: int) -> FloatArray:
    """Every sample of one signal of a segment, in its physical unit."""
    remedy = "keep the signal files of a record beside its header, or take them from their source again"
    try:
        with reading(segment.path, "the header of its signal files", remedy), _measured(segment) as record:
            values: FloatArray = wfdb.rdrecord(record, channels=[place], smooth_frames=False).e_p_signal[0]
    except RecordingError as error:
        if isinstance(error.__cause__, OSError):
            what = f"its signals cannot be read: {error.__cause__}"
            raise RecordingError(what, where=str(segment.path), remedy=remedy) from error
        raise
    return values


@contextmanager
def _measured(segment: Segment) -> Iterator[str]:
    """The record's path without suffix, for wfdb; where the header says a length of 0, as one that says none.

    Both mean that the length is that of the signal files, but wfdb takes 0 at its word.
    """
    if segment.header.sig_len != 0:
        yield str(segment.path.with_suffix(""))
        return
    with TemporaryDirectory() as folder:
        for name in set(segment.header.file_name):
            (Path(folder) / name).symlink_to(segment.path.with_name(name).absolute())
        (Path(folder) / segment.path.name).write_text(_without_length(segment.path), encoding="ascii", errors="ignore")
        yield str(Path(folder) / segment.path.stem)


def _without_length(path: Path) -> str:
    """A header whose record line ends with the rate."""
    lines = path.read_text(encoding="ascii", errors="ignore").splitlines()
    place = next(place for place, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    lines[place] = " ".join(lines[place].split()[:3])
    return "\n".join(lines) + "\n"


def _length(path: Path, header: wfdb.Record) -> int:
    """Frames of a record: as its header says, else as many as its first signal has."""
    if header.sig_len:
        return int(header.sig_len)
    if not header.sig_name:
        raise _incomplete(path, "signals, came none")
    return len(_physical(Segment(path, header, 0, 0), 0)) // (header.samps_per_frame[0] or 1)


def _incomplete(path: Path, expected: str) -> RecordingError:
    remedy = "mend that header, or take the record from its source again"
    return RecordingError(f"expected {expected}", where=str(path), remedy=remedy)
