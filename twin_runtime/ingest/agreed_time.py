"""Times that readings agree on: no single message decides what time it is, and none locks others out for ever."""

AGREEING = 3
"""So many messages in a row that agree are followed, however far they are from what was known."""


class Agreement:
    """Counts messages in a row whose values agree to within a tolerance; all values of a message count once."""

    __slots__ = ("_arrival", "_count", "_value")

    def __init__(self) -> None:
        self._count, self._value = 0, 0
        self._arrival: int | None = None

    def add(self, value: int, tolerance: int, arrival: int | None) -> bool:
        """Whether enough messages in a row agree, with this value of the message that arrived at ``arrival``."""
        if self._count == 0 or arrival is None or arrival != self._arrival:
            self._count = self._count + 1 if self._count and abs(value - self._value) <= tolerance else 1
        self._value, self._arrival = value, arrival
        return self._count >= AGREEING

    def clear(self) -> None:
        """End the row."""
        self._count = 0


class AgreedTime:
    """The newest event time that readings agree on.

    A time is followed at once if it is at most ``leap`` nanoseconds ahead, or as much further as has passed by the
    clock of arrival since. One that is further ahead is followed once several messages in a row are. Before the first
    time, a time is ahead of its own arrival.
    """

    __slots__ = ("_agreement", "_arrival", "_leap", "newest")

    def __init__(self, leap: int) -> None:
        self._leap, self._agreement = leap, Agreement()
        self.newest: int | None = None
        """None before the first time that was followed."""
        self._arrival: int | None = None

    def follow(self, time: int, arrival: int | None = None, leap: int | None = None) -> bool:
        """Whether a time is agreed on; then the newest time is no older. ``arrival`` None: it is not known.

        This one may be ahead by another ``leap``, where one is given.
        """
        newest, leap = self.newest, self._leap if leap is None else leap
        ahead = newest is None or time > newest + leap
        if ahead and time > self._limit(time, arrival, leap) and not self._agreement.add(time, leap, arrival):
            return False
        self._agreement.clear()
        if newest is None or time > newest:
            self.newest, self._arrival = time, arrival
        return True

    def _limit(self, time: int, arrival: int | None, leap: int) -> int:
        if self.newest is None:
            return time if arrival is None else arrival + leap
        passed = 0 if arrival is None or self._arrival is None else max(0, arrival - self._arrival)
        return self.newest + leap + passed
