"""What has been said of the ticks that are open: estimates said anew get the next revision, if they differ."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from twin_runtime.core import FloatArray, IntArray, Record


class Revisions:
    """The newest record of every tick that is open, with all its rows."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._newest = {record.tick: record for record in records}

    def newest(self, number: int) -> Record | None:
        """The newest record of a tick."""
        return self._newest.get(number)

    def say(self, record: Record) -> Iterator[Record]:
        """The first record of a tick as it is; of a later one the rows that differ, under the next revision."""
        if record.tick in self._newest:
            yield from self._again(record, self._newest[record.tick])
        else:
            self._newest[record.tick] = _copy(record)  # what was said must not change with what is said later
            yield record

    def with_figures(self, number: int, rows: IntArray, figures: FloatArray) -> Iterator[Record]:
        """Other figures for some rows of a tick, with the verdicts that it has; nothing if it has no record."""
        old = self._newest.get(number)
        if old is not None:
            record = Record(number, rows, figures, old.trust[rows], old.reasons[rows], old.revision[rows])
            yield from self._again(record, old)

    @staticmethod
    def _again(record: Record, old: Record) -> Iterator[Record]:
        rows = record.rows
        same = (record.figures == old.figures[rows]) | (np.isnan(record.figures) & np.isnan(old.figures[rows]))
        changed = ~same.all(axis=(1, 2)) | (record.trust != old.trust[rows]) | (record.reasons != old.reasons[rows])
        if not changed.any():
            return
        rows = rows[changed]
        old.figures[rows], old.trust[rows] = record.figures[changed], record.trust[changed]
        old.reasons[rows] = record.reasons[changed]
        old.revision[rows] += 1
        yield Record(
            record.tick,
            rows,
            record.figures[changed],
            record.trust[changed],
            record.reasons[changed],
            old.revision[rows],
        )

    def forget(self, before: int) -> None:
        """Let go of the ticks before one."""
        self._newest = {number: record for number, record in self._newest.items() if number >= before}


def _copy(record: Record) -> Record:
    arrays = ("figures", "trust", "reasons", "revision")
    return replace(record, **{name: getattr(record, name).copy() for name in arrays})
