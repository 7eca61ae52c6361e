"""The readings of every tick that may still be folded, and what identifies them."""

import math
from collections.abc import Iterator

import numpy as np

from twin_runtime.core import SECOND, Code, IntArray, Reading
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.inputs import ROUNDING, no_samples
from twin_runtime.modelling.signals import InputSamples
from twin_runtime.modelling.variables import Shape

NEVER = 2**63
"""Later than any tick."""

Key = tuple[int, int, int, int]
"""What identifies a reading: twin, time, channel, and its number, where its sender counts (-1: it does not).

A sender's clock may be coarse, so that several readings have the same time: their numbers differ. And it may begin to
count anew, so that a number comes again: its time differs.
"""


def key_of(reading: Reading) -> Key:
    """What identifies a reading."""
    return reading.twin, reading.time, reading.channel, reading.sequence


class OpenReadings:
    """Readings by the tick that uses them: their own, unless they name a later one."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        gaps = [math.ceil((i.gap + ROUNDING) * SECOND) if i.shape is Shape.LINEAR else 0 for i in fleet.model.inputs]
        self._gap_ticks = [-(-gap // fleet.tick) for gap in gaps]
        self.reach = max(self._gap_ticks, default=0)
        """So many ticks before its own may change with a sample of an input."""
        self._rows = np.arange(len(fleet.twins))
        self._readings: dict[int, dict[Key, Reading]] = {}
        self._used_later: dict[Key, int] = {}

    def judge(self, reading: Reading) -> Code:
        """Whether it was taken before. Of two values of one reading the first counts; the other is a conflict."""
        key, own = key_of(reading), reading.time // self._fleet.tick
        known = self._readings.get(self._used_later.get(key, own), {}).get(key)
        if known is None:
            return Code.ACCEPTED
        return Code.DUPLICATE if known.value == reading.value else Code.CONFLICT

    def take(self, reading: Reading) -> int:
        """Put a reading where it is used; returns the tick."""
        key, own = key_of(reading), reading.time // self._fleet.tick
        number = max(own, reading.tick)
        self._readings.setdefault(number, {})[key] = reading
        if number > own:
            self._used_later[key] = number
        return number

    @property
    def first(self) -> int | None:
        """The first tick that has a reading."""
        return min(self._readings, default=None)

    @property
    def last(self) -> int | None:
        """The last tick that has a reading."""
        return max(self._readings, default=None)

    def next(self, number: int) -> int:
        """The first tick from ``number`` on that has a reading."""
        return min((n for n in self._readings if n >= number), default=NEVER)

    def count(self, number: int) -> int:
        """How many readings there are from tick ``number`` on."""
        return sum(len(taken) for n, taken in self._readings.items() if n >= number)

    def keys(self, number: int) -> frozenset[Key] | dict[Key, Reading]:
        """The keys of a tick's readings."""
        return self._readings.get(number, frozenset())

    def of_rows(self, number: int, rows: IntArray) -> list[Reading]:
        """The readings of a tick that belong to some rows, with their places in them."""
        taken = self._readings.get(number, {}).values()
        if rows.size == self._rows.size:
            return list(taken)
        place = {int(row): i for i, row in enumerate(rows)}
        return [reading._replace(twin=place[reading.twin]) for reading in taken if reading.twin in place]

    def after(self, number: int, rows: IntArray) -> InputSamples | None:
        """Offset (s) from the start of a tick, and value, of each linear input's first sample behind it."""
        if self.reach == 0:
            return None
        after = no_samples(rows.size, len(self._gap_ticks))
        place = {int(row): i for i, row in enumerate(rows)}
        start, missing = number * self._fleet.tick, rows.size * sum(gap > 0 for gap in self._gap_ticks)
        for later in range(number + 1, number + self.reach + 1):
            for reading in sorted(self._readings.get(later, {}).values(), key=lambda r: (r.time, r.sequence)):
                signal = self._fleet.inputs_of_channels[reading.channel]
                row = place.get(reading.twin)
                if row is not None and signal >= 0 and self._gap_ticks[signal] and after.time[row, signal] == np.inf:
                    after.time[row, signal], after.value[row, signal] = (reading.time - start) / SECOND, reading.value
                    missing -= 1
            if missing == 0:
                break
        return after

    def first_affected(self, reading: Reading, number: int) -> int:
        """A sample of a linear input changes the ticks since the sample before it, too, if that is near enough."""
        signal = self._fleet.inputs_of_channels[reading.channel]
        reach = self._gap_ticks[signal] if signal >= 0 else 0
        if reach == 0:
            return number
        return next((n for n in range(number, number - reach - 1, -1) if self._follows(reading, n)), number)

    def _follows(self, reading: Reading, number: int) -> bool:
        """Whether a tick holds an earlier reading of the same signal."""
        taken = self._readings.get(number, {})
        return any(t < reading.time and (twin, c) == (reading.twin, reading.channel) for twin, t, c, _ in taken)

    def spans(self, row: int) -> Iterator[range]:
        """The ticks of a twin from its first reading to its last, without those in which it is paused."""
        numbers = sorted(n for n, taken in self._readings.items() if any(key[0] == row for key in taken))
        longest, start = self._fleet.pause_after or NEVER, 0
        for place, number in enumerate(numbers):
            following = numbers[place + 1] if place + 1 < len(numbers) else None
            if following is None or following - number > longest:
                yield range(numbers[start], number + 1 + (longest if following is not None else 0))
                start = place + 1

    def drop_before(self, number: int) -> None:
        """Drop the readings of the ticks before one."""
        self._readings = {n: readings for n, readings in self._readings.items() if n >= number}
        self._used_later = {key: n for key, n in self._used_later.items() if n >= number}
