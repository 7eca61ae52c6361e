"""Readings that are stamped on arrival: that one has come before, only its number tells."""

MOST = 1024
"""Numbers that are remembered of a signal."""
CONSTANT = 3
"""A number that comes so many times in a row counts nothing."""


class Repeats:
    """The numbers of the newest readings of one signal, and their values.

    A number that comes again with its value is a reading that was sent twice. With another value, or with 0 after
    others, it shows that the sender has begun to count anew.
    """

    __slots__ = ("_again", "_newest", "_values")

    def __init__(self) -> None:
        self._values: dict[int, float] = {}
        self._newest, self._again = -1, 0

    def add(self, number: int, value: float) -> bool:
        """Whether this reading has come before."""
        self._again = self._again + 1 if number == self._newest else 0
        known = self._values.get(number)
        if known == value and self._again < CONSTANT - 1 and (number or self._newest == 0):
            return True
        if known is not None:
            self._values.clear()
        self.remember(number, value)
        return False

    def remember(self, number: int, value: float) -> None:
        """Take a reading as one that has come."""
        self._newest, self._values[number] = number, value
        if len(self._values) > MOST:
            del self._values[next(iter(self._values))]
