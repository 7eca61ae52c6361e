"""The fold over the journal: what a live run, a recovery and a replay have in common.

It is synchronous and does no I/O. Entries go in, with their fate coming back; ticks that are due yield records.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from twin_runtime.core import Bulletin, Checkpoint, Code, Entry, Record, Tally
from twin_runtime.ingest.router import NO_TYPE
from twin_runtime.runs.accounting import joint_hash, total
from twin_runtime.runs.assembly import Assembly, TypeAssembly
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.outlooks import Clock, Outlooks
from twin_runtime.runs.plans import of_horizons, plans
from twin_runtime.store.reader import Reader


class Fold:
    """A deployment advancing through its readings, type by type.

    Ticks that end behind ``until`` (ns), the same for all or one for each type, never run.
    """

    def __init__(
        self, assembly: Assembly, clock: str | None = None, until: int | Sequence[int | None] | None = None
    ) -> None:
        self.assembly = assembly
        ends = until if isinstance(until, Sequence) else [until] * len(assembly.types)
        self.fleets = tuple(FleetFold(of, clock, end) for of, end in zip(assembly.types, ends, strict=True))
        self.unroutable: Counter[Code] = Counter()
        """Rejected messages that belong to no type."""

    def take(self, entries: Iterable[Entry]) -> list[Entry]:
        """Entries with their fate: an accepted reading may turn out to be a duplicate, or late."""
        return [self._taken(entry) for entry in entries]

    def _taken(self, entry: Entry) -> Entry:
        if entry.type != NO_TYPE:
            return self.fleets[entry.type].take(entry)
        self.unroutable[entry.code] += 1
        return entry

    def decide(self, wall: int) -> list[Entry]:
        """Decide what is left out of the next ticks, of twins on the wall clock that have fallen behind.

        The entries are to be kept in the journal, at the latest with the records of those ticks.
        """
        return [entry for fleet in self.fleets if (entry := fleet.decide(wall)) is not None]

    def revise(self) -> list[Record]:
        """Fold again what late readings have changed: the records that differ, under a higher revision."""
        return [record for fleet in self.fleets for record in fleet.revise()]

    def revising(self) -> Iterator[list[Record]]:
        """The same, a tick at a time; no tick may run until it is at its end."""
        for fleet in self.fleets:
            yield from fleet.revising()

    def run(self, wall: int = 0, *, revise: bool = True) -> Iterator[Record]:
        """Fold late readings, then run every tick that is due; ``wall`` is now, for types on the wall clock.

        Without ``revise`` late readings wait: the final states are the same, the newest estimates lack them.
        """
        for fleet in self.fleets:
            if revise:
                yield from fleet.revise()
            yield from fleet.run(wall)

    def due(self, wall: int = 0) -> bool:
        """Whether any tick may run now."""
        return any(fleet.due(wall) for fleet in self.fleets)

    def behind(self, wall: int) -> int:
        """How far (ns) the newest ticks that have run lie behind those that are due, of the type that is furthest."""
        return max(fleet.behind(wall) for fleet in self.fleets)

    def next_due(self) -> int | None:
        """When, on the wall clock, the next tick falls due by waiting; None where that is not known."""
        return min((due for fleet in self.fleets if (due := fleet.next_due()) is not None), default=None)

    def ended(self, wall: int = 0) -> bool:
        """Whether all ticks to ``until`` have run, and have waited for slow readings, of every type that has begun."""
        begun = [fleet for fleet in self.fleets if fleet.watermarks.stream is not None]
        return bool(begun) and all(fleet.ended(wall) for fleet in begun)

    def finish(self) -> Iterator[Record]:
        """Fold what is there: to ``until``, or to the tick of the newest reading."""
        for fleet in self.fleets:
            yield from fleet.finish()

    def look_ahead(
        self, reader: Reader | None = None, clock: Clock | None = None, horizons: Sequence[int] = ()
    ) -> None:
        """Make the declared forecasts from now on, each in its share of the time by a ``clock`` (s), where given.

        ``reader``: of the store that holds an earlier part of the run. ``horizons`` (ns): these are looked ahead, too.
        """
        for fleet in self.fleets:
            place, wanted = fleet.assembly.place, [*plans(fleet.assembly)]
            wanted += [of_horizons(fleet.assembly, horizons)] if horizons else []
            alarms = () if reader is None else reader.newest_bulletins("alarm", place)
            fleet.outlooks = Outlooks(place, wanted, clock, alarms) if wanted else None
            if fleet.outlooks is not None and reader is not None:
                fleet.outlooks.resume(reader)

    def work_ahead(self, deadline: float) -> None:
        """Go on with forecasts that have been begun, to ``deadline`` by the clock at the latest."""
        for outlooks in self._looking:
            outlooks.work(deadline)

    def leave_ahead(self) -> None:
        """Skip what has been begun and is not finished: the run ends."""
        for outlooks in self._looking:
            outlooks.leave()

    def closed_ends(self) -> list[tuple[TypeAssembly, int]]:
        """To which event time (ns) the past is closed, of the types that look ahead."""
        return [(fleet.assembly, fleet.closed) for fleet in self.fleets if fleet.outlooks is not None]

    def bulletins(self) -> list[Bulletin]:
        """What has been forecast, skipped and alarmed since this was asked last."""
        return [bulletin for outlooks in self._looking for bulletin in outlooks.taken()]

    @property
    def _looking(self) -> list[Outlooks]:
        return [fleet.outlooks for fleet in self.fleets if fleet.outlooks is not None]

    @property
    def begun(self) -> bool:
        """Whether any tick has run."""
        return any(fleet.timeline.frontier is not None for fleet in self.fleets)

    @property
    def is_dirty(self) -> bool:
        """Whether late readings wait to be folded."""
        return any(fleet.timeline.is_dirty for fleet in self.fleets)

    def pending(self) -> int:
        """How many readings wait for their tick."""
        return sum(fleet.timeline.pending() for fleet in self.fleets)

    @property
    def ticks(self) -> int:
        """Ticks that have run, of all types."""
        return sum(fleet.ticks for fleet in self.fleets)

    @property
    def earlier_ticks(self) -> int:
        """Ticks of earlier parts of the run, of all types."""
        return sum(fleet.earlier_ticks for fleet in self.fleets)

    @property
    def changes(self) -> int:
        """How often a state at a frontier has been replaced: the tallies are the same as long as this is."""
        return sum(fleet.timeline.changes for fleet in self.fleets)

    @property
    def tallies(self) -> list[Tally]:
        """What the ticks of each type have come to."""
        return [fleet.tally for fleet in self.fleets]

    @property
    def state_hash(self) -> str:
        """The hash of the states at the frontiers of all types."""
        return joint_hash([fleet.state_hash for fleet in self.fleets])

    @property
    def counts(self) -> Counter[Code]:
        """How many entries there have been of each code."""
        return sum((fleet.counts for fleet in self.fleets), self.unroutable.copy())

    def settled(self) -> list[Checkpoint]:
        """The newest checkpoint of each type that no reading can change any more."""
        return [checkpoint for fleet in self.fleets if (checkpoint := fleet.settled()) is not None]

    @property
    def tips(self) -> list[Checkpoint]:
        """The states at the frontiers, of the types that have begun."""
        return [tip for fleet in self.fleets if (tip := fleet.tip) is not None]

    def accounting(self) -> dict[str, Any]:
        """What became of everything that came in; every number is counted for itself."""
        return total([fleet.accounting() for fleet in self.fleets], self.unroutable)
