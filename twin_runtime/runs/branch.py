"""Branches: the posterior of a store advanced into a future that is declared, beside the run that goes on.

A branch is a copy. Its random numbers are those that the ticks to come would draw, so that it is the same whenever it
is made, and two branches of one posterior differ by their inputs alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin_runtime.core import Code, FleetState, FloatArray, Reading
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly, TypeAssembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.outlook import advances
from twin_runtime.runs.recorded import time_text
from twin_runtime.runs.replay import accepted_entries, steps
from twin_runtime.runs.resuming import at_origins, resume
from twin_runtime.store.identity import require_same
from twin_runtime.store.reader import Reader


class Posterior(NamedTuple):
    """The state of a type at the start of tick ``number``, with all readings before it."""

    of: TypeAssembly
    number: int
    state: FleetState

    @property
    def time(self) -> int:
        """The event time (ns) from which a branch goes on."""
        return self.number * self.of.fleet.tick


class FutureInput(NamedTuple):
    """A sample that an input is to have ``after`` so many ns: a ``value`` in the model's unit, for some ``rows``."""

    rows: Sequence[int]
    channel: int
    value: float
    after: int


def posteriors(assembly: Assembly, path: Path, at: int | None = None) -> list[Posterior]:
    """The states of all types that have begun: as the store leaves them, or at event time ``at`` (ns).

    The first is as quick as a restart; for another time the journal is folded from its beginning. The store may be in
    use. Raises StoreError where no tick had run by then, where another configuration or model has written it, or
    for a time before its newest chapter.
    """
    with Reader.open(path) as stored:
        require_same(stored.identity, assembly.identity, str(path))
    with Reader.open(path, assembly.identity) as reader, reader.snapshot():
        if at is None:
            fold, _ = resume(assembly, reader)
            for _ in fold.revise():
                """Until nothing is left to be folded again."""
        else:
            _require_within(reader, assembly, at)
            fold = at_origins(Fold(assembly, "stream", at), [reader.origin(of.place) for of in assembly.types])
            fold.take(entry for _, entry in reader.entries() if entry.code is Code.DECISION)
            before = takewhile(lambda entry: entry.arrival < at, accepted_entries(assembly, reader))
            for _ in steps(fold, before):
                """To the time itself."""
    found = [
        Posterior(fleet.assembly, fleet.timeline.frontier, fleet.timeline.state.copy())
        for fleet in fold.fleets
        if fleet.timeline.frontier is not None
    ]
    if not found:
        raise StoreError("no tick has run by then", where=str(path), remedy="give a later time, or let it run first")
    return found


def _require_within(reader: Reader, assembly: Assembly, at: int) -> None:
    """Raise StoreError where a time lies before the newest chapter."""
    begins = [reader.origin(of.place) for of in assembly.types]
    times = [of.fleet.tick * each.tick for of, each in zip(assembly.types, begins, strict=True) if each is not None]
    if times and at < min(times):
        what = f"{time_text(at)} lies before its newest chapter, which began at {time_text(min(times))}"
        raise StoreError(what, where=str(reader.path), remedy="give a later time")


def advanced(
    begin: Posterior, ticks: Sequence[int], inputs: Sequence[FutureInput] = ()
) -> Iterator[tuple[int, FloatArray]]:
    """The members' quantities ``[twin, member, quantity]`` after some numbers of ticks, in ascending order.

    No reading corrects them, and the parameters go on walking: what is not known grows. Inputs that have no sample
    stay as they were.
    """
    fleet, rows = begin.of.fleet, np.arange(len(begin.of.fleet.twins))
    wanted = set(ticks)
    branch = advances(fleet, begin.state, begin.number, rows, _by_tick(begin, inputs))
    for count, (x, signals) in zip(range(1, max(ticks, default=0) + 1), branch, strict=False):
        if count in wanted:
            yield count, fleet.model.observe(x, fleet.seconds, signals)


def _by_tick(begin: Posterior, inputs: Sequence[FutureInput]) -> Mapping[int, list[Reading]]:
    found: dict[int, list[Reading]] = {}
    for given in inputs:
        time = begin.time + given.after
        for row in given.rows:
            reading = Reading(row, given.channel, time, given.value, 0.0)
            found.setdefault(time // begin.of.fleet.tick, []).append(reading)
    return found
