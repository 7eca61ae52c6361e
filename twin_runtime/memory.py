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


class SensorSlot(IntEnum):
    """The slots of each sensor of a twin."""

    HEARD = 0
    REFUSED = 1
    WINDOW_BIAS = 2
    WINDOW_COUNT = 3
    WINDOW_COUNT_2 = 4
    WINDOW_OUTLIERS = 5
    WINDOW_REOPENED = 6
    VALUE = 7
    SAME_SINCE = 8


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
