"""Up to which time the streams are complete, and so which tick may run."""

from typing import Literal

import numpy as np

from twin_runtime.core import Reading


class Watermarks:
    """The newest event time of every signal.

    A tick may run once every signal has a reading at or behind its end, or ``wait`` has passed since its end: on the
    clock of this machine (``wall``), or on the newest event time of all (``stream``), so that a recording played at any
    speed gives the same ticks.
    """

    def __init__(self, twins: int, channels: int, tick: int, wait: int, clock: Literal["wall", "stream"]) -> None:
        self.newest = np.full((twins, channels), np.iinfo(np.int64).min)
        """The newest event time of every signal, ``[twin, channel]``; the lowest integer before its first reading."""
        self._tick, self._wait, self._clock = tick, wait, clock
        self.stream: int | None = None
        """The newest event time of all signals."""

    def advance(self, reading: Reading) -> None:
        """Move the newest event time of a signal on to that of a reading, if it is newer."""
        if reading.time > self.newest[reading.twin, reading.channel]:
            self.newest[reading.twin, reading.channel] = reading.time
            self.stream = reading.time if self.stream is None else max(self.stream, reading.time)

    def through(self, wall: int) -> int | None:
        """The newest tick that may run, now being ``wall`` (ns); None before the first reading."""
        if self.stream is None:
            return None
        now = wall if self._clock == "wall" else self.stream
        complete = max(int(self.newest.min()), now - self._wait)
        return complete // self._tick - 1

    def due(self, number: int) -> int:
        """When, on the clock of this machine, tick ``number`` falls due by waiting."""
        return (number + 1) * self._tick + self._wait
