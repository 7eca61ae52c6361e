"""What happened in a simulation, and the error of one in which something happened that must not."""

import hashlib
from collections import deque

KEPT = 30


class Broken(Exception):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, detail: object) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


class Trace:
    """A hash of all events; the last ones in words."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.last: deque[str] = deque(maxlen=KEPT)
        self.events = 0

    def add(self, moment: float, *what: object) -> None:
        """Note an event at a moment (s)."""
        line = f"{moment:10.4f} s  {' '.join(map(str, what))}"
        self._digest.update(line.encode())
        self.last.append(line)
        self.events += 1

    @property
    def hash(self) -> str:
        """The hash of all events so far."""
        return self._digest.hexdigest()
