"""Annotations of WFDB records (.atr, .qrs and the like): beats and notes at their times, for events."""

from pathlib import Path

import numpy as np
import wfdb

from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Table
from twin_runtime.errors import RecordingError

NAMES = ("time", "symbol", "channel", "note")
"""The columns; ``symbol`` is ``N`` of a normal beat, ``note`` the text that may stand beside one."""


def read_annotations(path: Path) -> Table:
    """Read an annotation file; its rate is its own, or that of the record's header beside it."""
    with reading(path, "a WFDB annotation file", "name its `format`, or take the file from its source again"):
        found = wfdb.rdann(str(path.with_suffix("")), path.suffix.removeprefix("."))
        if not found.fs or not found.fs > 0:
            what = "expected a sampling rate, in the file or in a header of the same name, came none"
            raise RecordingError(what, where=str(path), remedy="put the header of the record beside it")
        notes = [note.rstrip("\0") or None for note in found.aux_note]
        columns = (
            np.asarray(found.sample, dtype=np.int64) / float(found.fs),
            np.array(found.symbol, dtype=np.object_),
            np.asarray(found.chan, dtype=np.int64),
            np.array(notes, dtype=np.object_),
        )
    return Table(path, len(found.sample), NAMES, columns.__getitem__, units={0: "s"})
