"""What may still lie unread at the source: ticks on the clock of this machine do not pass it.

After this process has stood still, for whatever cause, messages lie in the socket and at the broker, in the order in
which they were sent. Until they have been read, ticks follow the event times of what is being read, as those of a
recording do; so a reading that was there in time is not late because nobody has looked.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from twin_runtime.core import SECOND, Source, WatchedSource

STALL = 0.25
"""Seconds without a look at the source, after which the sender may hold more than one look shows."""

QUIET = 0.25
"""Seconds in which nothing comes, all that came being acknowledged: the sender holds nothing back."""

PATIENCE = 10.0
"""Seconds that a lost connection is waited for after a stall; then its silence does not stop the clock."""

HOLD, LONGEST_HOLD = 2.0, 600.0
"""Seconds of silence, at least and at most, before ticks leave what came behind by more than the lateness: whether the
senders are behind, or the clock of this machine is ahead, only more readings can show."""

FIRST_HOLD = 10.0
"""The same before the first message of a run that goes on from an earlier one."""

TURNS = 4
"""Of the event loop, in which what lies in a socket comes in."""

NEWEST = 64
"""Event times that are looked at; what half of them have reached counts, whatever a few clocks say."""

FRESH = 100_000_000
"""Nanoseconds since the source was last read out, within which event times are not looked at."""


class Unread:
    """Up to when a source has been read. Times are those of this machine, ns; durations are of the event loop, s.

    Readings may be late by the ``lateness``. An earlier run has ``reached`` an event time; 0: there was none.
    """

    def __init__(self, source: Source, now: int, lateness: int = 0, reached: int = 0) -> None:
        self._source = source if isinstance(source, WatchedSource) else None
        self._lateness = lateness
        self._read_out = 0
        self._is_empty = self.was_empty = False
        """Whether nothing lay unread before the newest batch came: then it has just arrived."""
        self._awake = self._newest_batch = _seconds()
        self._batches = 0
        self._times: deque[int] = deque((reached,) if reached else (), maxlen=NEWEST)
        self._resumed: int | None = now
        """When the last stall ended, until nothing can lie unread that came meanwhile. A start is the end of one."""

    def look(self, now: int) -> None:
        """This process is awake: whether it has stood still shows now."""
        moment = _seconds()
        if moment - self._awake > STALL:
            self._resumed, self._newest_batch = now, moment
        elif self._resumed is not None:
            self._resumed = min(self._resumed, now)  # the clock may be set back
        self._awake = moment

    def take(self, times: Iterable[int]) -> None:
        """A batch has been read, with readings of these event times."""
        self._batches += 1
        self.was_empty, self._is_empty = self._is_empty, False
        self._newest_batch = _seconds()
        self._times.extend(times)

    def until(self, now: int) -> int:
        """The time up to which ticks may take the silence of a sensor for silence; never after now."""
        if now - self._read_out < FRESH:
            return min(now, self._read_out)
        return min(now, max(self._read_out, self._reached()))

    async def read_out(self, now: int, *, settled: bool) -> bool:
        """Whether all that was there now has been read: then ticks may come to now.

        ``settled``: all that was read has been acknowledged.
        """
        batches = self._batches
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if self._batches != batches or (self._source is not None and self._source.unread):
            return False
        self._is_empty = True
        if self._resumed is not None and self._reached() < self._resumed and not self._is_quiet(now, settled=settled):
            return False
        self._read_out, self._resumed = now, None
        return True

    def _reached(self) -> int:
        """The event time that half of the newest readings have reached; 0 before any."""
        return sorted(self._times)[(len(self._times) - 1) // 2] if self._times else 0

    def _is_quiet(self, now: int, *, settled: bool) -> bool:
        silence = _seconds() - self._newest_batch
        if self._source is not None and not self._source.connected:
            return settled and silence >= PATIENCE
        is_late = bool(self._times) and self._reached() < now - max(self._lateness, SECOND)
        hold = min(max(HOLD if self._batches else FIRST_HOLD, self._lateness / SECOND), LONGEST_HOLD)
        return settled and silence >= (hold if is_late else QUIET)


def _seconds() -> float:
    return asyncio.get_running_loop().time()
