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
        """Whether there are so many twins, each with an estimate of every tick from its own first to the last."""
        ticks: dict[int, set[int]] = defaultdict(set)
        for tick, row in self._revisions:
            ticks[row].add(tick)
        last = max(tick for tick, _ in self._revisions)
        return len(ticks) == twins and all(of_twin == set(range(min(of_twin), last + 1)) for of_twin in ticks.values())


def history_of(reader: Reader, place: int | None = None) -> History:
    """All estimates of a store, or those of one type."""
    history, position = History(), 0
    while estimates := reader.estimates(position, 10_000):
        position = estimates[-1].position
        for e in estimates:
            if place not in (None, e.type):
                continue
            known = reader.identity.types[e.type]
            bits = sum(1 << known.checks.index(name) for name in e.reasons)
            row, trust, reasons, revision = (
                np.array([number]) for number in (known.twins.index(e.twin), e.trust, bits, e.revision)
            )
            history.add([Record(e.tick, row, e.figures[None], trust, reasons, revision, np.array([e.standing]))])
    return history


def balance(readings: Mapping[str, Any]) -> int:
    """What is left when all that came in is accounted for."""
    accepted, rejected = readings["accepted"], sum(readings["rejected"].values())
    known = (readings[fate] for fate in ("assimilated", "duplicate", "late", "pending"))
    return int(accepted - rejected - sum(known))
