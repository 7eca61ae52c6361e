"""How speed is measured: against a peer, in the same run, with the runs of both interleaved."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

DISK = "/var/tmp"
"""Where stores are written that are measured: ``/tmp`` may be in memory."""

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""The environment of every process that is measured; read when NumPy is first imported."""

Clock = Callable[[], float]
"""Does something once; returns the CPU time that it took, in seconds."""


class Row(NamedTuple):
    """One line of the table: ``ours`` and ``peer`` in ``unit``; ours may be ``bound`` times the peer at most.

    The peer is NaN where it is not installed. ``difference`` is that of the two results, relative to the largest
    element; NaN where there is nothing to compare.
    """

    name: str
    ours: float
    against: str
    peer: float
    unit: str
    bound: float
    difference: float = math.nan

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the peer's."""
        return self.ours / self.peer


def clocked(function: Callable[[], object]) -> Clock:
    """The clock of a function of this process."""

    def clock() -> float:
        start = time.process_time()
        function()
        return time.process_time() - start

    return clock


def settled(clock: Clock) -> Clock:
    """The clock of the second of two calls, which does not pay for what others have left in the caches."""

    def second() -> float:
        clock()
        return clock()

    return second


def medians(clocks: Sequence[Clock], repeats: int) -> list[float]:
    """The median of each clock: called once unmeasured, then in turn, ``repeats`` times."""
    for clock in clocks:
        clock()
    seconds = [[clock() for clock in clocks] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*seconds, strict=True)]


def interleaved(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The median CPU time of each function in seconds; see :func:`medians`."""
    return medians([clocked(function) for function in functions], repeats)
