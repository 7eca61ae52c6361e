"""The newest estimates of the ticks that are open: later ones get the next revision, if they differ."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray, IntArray, Reading, Record


class Revisions:
    """The newest record of every tick that is open, with all its rows."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._newest = {record.tick: record for record in records}

    def newest(self, number: int) -> Record | None:
        """The newest record of a tick."""
        return self._newest.get(number)

    def ticks(self, row: int) -> list[int]:
        """The open ticks in which a twin has run, in order."""
        return sorted(number for number, record in self._newest.items() if row in record.rows)

    def add(self, record: Record) -> Iterator[Record]:
        """The first record of a tick as it is; of a later one the rows that differ, under the next revision.

        They differ, too, where other readings were refused.
        """
        if not record.rows.size:
            return
        old = self._newest.get(record.tick)
        if old is None:
            self._newest[record.tick] = _copy(record)  # a record that was yielded must not change with later ones
            yield record
            return
        known = np.isin(record.rows, old.rows)
        yield from self._differing(_part(record, known), old)
        old = self._newest[record.tick] = replace(old, refused=_refused_now(record, old))
        if not known.all():  # twins that have begun earlier than was known
            added = _part(record, ~known)
            self._newest[record.tick] = _merged(old, added)
            yield added

    def with_figures(self, number: int, rows: IntArray, figures: FloatArray) -> Iterator[Record]:
        """Other figures for some rows of a tick, with the verdicts that it has; nothing if it has no record."""
        old = self._newest.get(number)
        if old is None:
            return
        begun = np.isin(rows, old.rows)
        places = np.searchsorted(old.rows, rows[begun])
        verdicts = old.trust[places], old.reasons[places], old.revision[places], old.standing[places]
        yield from self._differing(Record(number, rows[begun], figures[begun], *verdicts), old)

    @staticmethod
    def _differing(record: Record, old: Record) -> Iterator[Record]:
        rows = np.searchsorted(old.rows, record.rows)
        same = (record.figures == old.figures[rows]) | (np.isnan(record.figures) & np.isnan(old.figures[rows]))
        changed = ~same.all(axis=(1, 2)) | (record.trust != old.trust[rows]) | (record.reasons != old.reasons[rows])
        changed |= (record.standing != old.standing[rows]).any(axis=1)
        changed |= np.isin(record.rows, _refused_otherwise(record, old))
        if not changed.any():
            return
        revised, rows = _part(record, changed), rows[changed]
        old.figures[rows], old.trust[rows], old.reasons[rows] = revised.figures, revised.trust, revised.reasons
        old.standing[rows] = revised.standing
        old.revision[rows] += 1
        yield replace(revised, revision=old.revision[rows])

    def drop_before(self, tick: int) -> None:
        """Drop the ticks before one."""
        self._newest = {number: record for number, record in self._newest.items() if number >= tick}


ARRAYS = ("rows", "figures", "trust", "reasons", "revision", "standing")


def _refused_otherwise(record: Record, old: Record) -> list[int]:
    """The rows of which other readings were refused than before, as far as both are known."""
    if record.refused is None or old.refused is None or not (record.refused or old.refused):
        return []
    return [reading.twin for reading in set(record.refused) ^ set(old.refused)]


def _refused_now(record: Record, old: Record) -> tuple[Reading, ...] | None:
    """What is known of a tick after some of its rows were folded again."""
    if record.refused is None or not (record.refused or old.refused):
        return old.refused if record.refused is None else record.refused
    rows = set(record.rows.tolist())
    return (*(reading for reading in old.refused or () if reading.twin not in rows), *record.refused)


def _copy(record: Record) -> Record:
    return replace(record, **{name: getattr(record, name).copy() for name in ARRAYS})


def _part(record: Record, mask: npt.NDArray[np.bool_]) -> Record:
    """Some rows of a record."""
    return record if mask.all() else replace(record, **{name: getattr(record, name)[mask] for name in ARRAYS})


def _merged(one: Record, other: Record) -> Record:
    """The rows of both, in their order."""
    order = np.argsort(np.concatenate([one.rows, other.rows]))
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])[order] for name in ARRAYS
    }
    return replace(one, **joined)
