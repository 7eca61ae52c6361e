"""The states of a fleet in time: the past stays open for a while, in which a late reading restores a checkpoint.

A timeline holds the state of a fleet at the frontier, checkpoints behind it, and the readings of every tick that may
still be folded again. Its final states depend on the set of readings accepted, not on the order in which they came.
Only where late readings correct the present, a sensor's late reading is used by the next tick to run, and stays there.

Where the fleet has a lag, the estimates of a tick are revised once its lag is over, by smoothed figures.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from twin_runtime.core import Checkpoint, Code, FleetState, FloatArray, IntArray, Reading, Record
from twin_runtime.crash import crash_point
from twin_runtime.engine.beginning import is_running, tick_of_begun
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.lagged_states import figures_of
from twin_runtime.engine.observations import Observations
from twin_runtime.engine.omission import Omissions, tick_leaving_out
from twin_runtime.engine.tick import laid_out
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.timeline.open_readings import NEVER, Key, OpenReadings, key_of
from twin_runtime.timeline.revisions import Revisions

CHECKPOINTS = 8
"""Checkpoints kept over the time that is open: more cost memory, fewer cost time when a late reading comes."""


class Timeline:
    """A fleet in time; the past stays open for ``lateness`` nanoseconds."""

    def __init__(self, fleet: Fleet, lateness: int) -> None:
        self.fleet = fleet
        self.frontier: int | None = None
        """The next tick to run; None before the first reading."""
        self.begins = 0
        """The tick before which readings belong to an earlier chapter, and are late."""
        self._readings = OpenReadings(fleet)
        self._late_ticks = -(-lateness // fleet.tick)
        # The newest record is kept, and the one to be smoothed next.
        self._open_ticks = max(1, self._late_ticks + self._readings.reach) + fleet.lag
        self._spacing = max(1, self._open_ticks // CHECKPOINTS)
        self.rows = np.arange(len(fleet.twins))
        self._checkpoints: dict[int, FleetState] = {}
        self._revisions = Revisions()
        self.changes = 0
        """How often the state at the frontier has been replaced."""
        self.omissions = Omissions()
        """What is left out of ticks that have not run yet, and of those that may be folded again."""
        self._unsmoothed = False
        self._dirty: int | None = None
        self._dirty_rows: set[int] = set()
        self._unfolded: set[Key] = set()
        """Readings of ticks that have run, which the newest state does not rest on yet."""

    @property
    def state(self) -> FleetState:
        """The state at the frontier (the prior before the first reading)."""
        return self.fleet.start() if self.frontier is None else self._checkpoints[self.frontier]

    @property
    def newest_record(self) -> Record | None:
        """The record of the last tick, with all its rows."""
        return None if self.frontier is None else self._revisions.newest(self.frontier - 1)

    def placed(self, reading: Reading) -> Reading:
        """The reading with the tick that is to use it, if that is not its own. Where there is none, it never changes.

        That is the next tick to run for a sensor's late reading, as far as the fleet recalls the past.
        """
        if not self.fleet.asynchronous or self.newest_record is None or self.frontier is None or reading.tick >= 0:
            return reading
        late = self.frontier - reading.time // self.fleet.tick
        sensed = reading.channel < len(self.fleet.sensors)
        return reading._replace(tick=self.frontier) if sensed and 0 < late <= self.fleet.asynchronous else reading

    def offer(self, reading: Reading) -> Code:
        """Take a reading as it has been :meth:`placed`, unless it was taken before or its past is closed."""
        number = reading.time // self.fleet.tick
        if number < self.begins or (self.frontier is not None and number < self.frontier - self._late_ticks):
            return Code.LATE
        code = self._readings.judge(reading)
        if code is not Code.ACCEPTED:
            return code
        number = self._readings.take(reading)
        if self.frontier is not None and (first := self._readings.first_affected(reading, number)) < self.frontier:
            self._mark_dirty(first, reading.twin)
            if number < self.frontier:
                self._unfolded.add(key_of(reading))
        return Code.ACCEPTED

    def _mark_dirty(self, first: int, twin: int) -> None:
        """From tick ``first`` on, what was folded does not follow from the readings any more."""
        self._dirty = first if self._dirty is None else min(self._dirty, first)
        self._dirty_rows.update([twin] if self._base(first) is not None else self.rows.tolist())

    def _base(self, number: int) -> int | None:
        """The newest checkpoint from which a tick can be folded again; None: only from the prior."""
        return max((n for n in self._checkpoints if n <= number), default=None)

    @property
    def is_dirty(self) -> bool:
        """Whether late readings wait to be folded."""
        return self._dirty is not None

    def newest(self) -> int | None:
        """The newest tick for which there is a reading."""
        return self._readings.last

    def pending(self) -> int:
        """How many readings wait for their tick, or to be folded into it."""
        first = self._readings.first if self.frontier is None else self.frontier
        return (0 if first is None else self._readings.count(first)) + len(self._unfolded)

    def revise(self) -> list[Record]:
        """Fold again whatever late readings have changed; gives the records that differ, under a higher revision."""
        return [record for part in self.revising() for record in part]

    def revising(self) -> Iterator[list[Record]]:
        """The same, a tick at a time. Readings may come meanwhile; no tick may run until it is at its end."""
        if self._dirty is None or self.frontier is None:
            yield self._newly_smoothed()
            return
        rows = np.array(sorted(self._dirty_rows), np.int64)
        yield self._newly_smoothed(np.setdiff1d(self.rows, rows))
        base = self._base(self._dirty)
        self._dirty = None
        self._dirty_rows.clear()
        state = self.fleet.start(rows) if base is None else self._checkpoints[base].rows(rows)
        withheld: dict[int, Record] = {}
        folded: set[Key] = set()
        number = self._readings.first if base is None else base
        while number is not None and number < self.frontier:
            self._keep(number, state, rows)
            if self._runs(state, number, rows):
                folded |= {key for key in self._unfolded.intersection(self._readings.keys(number)) if key[0] in rows}
                state, record = self._tick(state, number, rows)
                yield list(self._revised(record, state, rows, withheld))
                number += 1
            else:
                number = min([self._readings.next(number + 1), *(n for n in self._checkpoints if n > number)])
                state = state.copy()  # a checkpoint of its own
        self._keep(self.frontier, state, rows, force=True)
        self._unfolded -= folded
        self.changes += 1

    def advance(self, through: int) -> Iterator[Record]:
        """Run every tick up to and with ``through``."""
        if self.frontier is None:
            if self._readings.first is None:
                return
            self.frontier = self._readings.first
            self._checkpoints[self.frontier] = self.fleet.start()
        yield from self._newly_smoothed()
        while (number := self._next_to_run()) <= through:
            if number > self.frontier:
                yield from self.conclude()
                self._move_on(number, self.state.copy())
            state, record = self._tick(self.state, self.frontier, self.rows)
            self._move_on(self.frontier + 1, state)
            self._unsmoothed = self.fleet.lag > 0
            self._drop_closed()
            yield from self._revisions.add(record)
            yield from self._newly_smoothed()

    def is_due(self, through: int) -> bool:
        """Whether any tick is left to run up to and with ``through``: twins that are paused wait for their readings."""
        return self.frontier is not None and self.frontier <= through and self._next_to_run() <= through

    @property
    def is_paused(self) -> bool:
        """Whether no twin runs, and none has a reading to begin with."""
        return self.frontier is not None and self._next_to_run() == NEVER

    def _runs(self, state: FleetState, number: int, rows: IntArray) -> bool:
        """Whether a tick is one of any twin of ``rows``."""
        return bool(is_running(state.memory).any()) or bool(self._readings.of_rows(number, rows))

    def _next_to_run(self) -> int:
        """The next tick of any twin: at the frontier, or the first that has a reading where all twins are paused."""
        if self.frontier is None:
            return NEVER
        return self.frontier if self._runs(self.state, self.frontier, self.rows) else self._readings.next(self.frontier)

    def _move_on(self, number: int, state: FleetState) -> None:
        """Put the frontier to a later tick, with the state at its start."""
        if self.frontier is not None and self.frontier % self._spacing and self.frontier != self.begins:
            del self._checkpoints[self.frontier]
        self.frontier = number
        self._checkpoints[number] = state
        self.changes += 1

    def conclude(self) -> Iterator[Record]:
        """The ticks whose lag is not over, smoothed by what there is: for the end of a run."""
        if self.frontier is not None:
            for ago in range(self.fleet.lag, 0, -1):
                yield from self._smoothed(self.frontier - 1, ago, self.rows)

    def _newly_smoothed(self, rows: IntArray | None = None) -> list[Record]:
        """Some rows, or all, of the tick whose lag ended with the last tick that has run, smoothed; once."""
        if not self._unsmoothed or self.frontier is None:
            return []
        self._unsmoothed = False
        return list(self._smoothed(self.frontier - 1, self.fleet.lag, self.rows if rows is None else rows))

    def _smoothed(self, last: int, ago: int, rows: IntArray) -> Iterator[Record]:
        return self._revisions.with_figures(last - ago, rows, self._figures(self.state, ago)[rows])

    def _figures(self, state: FleetState, ago: int) -> FloatArray:
        return figures_of(state.lagged, len(self.fleet.model.quantities), ago)

    def _revised(
        self, record: Record, state: FleetState, rows: IntArray, withheld: dict[int, Record]
    ) -> Iterator[Record]:
        """What changes with a tick of some ``rows`` that has been folded again, and with the state after it.

        Ticks whose lag is over are ``withheld`` until their figures are smoothed.
        """
        lag, behind = self.fleet.lag, record.tick - self.fleet.lag
        if lag and self.frontier is not None and record.tick < self.frontier - lag:
            withheld[record.tick] = record
        else:
            yield from self._revisions.add(record)
        if behind in withheld:
            late = withheld.pop(behind)
            yield from self._revisions.add(replace(late, figures=self._figures(state, lag)[np.isin(rows, late.rows)]))
        elif lag:
            yield from self._revisions.with_figures(behind, rows, self._figures(state, lag))

    def settled(self) -> Checkpoint | None:
        """The newest checkpoint that no reading can change any more."""
        if self.frontier is None:
            return None
        closed = self.frontier - self._open_ticks
        base = self._base(closed if self._dirty is None else min(closed, self._dirty - self.fleet.lag))
        return None if base is None else Checkpoint(base, self._checkpoints[base], self.fleet.twins)

    def window(self, row: int) -> tuple[FloatArray, list[tuple[InputSignals, Observations]]]:
        """A twin's ensemble ``[member, variable]`` at the newest settled checkpoint, and all that acted since."""
        checkpoint, rows = self.settled(), self.rows[row : row + 1]
        if checkpoint is None or self.frontier is None:
            return self.fleet.start().x[row], []
        state = checkpoint.state.rows(rows)
        ticks = (n for n in self._revisions.ticks(row) if n >= checkpoint.tick)
        return state.x[0], [self._laid_out(state.memory, n, rows) for n in ticks]

    def ahead(self, row: int) -> Iterator[tuple[InputSignals, Observations]]:
        """All that acts on a twin, tick by tick, from the first reading to the last, where none has been folded yet.

        In a pause nothing acts.
        """
        memory = self.fleet.layout.fresh(1)
        for number in chain.from_iterable(self._readings.spans(row)):
            yield self._laid_out(memory, number, self.rows[row : row + 1])

    def ticks_ahead(self, row: int) -> int:
        """How many ticks these are."""
        return sum(map(len, self._readings.spans(row)))

    def _laid_out(self, memory: FloatArray, number: int, rows: IntArray) -> tuple[InputSignals, Observations]:
        of_rows, after = self._readings.of_rows(number, rows), self._readings.after(number, rows)
        return laid_out(self.fleet, memory, number, of_rows, after)

    def resume(
        self,
        checkpoint: Checkpoint | None,
        readings: Iterable[Reading],
        records: Iterable[Record],
        frontier: int | None,
    ) -> None:
        """Take up a run that was cut off at ``frontier``: what was stored of it; :meth:`revise` folds it again."""
        for reading in readings:
            self._readings.take(reading)
        if checkpoint is not None:
            self._checkpoints[checkpoint.tick] = self._of_fleet(checkpoint)
        if frontier is None:
            return
        self._revisions = Revisions(records)
        known = self._readings.first
        first = checkpoint.tick if checkpoint is not None else frontier if known is None else known
        self.frontier, self._dirty, self._dirty_rows = frontier, first, set(self.rows.tolist())

    def _of_fleet(self, checkpoint: Checkpoint) -> FleetState:
        """The state of a checkpoint for the twins of this fleet: those that it lacks have not begun."""
        if checkpoint.twins == self.fleet.twins:
            return checkpoint.state
        place, state = {twin: i for i, twin in enumerate(checkpoint.twins)}, self.fleet.start()
        rows = np.array([row for row, twin in enumerate(self.fleet.twins) if twin in place], np.int64)
        stored = checkpoint.state.rows(np.array([place[self.fleet.twins[row]] for row in rows], np.int64))
        state.put(rows, stored)
        return state

    def _tick(self, state: FleetState, number: int, rows: IntArray) -> tuple[FleetState, Record]:
        crash_point("tick")
        of_rows, after = self._readings.of_rows(number, rows), self._readings.after(number, rows)
        given = self.fleet, state, number, of_rows, rows, after
        omitted = self.omissions.of(number)
        return tick_leaving_out(*given, omitted) if omitted else tick_of_begun(*given)

    def _keep(self, number: int, state: FleetState, rows: IntArray, *, force: bool = False) -> None:
        """Put rows into the checkpoint of a tick, where one is kept."""
        kept = self._checkpoints.get(number)
        if kept is None and rows.size == self.rows.size and (force or number % self._spacing == 0):
            self._checkpoints[number] = state
        elif kept is not None:
            kept.put(rows, state)

    def _drop_closed(self) -> None:
        """Drop what can no longer be folded again."""
        checkpoint = self.settled()
        if checkpoint is None or min(self._checkpoints) == checkpoint.tick:
            return
        base = checkpoint.tick
        self._checkpoints = {n: state for n, state in self._checkpoints.items() if n >= base}
        self._readings.drop_before(base)
        self._revisions.drop_before(base)
        self.omissions.drop_before(base)
