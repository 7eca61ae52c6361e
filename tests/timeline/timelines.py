"""A timeline with all that it ever said, and logs for it."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from tests.tank import START, TICK, busy_tick, tanks
from twin_runtime.core import Code, Reading, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.withheld import Withholding

LATENESS = 12
"""Ticks for which the past stays open in these stories."""
LAG = 10
"""Ticks by which the smoother looks back in some of them."""
FLEETS = {count: tanks(count, members=6) for count in (1, 2, 3)}
SMOOTHED = {count: replace(fleet, lag=LAG) for count, fleet in FLEETS.items()}
WITHHELD = {count: replace(fleet, withholding=Withholding(0.7, 3)) for count, fleet in FLEETS.items()}
"""In most of the time one of the two sensors is judged and not used."""
EITHER = pytest.mark.parametrize("fleets", [FLEETS, SMOOTHED], ids=["filtered", "smoothed"])

Estimate = tuple[bytes, int, int, bytes]
"""Figures, trust, reasons and standings of one twin."""


@dataclass
class History:
    """The estimates of every (tick, row) in the order of their revisions, as a store would keep them."""

    estimates: defaultdict[tuple[int, int], list[Estimate]] = field(default_factory=lambda: defaultdict(list))

    refused: dict[tuple[int, int], set[Reading]] = field(default_factory=dict)
    """What was refused by the newest revision."""

    def add(self, records: Iterable[Record]) -> None:
        """Note new records; every revision must be the next of its estimate, and differ from the last."""
        for record in records:
            for i, row in enumerate(record.rows.tolist()):
                known = self.estimates[record.tick, row]
                estimate = (
                    record.figures[i].tobytes(),
                    int(record.trust[i]),
                    int(record.reasons[i]),
                    record.standing[i].tobytes(),
                )
                assert record.revision[i] == len(known)
                refused = self.refused.get((record.tick, row))
                if record.refused is not None:
                    refused = {reading for reading in record.refused if reading.twin == row}
                assert not known or estimate != known[-1] or refused != self.refused[record.tick, row]
                known.append(estimate)
                self.refused[record.tick, row] = refused or set()

    @property
    def newest(self) -> dict[tuple[int, int], Estimate]:
        return {key: known[-1] for key, known in self.estimates.items()}


@dataclass
class Run:
    """A timeline with all that it ever said."""

    timeline: Timeline
    history: History = field(default_factory=History)
    codes: list[Code] = field(default_factory=list)

    @classmethod
    def of(cls, fleet: Fleet, lateness: int = LATENESS) -> "Run":
        return cls(Timeline(fleet, lateness * TICK))

    def offer(self, *readings: Reading) -> "Run":
        self.codes += [self.timeline.offer(reading) for reading in readings]
        return self

    def to(self, frontier: int, *, revise: bool = True) -> "Run":
        """Fold what came late, or leave it for later, and run every tick before the one so far from the beginning."""
        if revise:
            self.history.add(self.timeline.revise())
        self.history.add(self.timeline.advance(START + frontier - 1))
        return self

    def concluded(self) -> "Run":
        """Come to its own end."""
        self.history.add(self.timeline.conclude())
        return self

    @property
    def bits(self) -> tuple[int | None, bytes, bytes, bytes]:
        state = self.timeline.state
        return self.timeline.frontier, state.x.tobytes(), state.memory.tobytes(), state.lagged.tobytes()


def in_order(fleet: Fleet, readings: Iterable[Reading], frontier: int) -> Run:
    """The sorted log, folded at once."""
    return Run.of(fleet).offer(*sorted(readings, key=lambda r: (r.time, r.twin, r.channel))).to(frontier)


def log(ticks: int, count: int, seed: int = 0) -> list[Reading]:
    """Readings of all channels, with holes in which only some are heard."""
    rng = random.Random(seed)
    return [r for n in range(ticks) for r in busy_tick(n, count, seed) if rng.random() < 0.6]
