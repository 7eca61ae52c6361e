"""Twins whose readings come so slowly that the others of their fleet do not wait for them.

A fleet is advanced in lockstep, so a tick that waits for one twin waits for all. A few twins whose next readings are
overdue, though most others have theirs, hold them back in vain: their readings revise the past when they come.
"""

import numpy as np
import numpy.typing as npt

from twin_runtime.core import IntArray
from twin_runtime.ingest.agreed_time import AGREEING

NEVER = int(np.iinfo(np.int64).max)
"""The watermark of a twin that holds nobody back."""


class SlowTwins:
    """Which twins have held the others back in so many ticks in a row."""

    def __init__(self, twins: int, tick: int) -> None:
        self._held, self._tick, self._judged = np.zeros(twins, np.int64), tick, -1

    def find(self, marks: IntArray, expected: IntArray) -> npt.NDArray[np.bool_]:
        """The slow ones, given the watermark of each twin, and the time of the first reading that it has not sent yet.

        ``expected`` is by the mean interval of its readings: one that is older than what most others have is overdue.
        """
        waited_for = marks < NEVER
        few = (int(waited_for.sum()) - 1) // 2
        if few > 0:
            most = int(np.partition(marks, few)[few])
            if most // self._tick > self._judged:
                self._judged = most // self._tick
                self._held = np.where(waited_for & (expected < most), self._held + 1, 0)
        slow: npt.NDArray[np.bool_] = self._held >= AGREEING
        return slow
