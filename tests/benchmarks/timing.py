"""How speed is measured: against a peer, in the same run, with the runs of both interleaved."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

DISK = "/var/tmp"
"""Where stores are written that are measured: ``/tmp`` may be in memory."""


class Row(NamedTuple):
    """One line of the table: ``ours`` and ``peer`` in ``unit``; ours may be ``bound`` times the peer at most."""

    name: str
    ours: float
    against: str
    peer: float
    unit: str
    bound: float

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the peer's."""
        return self.ours / self.peer


def interleaved(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The median CPU time of each function in seconds: called once unmeasured, then in turn, ``repeats`` times."""
    for function in functions:
        function()
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, times in zip(functions, seconds, strict=True):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in seconds]
