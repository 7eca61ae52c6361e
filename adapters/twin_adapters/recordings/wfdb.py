"""Recordings in the WaveForm DataBase format of PhysioNet: a header (.hea) in the folder of its signal files."""

from pathlib import Path

import numpy as np
import wfdb

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.core import FloatArray
from twin_runtime.errors import RecordingError

TIME = "time"
"""The column that every record has besides its signals: seconds since its first sample."""


def read(path: Path, layout: Layout) -> Table:
    """Open a record by its header; signals by name, in their physical units. ``layout`` is not used."""
    del layout
    record = str(path.with_suffix(""))
    try:
        header = wfdb.rdheader(record)
    except (ValueError, IndexError) as error:
        raise RecordingError(f"not a WFDB header: {error}", where=str(path), remedy="name its `format`") from error

    def cells(place: int) -> Cells:
        if place == 0:
            return np.arange(header.sig_len) / float(header.fs)
        try:
            signals: FloatArray = wfdb.rdrecord(record, channels=[place - 1]).p_signal
        except OSError as error:
            remedy = "keep the signal files of a record beside its header"
            raise RecordingError(f"its signals cannot be read: {error}", where=str(path), remedy=remedy) from error
        return signals[:, 0]

    return Table(path, header.sig_len, [TIME, *header.sig_name], cells)
