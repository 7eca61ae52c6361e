"""The fold of one twin type: readings in, with their fate; ticks that are due yield records."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twin_runtime.core import Checkpoint, Code, Entry, Omission, Reading, Record, Tally
from twin_runtime.durations import duration_text
from twin_runtime.engine.beginning import paused_rows
from twin_runtime.engine.omission import Span
from twin_runtime.ingest.watermark import Watermarks
from twin_runtime.runs.accounting import accounting, state_hash, tally
from twin_runtime.runs.assembly import TypeAssembly
from twin_runtime.runs.outlooks import Outlooks
from twin_runtime.runs.overload import Overload, entry_of, joined, left_out, omission_of
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import complaining

LOG = logging.getLogger(__name__)


class FleetFold:
    """The twins of a type advancing through their readings; ticks that end behind event time ``until`` never run."""

    def __init__(self, assembly: TypeAssembly, clock: str | None = None, until: int | None = None) -> None:
        twin = assembly.config.twin
        self.assembly, self.timeline = assembly, Timeline(assembly.fleet, twin.lateness)
        shape = (len(twin.twins), len(assembly.channels))
        self.clock = "stream" if clock == "stream" else twin.clock
        self.watermarks = Watermarks(*shape, twin.tick, twin.wait, self.clock)
        self.counts: Counter[Code] = Counter()
        self.ticks = 0
        """Ticks that have run, here and not in an earlier part of the run."""
        self.earlier_ticks = 0
        self._newest = -1
        self._diverged: set[int] = set()
        self._replaced: set[int] = set()
        self._paused: set[int] = set()
        self._shed: set[int] = set()
        self._last = None if until is None else until // twin.tick - 1
        self._overload = Overload(assembly.config.overload, twin.twins, twin.tick)
        self._omissions: list[Omission] = []
        self._undecided: int | None = None
        self.outlooks: Outlooks | None = None
        """What looks ahead beside the ticks, where anything does."""

    @property
    def reached(self) -> int:
        """The event time (ns) to which ticks have run; 0 before the first."""
        return (self.timeline.frontier or 0) * self.assembly.fleet.tick

    @property
    def closed(self) -> int:
        """The event time (ns) before which no reading can come any more."""
        fleet, frontier = self.assembly.fleet, self.timeline.frontier or 0
        past = -(-self.assembly.config.twin.lateness // fleet.tick) + fleet.asynchronous
        return max(0, frontier - past) * fleet.tick

    def take(self, entry: Entry) -> Entry:
        """An entry with its fate: an accepted reading may turn out to be a duplicate, or late. A decision is obeyed."""
        if entry.code is Code.DECISION:
            self.obey(omission_of(entry))
            return entry
        taken = self._offered(entry)
        self.counts[taken.code] += 1
        return taken

    def _offered(self, entry: Entry) -> Entry:
        if entry.reading is None or entry.code is not Code.ACCEPTED:
            return entry
        self.watermarks.advance(entry.reading, entry.arrival)
        reading = self.timeline.placed(entry.reading)
        code = self.timeline.offer(reading)
        if code is not Code.ACCEPTED:
            return entry._replace(code=code)
        return entry if reading is entry.reading else entry._replace(reading=reading)

    def obey(self, omission: Omission) -> None:
        """Leave out what was decided, here or in an earlier part of the run."""
        twins = self.assembly.fleet.twins
        rows = np.array([twins.index(twin) for twin in omission.twins if twin in twins], np.int64)
        self.timeline.omissions.add(Span(omission.first, omission.last, rows if omission.twins else None))
        self._overload.obey(omission)
        self._omissions = joined(self._omissions, omission)

    def decide(self, wall: int) -> Entry | None:
        """What is left out of the next ticks because the twins have fallen behind: an entry, which is taken.

        Until the next decision no tick runs for which it would be due.
        """
        frontier, self._undecided = self.timeline.frontier, None
        if frontier is None or self.clock == "stream" or self.assembly.config.overload.policy == "catch-up":
            return None
        omission = self._overload.decide(frontier, self.behind(wall), wall)
        if omission is not None:
            self.obey(omission)
        if self._overload.next > frontier:
            self._undecided = self._overload.next
        return None if omission is None else entry_of(omission, wall, self.assembly.place)

    @property
    def left_out(self) -> dict[str, Any]:
        """What has been left out under overload so far."""
        return left_out(self._omissions, self.timeline.frontier)

    def resume(
        self,
        counts: Mapping[Code, int],
        checkpoint: Checkpoint | None,
        readings: Sequence[Reading],
        records: Iterable[Record],
        frontier: int | None,
    ) -> None:
        """Continue a run where its store ends; ``readings`` are those accepted since the checkpoint."""
        self.counts.update(counts)
        if frontier is not None:
            self.watermarks.resume(frontier * self.assembly.fleet.tick)
        for reading in readings:
            self.watermarks.advance(reading)
        self._newest = -1 if frontier is None else frontier - 1
        self.timeline.resume(checkpoint, readings, records, frontier)

    def revise(self) -> Iterator[Record]:
        """Fold again what late readings have changed."""
        yield from self._reported(self.timeline.revise())

    def revising(self) -> Iterator[list[Record]]:
        """The same, a tick at a time; no tick may run until it is at its end."""
        for part in self.timeline.revising():
            yield list(self._reported(part))

    def run(self, wall: int = 0) -> Iterator[Record]:
        """Run every tick that is due; ``wall`` is now, for a type on the wall clock."""
        through = self.watermarks.through(wall)
        if through is not None:
            decided = through if self._undecided is None else min(through, self._undecided - 1)
            yield from self._reported(self.timeline.advance(self._capped(decided)))

    def due(self, wall: int = 0) -> bool:
        """Whether any tick may run now."""
        through = self.watermarks.through(wall)
        return through is not None and self.timeline.is_due(self._capped(through))

    def next_due(self) -> int | None:
        """When, on the wall clock, the next tick falls due by waiting; None where that is not known."""
        frontier = self.timeline.frontier
        waits = self.clock == "stream" or frontier is None or self.timeline.is_paused
        return None if waits or frontier is None else self.watermarks.due(frontier)

    def behind(self, wall: int) -> int:
        """How far (ns) the newest tick that has run lies behind the one that is due, though a reading were missing."""
        now, frontier = wall if self.clock == "wall" else self.watermarks.stream, self.timeline.frontier
        if now is None or frontier is None:
            return 0
        due = self._capped(self.watermarks.waited_for(now))
        return (due + 1 - frontier) * self.assembly.fleet.tick if self.timeline.is_due(due) else 0

    def ended(self, wall: int = 0) -> bool:
        """Whether all ticks to ``until`` have run, and have waited for slow readings."""
        if self._last is None:
            return False
        through = self.watermarks.through(wall)
        return through is not None and through > self._last and not self.due(wall)

    def finish(self) -> Iterator[Record]:
        """Fold what is there: to ``until``, or to the tick of the newest reading."""
        yield from self.revise()
        newest = self.timeline.newest() if self._last is None else self._last
        if newest is not None:
            yield from self._reported(self.timeline.advance(newest))
        yield from self._reported(self.timeline.conclude())

    def _reported(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, of this type; new ticks are counted, and a twin that has lost its asset is logged."""
        place = self.assembly.place
        for record in records:
            if record.tick > self._newest:
                self._newest = record.tick
                self.ticks += 1
                if self.outlooks is not None:
                    self.outlooks.note(self.timeline, record)
                if self._diverged or self._replaced or record.reasons.any():
                    self._log_divergence(record)
                    self._log_replaced(record)
            yield replace(record, type=place) if place else record
        self._log_pauses()

    def _log_divergence(self, record: Record) -> None:
        fleet = self.assembly.fleet
        diverged = set(record.rows[complaining(fleet.checks, record.reasons, "divergence")].tolist())
        for row in sorted(diverged - self._diverged):
            message = "twin '%s' has diverged from its sensors in tick %d; response: %s"
            LOG.warning(message, fleet.twins[row], record.tick, fleet.divergence.response)
        self._diverged = diverged

    def _log_replaced(self, record: Record) -> None:
        """Report the twins that have begun to lose members; again after none has been lost for a while."""
        fleet = self.assembly.fleet
        replaced = set(record.rows[complaining(fleet.checks, record.reasons, "replaced")].tolist())
        for row in sorted(replaced - self._replaced):
            message = "twin '%s' has lost members in tick %d, whose states or predictions were not finite; replaced"
            LOG.warning(message, fleet.twins[row], record.tick)
        self._replaced = replaced

    def _log_pauses(self) -> None:
        """Report the twins that pause after a long silence, and those that begin again; not those that are shed."""
        fleet, paused = self.assembly.fleet, set(paused_rows(self.timeline.state.memory))
        shed = self.timeline.omissions.shed((self.timeline.frontier or 0) - 1)
        for row in sorted(paused - self._paused - shed):
            message = "twin '%s' has had no reading for %s: it pauses from tick %d until the next one"
            LOG.warning(
                message, fleet.twins[row], duration_text(fleet.pause_after * fleet.tick), self.timeline.frontier
            )
        again = self._paused - paused
        for row in sorted(again - self._shed):
            LOG.warning(
                "twin '%s' begins again after a pause, before tick %d", fleet.twins[row], self.timeline.frontier
            )
        self._paused, self._shed = paused, (self._shed | shed) - again

    def _capped(self, through: int) -> int:
        return through if self._last is None else min(through, self._last)

    @property
    def state_hash(self) -> str:
        """The hash of the state at the frontier."""
        return state_hash(self.timeline.frontier, self.timeline.state)

    @property
    def tip(self) -> Checkpoint | None:
        """The state at the frontier; None before the first tick."""
        frontier, assembly = self.timeline.frontier, self.assembly
        if frontier is None:
            return None
        return Checkpoint(frontier, self.timeline.state, assembly.fleet.twins, assembly.place)

    def settled(self) -> Checkpoint | None:
        """The newest checkpoint that no reading can change any more."""
        checkpoint = self.timeline.settled()
        return None if checkpoint is None else replace(checkpoint, type=self.assembly.place)

    @property
    def tally(self) -> Tally:
        """What all ticks have come to, those of earlier parts of the run too."""
        return tally(self.assembly.place, self.earlier_ticks + self.ticks, self.timeline.state.memory)

    def accounting(self) -> dict[str, Any]:
        """What became of everything that came in; every number is counted for itself."""
        return accounting(self.counts, self.tally, self.timeline.pending())
