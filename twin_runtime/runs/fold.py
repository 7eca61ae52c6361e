"""The fold over the journal: what a live run, a recovery and a replay have in common.

It is synchronous and does no I/O. Entries go in, with their fate coming back; ticks that are due yield records.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from twin_runtime.core import Checkpoint, Code, Entry, Reading, Record
from twin_runtime.ingest.watermark import Watermarks
from twin_runtime.runs.accounting import accounting, state_hash
from twin_runtime.runs.assembly import Assembly
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import complaining

LOG = logging.getLogger(__name__)


class Fold:
    """A deployment advancing through its readings; ticks that end behind event time ``until`` (ns) never run."""

    def __init__(self, assembly: Assembly, clock: str | None = None, until: int | None = None) -> None:
        twin = assembly.config.twin
        self.assembly, self.timeline = assembly, Timeline(assembly.fleet, twin.lateness)
        shape = (len(twin.twins), len(assembly.channels))
        self.watermarks = Watermarks(*shape, twin.tick, twin.wait, "stream" if clock == "stream" else twin.clock)
        self.counts: Counter[Code] = Counter()
        self._diverged: set[int] = set()
        self._last = None if until is None else until // twin.tick - 1

    def take(self, entries: Iterable[Entry]) -> list[Entry]:
        """Entries with their fate: an accepted reading may turn out to be a duplicate, or late."""
        taken = [self._offered(entry) for entry in entries]
        self.counts.update(entry.code for entry in taken)
        return taken

    def _offered(self, entry: Entry) -> Entry:
        if entry.reading is None or entry.code is not Code.ACCEPTED:
            return entry
        self.watermarks.note(entry.reading)
        reading = self.timeline.placed(entry.reading)
        code = self.timeline.offer(reading)
        if code is not Code.ACCEPTED:
            return entry._replace(code=code)
        return entry if reading is entry.reading else entry._replace(reading=reading)

    def resume(
        self,
        counts: dict[Code, int],
        checkpoint: Checkpoint | None,
        readings: Sequence[Reading],
        records: Iterable[Record],
        frontier: int | None,
    ) -> None:
        """Take up a run where its store ends; ``readings`` are those accepted since the checkpoint."""
        self.counts.update(counts)
        for reading in readings:
            self.watermarks.note(reading)
        self.timeline.resume(checkpoint, readings, records, frontier)

    def run(self, wall: int = 0, *, revise: bool = True) -> Iterator[Record]:
        """Fold late readings, then run every tick that is due; ``wall`` is now, for a deployment on the wall clock.

        Without ``revise`` late readings wait: the final states are the same, the newest estimates lack them.
        """
        if revise:
            yield from self.timeline.revise()
        through = self.watermarks.through(wall)
        if through is not None:
            yield from self._told(self.timeline.advance(self._capped(through)))

    def due(self, wall: int = 0) -> bool:
        """Whether any tick may run now."""
        through, frontier = self.watermarks.through(wall), self.timeline.frontier
        return through is not None and frontier is not None and frontier <= self._capped(through)

    def ended(self, wall: int = 0) -> bool:
        """Whether all ticks to ``until`` have run, and have waited for slow readings."""
        through = self.watermarks.through(wall)
        return self._last is not None and through is not None and through > self._last and not self.due(wall)

    def finish(self) -> Iterator[Record]:
        """Fold what is there: to ``until``, or to the tick of the newest reading."""
        yield from self.timeline.revise()
        newest = self.timeline.newest() if self._last is None else self._last
        if newest is not None:
            yield from self._told(self.timeline.advance(newest))
        yield from self.timeline.conclude()

    def _told(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; a twin that has lost its asset is told loudly."""
        fleet = self.assembly.fleet
        for record in records:
            diverged = set(record.rows[complaining(fleet.checks, record.reasons, "divergence")].tolist())
            for row in sorted(diverged - self._diverged):
                told = "twin '%s' has diverged from its sensors in tick %d; response: %s"
                LOG.warning(told, fleet.twins[row], record.tick, fleet.divergence.response)
            self._diverged = diverged
            yield record

    def _capped(self, through: int) -> int:
        return through if self._last is None else min(through, self._last)

    @property
    def state_hash(self) -> str:
        """The hash of the state at the frontier."""
        return state_hash(self.timeline.frontier, self.timeline.state)

    @property
    def tip(self) -> Checkpoint | None:
        """The state at the frontier; None before the first tick."""
        frontier = self.timeline.frontier
        return None if frontier is None else Checkpoint(frontier, self.timeline.state)

    def accounting(self) -> dict[str, Any]:
        """What became of everything that came in; every number is counted for itself."""
        return accounting(self.counts, self.timeline.state.memory, self.timeline.pending())
