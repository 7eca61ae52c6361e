"""Late readings are folded in parts, so that nothing else waits for them for long."""

from collections.abc import Callable, Iterator

from twin_runtime.core import Record
from twin_runtime.runs.fold import Fold

PAUSE_AFTER_REVISING = 3.0
"""After late readings have been folded, so many times as long passes before more are: a quarter of the time at most."""


class Revising:
    """The passes over the past that late readings ask for; while one is under way, no tick may run."""

    def __init__(self, fold: Fold, clock: Callable[[], float]) -> None:
        self._fold, self._clock = fold, clock
        self._pass: Iterator[list[Record]] | None = None
        self._spent = self._after = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self._pass is not None

    def some(self, deadline: float) -> list[Record]:
        """What comes out until the deadline, but give the present its share: who only mends the past falls behind."""
        if self._pass is not None or (self._fold.is_dirty and self._clock() >= self._after):
            return self.all(deadline)
        return []

    def all(self, deadline: float) -> list[Record]:
        """What comes out until the deadline, or until nothing is left."""
        records, began = list[Record](), self._clock()
        self._pass = self._fold.revising() if self._pass is None else self._pass
        for part in self._pass:
            records += part
            if self._clock() >= deadline:
                self._spent += self._clock() - began
                return records
        now = self._clock()
        self._after = now + PAUSE_AFTER_REVISING * (self._spent + now - began)
        self._pass, self._spent = None, 0.0
        return records
