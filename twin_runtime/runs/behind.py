"""How far a run lies behind the ticks that are due, and what the log says of it."""

import logging
from collections.abc import Callable

from twin_runtime.core import SECOND

LOG = logging.getLogger(__name__)

NOTED = 1.0
"""Seconds behind, from which on it is reported."""

QUIET_SECONDS = 60.0
"""Between two reports that it begins."""


class Behind:
    """Seconds behind, now and at most; reported when it starts and when it has ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = self.most = 0.0
        self._clock = clock
        self._began: float | None = None
        self._most_since = 0.0
        self._quiet_until = clock()
        self._is_reported = False

    def update(self, behind: int) -> None:
        """The newest ticks lie ``behind`` nanoseconds now."""
        self.now = behind / SECOND
        self.most = max(self.most, self.now)
        if self.now > NOTED:
            self._begin()
        elif self._began is not None and self.now < NOTED / 2.0:
            self._end(self._clock() - self._began)

    def _begin(self) -> None:
        if self._began is None:
            self._began, self._most_since = self._clock(), 0.0
        self._most_since = max(self._most_since, self.now)
        if not self._is_reported and self._clock() >= self._quiet_until:
            self._is_reported, self._quiet_until = True, self._clock() + QUIET_SECONDS
            LOG.warning("the twins are %.1f s behind the ticks that are due; they catch up", self.now)

    def _end(self, lasted: float) -> None:
        if self._is_reported:
            LOG.warning("the twins are in step again, after %.1f s, at most %.1f s behind", lasted, self._most_since)
        self._began, self._is_reported = None, False

    def figures(self) -> dict[str, float]:
        """For the summary."""
        return {"now": self.now, "most": self.most}
