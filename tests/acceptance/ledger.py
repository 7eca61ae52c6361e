"""What must hold at the end of every story: nothing is lost, nothing is double, every figure has its reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from twin_runtime.core import Record
from twin_runtime.store.reader import Reader


class Verdict(NamedTuple):
    """One estimate of one twin, to be compared bit for bit."""

    figures: bytes
    trust: int
    reasons: int


class History:
    """All estimates of a run, by (tick, row of the twin), oldest revision first."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._revisions: dict[tuple[int, int], dict[int, Verdict]] = defaultdict(dict)
        self.add(records)

    def add(self, records: Iterable[Record]) -> None:
        """Write down some records. An estimate never comes twice under the same revision."""
        for record in records:
            for i, row in enumerate(record.rows.tolist()):
                revisions = self._revisions[record.tick, row]
                assert record.revision[i] == len(revisions), "a revision is missing or double"
                figures = record.figures[i].tobytes()
                revisions[len(revisions)] = Verdict(figures, int(record.trust[i]), int(record.reasons[i]))

    @property
    def newest(self) -> dict[tuple[int, int], Verdict]:
        """The newest revision of every estimate."""
        return {place: revisions[len(revisions) - 1] for place, revisions in sorted(self._revisions.items())}

    @property
    def revised(self) -> int:
        """How many estimates have more than one revision."""
        return sum(len(revisions) > 1 for revisions in self._revisions.values())

    def is_contiguous(self, twins: int) -> bool:
        """Whether every tick from the first to the last has an estimate of every twin."""
        ticks = [tick for tick, _ in self._revisions]
        return len(self._revisions) == (max(ticks) + 1 - min(ticks)) * twins


def history_of(reader: Reader) -> History:
    """All estimates of a store."""
    known = reader.identity
    history, position = History(), 0
    while estimates := reader.estimates(position, 10_000):
        position = estimates[-1].position
        for e in estimates:
            bits = sum(1 << known.checks.index(name) for name in e.reasons)
            columns = (np.array([number]) for number in (e.trust, bits, e.revision))
            history.add([Record(e.tick, np.array([known.twins.index(e.twin)]), e.figures[None], *columns)])
    return history


def balance(readings: Mapping[str, Any]) -> int:
    """What is left when all that came in is accounted for."""
    accepted, rejected = readings["accepted"], sum(readings["rejected"].values())
    known = (readings[fate] for fate in ("assimilated", "duplicate", "late", "pending"))
    return int(accepted - rejected - sum(known))
