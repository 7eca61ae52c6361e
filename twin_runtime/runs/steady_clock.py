"""The system clock without its steps, until readings agree that it was set right; set by readings where it is wrong."""

import logging
from collections.abc import Callable

from twin_runtime.core import SECOND
from twin_runtime.ingest.agreed_time import Agreement
from twin_runtime.runs.agreed_lag import AgreedLag, Signal

LOG = logging.getLogger(__name__)

STEP = SECOND
"""The system clock and the monotonic one part by less than this only by drift, which is followed at once."""


class SteadyClock:
    """Now, ns, for a run: goes on evenly when the system clock is set, or when the machine was suspended.

    Which of the two clocks is right then, the readings say: a step is followed once several messages in a row are
    nearer to the clock that was set than to the one that went on. Where none comes, it goes on as before. Where most
    signals agree that neither is right (:mod:`twin_runtime.runs.agreed_lag`), it goes by them from then on.
    """

    def __init__(self, wall: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = wall() - monotonic()
        self._apart = 0
        """By how much readings have set this clock back against the system clock."""
        self._agreement, self._lag = Agreement(), AgreedLag()
        self._reported = 0
        self.steps = 0
        """How many steps have been followed."""

    def now(self) -> int:
        """The time of the run."""
        return self._monotonic() + self._offset

    @property
    def ahead(self) -> int:
        """How far the system clock is ahead of the time of the run, ns."""
        return self._wall() - self.now()

    def compare(self, event: int, arrival: int) -> None:
        """Compare both clocks with the time of a reading that has just arrived."""
        ahead = self.ahead
        if abs(ahead) < STEP:
            self._rejoin()
        step = ahead - self._apart
        if abs(step) < STEP:
            self._offset += step
            self._reported = 0
            self._agreement.clear()
        elif abs(event - self.now() - step) < abs(event - self.now()):
            if self._agreement.add(step, STEP, arrival):
                self._follow(step)
        else:
            self._agreement.clear()
            self._report(step)

    def go_by(self, signal: Signal, event: int, allowed: int) -> None:
        """Take a reading that has just arrived, with nothing before it unread, as a witness of what time it is.

        Its lag may be as ``allowed`` (ns), or less, and says nothing against the clock then.
        """
        lag = self._lag.add(signal, self.now() - event, max(allowed, STEP), self._monotonic())
        if lag is not None:
            self._offset -= lag
            self._apart += lag
            self.steps += 1
            self._lag.clear()
            LOG.warning(_LAGGING if lag > 0 else _LEADING, abs(lag) / SECOND)

    def _rejoin(self) -> None:
        if self._apart:
            self._apart = 0
            LOG.warning("the system clock agrees with the readings again")

    def _follow(self, step: int) -> None:
        self._offset += step
        self.steps += 1
        self._reported = 0
        self._agreement.clear()
        self._lag.clear()
        message = "the system clock was set by %+.1f s, or stood still so long; readings go with it: followed"
        if step < 0:
            message += "; ticks that have run stay as they are, and readings are late until they come to their end"
        LOG.warning(message, step / SECOND)

    def _report(self, step: int) -> None:
        if abs(step - self._reported) >= STEP:
            self._reported = step
            LOG.warning("the system clock was set by %+.1f s; readings go on as before: not followed", step / SECOND)


_LAGGING = (
    "readings come %.1f s after their time, longer than the lateness: the clock of this machine is ahead of the "
    "senders', or they hold readings back; the run goes by the readings"
)
_LEADING = (
    "readings come %.1f s before their time: the clock of this machine is behind the senders'; "
    "the run goes by the readings"
)
