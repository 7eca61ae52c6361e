"""Recordings in the European Data Format: EDF and EDF+ (.edf), continuous or not, and BioSemi's BDF (.bdf).

Every signal keeps its own rate. Annotations are a column of texts at times of their own, so that
``where = { annotation = "Apnea" }`` makes events of them.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import edfio
import numpy as np

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.series import Clock, Series, side_by_side
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.core import FloatArray
from twin_runtime.errors import RecordingError

Recorded = edfio.Edf | edfio.Bdf
Signal = edfio.EdfSignal | edfio.BdfSignal

_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14\x14")
"""What begins the annotations of a data record: seconds since the start of the file."""


def read(path: Path, layout: Layout) -> Table:
    """Open a file; signals by label, in their physical units, and annotations. ``layout`` is not used."""
    del layout
    with reading(path, "an EDF or BDF file", "name its `format`, or take the file from its source again"), _whole(path):
        file = _opened(path)
        onsets = _onsets(path, file)
        annotations = file.annotations
    counts = sorted({signal.samples_per_data_record for signal in file.signals})

    def clock(count: int) -> Clock:
        within = np.arange(count) * file.data_record_duration
        return Clock(len(onsets) * count, lambda: (onsets[:, None] * count + within).ravel() / count)

    def series(signal: Signal) -> Series:
        place = counts.index(signal.samples_per_data_record)
        unit = runtime_unit(signal.physical_dimension)
        return Series(signal.label, place, lambda: signal.data.astype(np.float64), unit, signal.transducer_type)

    clocks = [clock(count) for count in counts]
    columns = [series(signal) for signal in file.signals]
    if annotations:
        clocks.append(Clock(len(annotations), lambda: np.array([one.onset for one in annotations])))
        texts = np.array([one.text for one in annotations], dtype=np.object_)
        lengths = np.array([np.nan if one.duration is None else one.duration for one in annotations])
        columns.append(Series("annotation", len(counts), lambda: texts))
        columns.append(Series("annotation duration", len(counts), lambda: lengths, "s"))
    return side_by_side(path, clocks, columns, _start(file))


def _opened(path: Path) -> Recorded:
    """Labels and units are ASCII by the standard, and Latin-1 where they hold a µ."""
    read_file = edfio.read_bdf if _begins_with(path, b"\xffBIOSEMI") else edfio.read_edf
    return read_file(path, header_encoding="latin-1")


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Refuses a file that is shorter or longer than its header says; -1 records mean that nobody counted them."""
    with path.open("rb") as file:
        unknown = file.read(256)[236:244].strip() == b"-1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("ignore" if unknown else "error", message=".*data record")
        try:
            yield
        except UserWarning as warning:
            remedy = "take it from its source again, or write -1 for its number of data records to read what is there"
            raise RecordingError(f"is cut short: {warning}", where=str(path), remedy=remedy) from warning


def _onsets(path: Path, file: Recorded) -> FloatArray:
    """When each data record begins, in seconds since the first one."""
    if file.is_continuous:
        return np.arange(file.num_data_records, dtype=np.float64) * float(file.data_record_duration)
    onsets = [_ONSET.match(record) for record in _timekeeping(path, file)]
    if not all(onsets):
        remedy = "take the file from its source again"
        raise RecordingError("a data record does not say when it begins", where=str(path), remedy=remedy)
    seconds: FloatArray = np.array([float(onset[1]) for onset in onsets if onset])
    since_first: FloatArray = seconds - seconds[0]
    return since_first


def _timekeeping(path: Path, file: Recorded) -> Iterator[bytes]:
    """The first annotations of every data record: those that tell its time."""
    with path.open("rb") as raw:
        header = raw.read(file.bytes_in_header_record)
        number, width = int(header[252:256]), 3 if isinstance(file, edfio.Bdf) else 2
        labels = [header[256 + 16 * place :][:16].strip() for place in range(number)]
        sizes = [width * int(header[256 + 216 * number + 8 * place :][:8]) for place in range(number)]
        place = next(place for place, label in enumerate(labels) if label in (b"EDF Annotations", b"BDF Annotations"))
        for record in range(file.num_data_records):
            raw.seek(len(header) + record * sum(sizes) + sum(sizes[:place]))
            yield raw.read(sizes[place])


def _start(file: Recorded) -> str:
    """The local date and time of the first sample; "" where they are anonymous or none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return file.startdatetime.isoformat()
        except ValueError:
            return ""
