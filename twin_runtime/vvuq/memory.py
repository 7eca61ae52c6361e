"""What the checks remember from tick to tick: one row of numbers a twin, part of the state."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from twin_runtime.core import FloatArray


class Slot(IntEnum):
    """The slots of a twin. ``SUM_`` counts from the start, ``WINDOW_`` fades with the window of the checks."""

    TRUST = 0
    BETTER = 1
    WORSE = 2
    SUM_ASSIMILATED = 3
    SUM_OUTLIERS = 4
    SUM_COVERED = 5
    SUM_WIDTH = 6
    SUM_NIS = 7
    SUM_DEGREES = 8
    WINDOW_NIS = 9
    WINDOW_DEGREES = 10
    WINDOW_DEGREES_2 = 11
    WINDOW_COVERED = 12
    WINDOW_COMPARED = 13
    WINDOW_COMPARED_2 = 14
    SUM_TRUSTED = 15
    SUM_DEGRADED = 16
    SUM_UNTRUSTED = 17
    SUM_COMPARED = 18
    SUM_DRIVEN = 19
    SUM_UPDATES = 20
    DIVERGED = 21
    SUM_DIVERGED = 22


class SensorSlot(IntEnum):
    """The slots of each sensor of a twin. ``_FOUND`` is what innovations say of what is stated without it."""

    HEARD = 0
    REFUSED = 1
    WINDOW_BIAS = 2
    WINDOW_COUNT = 3
    WINDOW_COUNT_2 = 4
    WINDOW_OUTLIERS = 5
    WINDOW_SQUARE = 6
    WINDOW_SHARE = 7
    SUM_READINGS = 8
    SUM_SQUARE = 9
    SUM_VARIANCE = 10
    SUM_CRPS = 11
    SUM_NOISE = 12
    SUM_NOISE_FOUND = 13
    SUM_FORECAST = 14
    SUM_FORECAST_FOUND = 15
    SUM_SIGNAL = 16
    LAST_RANK = 17
    SUM_RANKS = 18
    SUM_RANKS_2 = 19
    SUM_RANKS_LAGGED = 20
    RANKED_0 = 21
    RANKED_1 = 22
    RANKED_2 = 23
    RANKED_3 = 24
    RANKED_4 = 25
    RANKED_5 = 26
    RANKED_6 = 27
    RANKED_7 = 28
    RANKED_8 = 29
    RANKED_9 = 30
    WINDOW_REOPENED = 31
    VALUE = 32
    SAME_SINCE = 33


VERDICTS = [Slot.SUM_TRUSTED, Slot.SUM_DEGRADED, Slot.SUM_UNTRUSTED]
"""Together they count the ticks of a twin."""
WINDOW = [slot for slot in Slot if slot.name.startswith("WINDOW_")]
SENSOR_WINDOW = [slot for slot in SensorSlot if slot.name.startswith("WINDOW_")]
RANKED = [slot for slot in SensorSlot if slot.name.startswith("RANKED_")]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the slots of a twin type lie in a row of memory.

    ``variables`` counts those whose inflation is remembered: all of them, or none.
    """

    sensors: int
    inputs: int
    variables: int = 0

    @property
    def width(self) -> int:
        """Numbers a twin."""
        return len(Slot) + self.sensors * len(SensorSlot) + self.variables * 2 + self.inputs * 2

    def by_sensor(self, memory: FloatArray) -> FloatArray:
        """A view ``[twin, sensor, SensorSlot]``."""
        start = len(Slot)
        stop = start + self.sensors * len(SensorSlot)
        return memory[:, start:stop].reshape(len(memory), self.sensors, len(SensorSlot))

    def by_variable(self, memory: FloatArray) -> FloatArray:
        """A view ``[twin, variable, 2]``: inflation and how uncertain it is; NaN: none yet."""
        start = len(Slot) + self.sensors * len(SensorSlot)
        return memory[:, start : start + self.variables * 2].reshape(len(memory), self.variables, 2)

    def by_input(self, memory: FloatArray) -> FloatArray:
        """A view ``[twin, input, 2]``: time (ns) and value of the newest sample before the tick; NaN: none yet."""
        return memory[:, self.width - self.inputs * 2 :].reshape(len(memory), self.inputs, 2)

    def fresh(self, twins: int) -> FloatArray:
        """The memory of twins that have seen nothing yet."""
        memory = np.zeros((twins, self.width))
        self.by_sensor(memory)[:, :, SensorSlot.HEARD] = -np.inf
        self.by_sensor(memory)[:, :, SensorSlot.VALUE] = np.nan
        self.by_variable(memory)[:] = np.nan
        self.by_input(memory)[:] = np.nan
        return memory

    def forget(self, memory: FloatArray, twin: int) -> None:
        """Let the window of a twin start afresh, and what its inflation has learnt, in place."""
        memory[twin, WINDOW] = 0.0
        self.by_sensor(memory)[twin][:, SENSOR_WINDOW] = 0.0
        self.by_variable(memory)[twin] = np.nan
