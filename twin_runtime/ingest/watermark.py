"""Up to which time the streams are complete, and so which tick may run."""

from typing import Literal

import numpy as np

from twin_runtime.core import SECOND, Reading
from twin_runtime.ingest.agreed_time import AgreedTime
from twin_runtime.ingest.slow_twins import NEVER, SlowTwins

LEAP = 60 * SECOND
"""A reading further ahead of the others moves nothing until others agree."""


IDLE_INTERVALS = 2
"""A signal whose readings have stayed out for so many of its intervals is idle."""

UNHEARD = int(np.iinfo(np.int64).min)
"""Earlier than any reading."""


class Watermarks:
    """The newest event time of every signal.

    A tick may run once every signal has a reading at or behind its end, or ``wait`` has passed since its end: on the
    clock of this machine (``wall``), or on the newest event time of all (``stream``), so that a recording played at any
    speed gives the same ticks. A signal that has been silent for longer than the wait and twice the mean interval
    between its readings is idle: it holds nobody back until its next reading. Nor do a few twins hold back the others
    of their fleet (:mod:`twin_runtime.ingest.slow_twins`).
    """

    def __init__(self, twins: int, channels: int, tick: int, wait: int, clock: Literal["wall", "stream"]) -> None:
        self.newest = np.full((twins, channels), UNHEARD)
        """The newest event time of every signal, ``[twin, channel]``; the lowest integer before its first reading."""
        self._oldest = np.full((twins, channels), np.iinfo(np.int64).max)
        self._count = np.zeros((twins, channels), np.int64)
        self._places = self.newest.data, self._oldest.data, self._count.data
        self._first: int | None = None
        self._tick, self._wait, self._clock = tick, wait, clock
        self._agreed = AgreedTime(max(LEAP, 2 * tick))
        self._slow = SlowTwins(twins, tick)
        self._complete: int | None = None
        self._changed = True
        self._now = UNHEARD

    @property
    def stream(self) -> int | None:
        """The newest event time that the signals agree on."""
        return self._agreed.newest

    def advance(self, reading: Reading, arrival: int | None = None) -> None:
        """Move the newest event time of a signal on to that of a reading, if it is newer and not far ahead of all."""
        if self._agreed.follow(reading.time, arrival):
            time, place, (newest, oldest, count) = reading.time, (reading.twin, reading.channel), self._places
            self._changed = True
            count[place] += 1
            newest[place] = max(newest[place], time)
            oldest[place] = min(oldest[place], time)
            if self._first is None or time < self._first:
                self._first = time

    def resume(self, time: int) -> None:
        """Take up a run whose ticks have come to event time ``time``."""
        self._agreed.follow(time)
        self._first, self._changed = time, True

    def through(self, wall: int) -> int | None:
        """The newest tick that may run, now being ``wall`` (ns), never less than before; None before any reading."""
        if self.stream is None or self._first is None:
            return None
        now = wall if self._clock == "wall" else self.stream
        if self._complete is None or self._changed or now != self._now:
            complete = max(now - self._wait, self._passed(now, self._first))
            self._complete = complete if self._complete is None else max(complete, self._complete)
            self._changed, self._now = False, now
        return self._complete // self._tick - 1

    def _passed(self, now: int, first: int) -> int:
        """The time that all signals have passed which are waited for; before all times where none is."""
        newest = np.maximum(self.newest, first)
        known = self._count > 1
        intervals = np.where(known, (newest - self._oldest) // np.maximum(1, self._count - 1), 0)
        active = now - newest <= self._wait + IDLE_INTERVALS * intervals
        marks = np.where(active, newest, NEVER).min(axis=1, initial=NEVER)
        if marks.size > 2:
            expected = np.where(active & known, newest + intervals, NEVER).min(axis=1, initial=NEVER)
            marks = marks[~self._slow.find(marks, expected)]
        passed = int(marks.min(initial=NEVER))
        return passed if passed < NEVER else UNHEARD

    def waited_for(self, now: int) -> int:
        """The newest tick whose wait has run out, now being ``now`` on its own clock (ns)."""
        return (now - self._wait) // self._tick - 1

    def due(self, number: int) -> int:
        """When, on the clock of this machine, tick ``number`` falls due by waiting."""
        return (number + 1) * self._tick + self._wait
