"""The forecasts of a type while it runs: which are due, made beside the ticks in the time that they may take.

Which are due follows from the numbers of the ticks alone, and what they say from the posterior: time only decides which
are skipped, and each that is skipped is told. Without a clock, in a replay, none is.
"""

from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np

from twin_runtime.core import Bulletin, Record, Trust
from twin_runtime.runs.alarms import Alarms
from twin_runtime.runs.outlook import Plan, Start, looked_ahead
from twin_runtime.store.reader import Reader
from twin_runtime.timeline.timeline import Timeline

BURST = 0.5
"""Seconds of computing that may be saved up."""

Clock = Callable[[], float]


class Outlooks:
    """The forecasts of a type; ``clock`` (s) is what their budgets are shares of, None: they have all the time."""

    def __init__(
        self, place: int, plans: Sequence[Plan], clock: Clock | None = None, alarms: Sequence[Bulletin] = ()
    ) -> None:
        self._place, self._alarms, self._made = place, Alarms(alarms), list[Bulletin]()
        self._works = [_Work(plan, clock) for plan in plans]

    def note(self, timeline: Timeline, record: Record) -> None:
        """A tick has run: begin what is due with it, without delay where there is no clock."""
        number = record.tick + 1
        due = [work for work in self._works if number % work.plan.every == 0]
        if due and record.rows.size:
            trust = [Trust(int(level)) for level in record.trust]
            start = Start(timeline.fleet, self._place, number, record.rows, timeline.state.rows(record.rows), trust)
            for work in due:
                self._made += work.begin(start)
        for work in self._works:
            self._take(work.plan, work.overdue(number))

    def work(self, deadline: float) -> None:
        """Go on with what has been begun, to ``deadline`` by the clock at the latest."""
        for work in self._works:
            self._take(work.plan, work.go_on(deadline))

    def taken(self) -> list[Bulletin]:
        """What has been made since this was asked last."""
        made, self._made = self._made, []
        return made

    def resume(self, reader: Reader) -> None:
        """Skip what was due in an earlier part of the run, and was lost with its end."""
        for plan in (work.plan for work in self._works):
            last = reader.newest_tick(("forecast", "skipped"), plan.name, self._place)
            if last is not None:
                due = (number for number in reader.ends(last, self._place) if number % plan.every == 0)
                self._made += [skipped(plan, number, self._place) for number in due if number > last]

    def leave(self) -> None:
        """Skip what has been begun and is not finished."""
        self._made += [skipped for work in self._works for skipped in work.left()]

    def _take(self, plan: Plan, made: Sequence[Bulletin]) -> None:
        for bulletin in made:
            self._made.append(bulletin)
            if bulletin.kind == "forecast":
                self._made += self._alarms.judge(plan, bulletin)


class _Work:
    """One declared forecast: what of it is under way, and the time that it has left."""

    def __init__(self, plan: Plan, clock: Clock | None) -> None:
        self.plan, self._clock = plan, clock
        self._job: Generator[None, None, list[Bulletin]] | None = None
        self._number = self._place = 0
        self._left, self._asked = BURST, 0.0 if clock is None else clock()

    def begin(self, start: Start) -> Iterator[Bulletin]:
        """Begin, unless the one before is still under way: then this one is skipped."""
        if self._job is not None:
            yield skipped(self.plan, start.number, start.place)
            return
        self._job, self._number, self._place = looked_ahead(self.plan, start), start.number, start.place

    def overdue(self, number: int) -> Sequence[Bulletin]:
        """With a clock: give up what is still under way when all of it has come to pass. Without: finish it."""
        if self._job is None:
            return ()
        if self._clock is None:
            return self.go_on(np.inf)
        return self.left() if number >= self._number + self.plan.leads[-1] else ()

    def left(self) -> Sequence[Bulletin]:
        """Give up what is under way."""
        if self._job is None:
            return ()
        self._job = None
        return [skipped(self.plan, self._number, self._place)]

    def go_on(self, deadline: float) -> Sequence[Bulletin]:
        """Compute for as long as the budget and the deadline allow; what is finished, if anything."""
        began = self._replenished()
        if self._job is None:
            return ()
        try:
            while self._clock is None or (began < deadline and self._left > 0.0):
                next(self._job)
                if self._clock is not None:
                    now = self._clock()
                    self._left, began = self._left - (now - began), now
        except StopIteration as finished:
            self._job = None
            made: list[Bulletin] = finished.value
            return made
        return ()

    def _replenished(self) -> float:
        """Now, by the clock; the budget grows by its share of the time since it was asked last."""
        if self._clock is None:
            return 0.0
        now = self._clock()
        self._left = min(BURST, self._left + self.plan.budget * (now - self._asked))
        self._asked = now
        return now


def skipped(plan: Plan, number: int, place: int) -> Bulletin:
    """That a forecast was due after a tick, and was not made."""
    return Bulletin("skipped", plan.name, number, "", {}, place)
