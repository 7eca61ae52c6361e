"""By how much the readings of most signals lag behind a clock, where that is too much to be their way to us.

A reading comes after its time: by its way, and by what its sender holds it back. Up to the lateness that is as
declared. Where the readings of most signals come later than that, or before their time, and agree with each other for a
while, the clock is wrong, or all senders hold back so long: either way no reading would be in time that goes by it.
"""

from dataclasses import dataclass

from twin_runtime.core import SECOND
from twin_runtime.ingest.agreed_time import AGREEING

AHEAD = SECOND
"""A reading that comes more than this before its time shows that the clock is behind."""
TOLERANCE = SECOND
"""Lags that differ by no more agree: by this much the way of messages may vary."""
LASTING = 2 * SECOND
"""For at least so long lags must agree."""

Signal = tuple[int, int, int]
"""Type, twin, channel."""


@dataclass(slots=True)
class _Row:
    """Messages of one signal in a row whose lags agree."""

    began: int
    least: int
    most: int
    count: int = 1
    lasted: bool = False

    def takes(self, lag: int, now: int) -> bool:
        """Add a lag to the row, if it agrees with all in it."""
        least, most = min(lag, self.least), max(lag, self.most)
        if most - least > TOLERANCE:
            return False
        self.least, self.most, self.count = least, most, self.count + 1
        self.lasted = self.count >= AGREEING and now - self.began >= LASTING
        return True


class AgreedLag:
    """The lag (ns) on which the newest messages of more than half of the signals agree."""

    def __init__(self) -> None:
        self._heard: dict[Signal, int] = {}
        self._rows: dict[Signal, _Row] = {}

    def add(self, signal: Signal, lag: int, allowed: int, now: int) -> int | None:
        """The agreed lag, once there is one; ``now`` is on a clock that is never set.

        ``lag`` is that of the newest reading of a message; up to ``allowed`` it says nothing against the clock.
        """
        self._heard[signal] = now
        if -AHEAD <= lag <= allowed:
            if self._rows:
                self._rows.pop(signal, None)
            return None
        row = self._rows.get(signal)
        if row is None or not row.takes(lag, now):
            row = self._rows[signal] = _Row(now, lag, lag)
        return self._agreed(row) if row.lasted else None

    def clear(self) -> None:
        """The clock has been set: what is known of it counts no more."""
        self._heard.clear()
        self._rows.clear()

    def _agreed(self, row: _Row) -> int | None:
        """The least lag of those who agree with a row, if they are most of those that were heard meanwhile."""
        agreeing = [r.least for r in self._rows.values() if r.lasted and abs(r.least - row.least) <= TOLERANCE]
        heard = sum(moment >= row.began for moment in self._heard.values())
        return min(agreeing) if 2 * len(agreeing) > heard else None
