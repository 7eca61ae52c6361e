"""The system clock without its steps, until readings agree that it was set right."""

import logging
from collections.abc import Callable

from twin_runtime.core import SECOND
from twin_runtime.ingest.agreed_time import Agreement

LOG = logging.getLogger(__name__)

STEP = SECOND
"""The system clock and the monotonic one part by less than this only by drift, which is followed at once."""


class SteadyClock:
    """Now, ns, for a run: goes on evenly when the system clock is set, or when the machine was suspended.

    Which of the two clocks is right then, the readings say: a step is followed once several messages in a row are
    nearer to the clock that was set than to the one that went on. Where none comes, it goes on as before.
    """

    def __init__(self, wall: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = wall() - monotonic()
        self._agreement = Agreement()
        self._reported = 0
        self.steps = 0
        """How many steps have been followed."""

    def now(self) -> int:
        """The time of the run."""
        return self._monotonic() + self._offset

    def compare(self, event: int, arrival: int) -> None:
        """Compare both clocks with the time of a reading that has just arrived."""
        step = self._wall() - self.now()
        if abs(step) < STEP:
            self._offset += step
            self._reported = 0
            self._agreement.clear()
        elif abs(event - self._wall()) < abs(event - self.now()):
            if self._agreement.add(step, STEP, arrival):
                self._follow(step)
        else:
            self._agreement.clear()
            self._report(step)

    def _follow(self, step: int) -> None:
        self._offset += step
        self.steps += 1
        self._reported = 0
        self._agreement.clear()
        LOG.warning(
            "the system clock was set by %+.1f s, or stood still so long; readings go with it: followed", step / SECOND
        )

    def _report(self, step: int) -> None:
        if abs(step - self._reported) >= STEP:
            self._reported = step
            LOG.warning("the system clock was set by %+.1f s; readings go on as before: not followed", step / SECOND)
