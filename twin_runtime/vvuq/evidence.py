"""What the checks judge by: the figures of one twin after a tick, and of the window behind it."""

import math
from typing import NamedTuple

from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.memory import SensorSlot, Slot

WINDOW_NIS, DEGREES, DEGREES_2 = int(Slot.WINDOW_NIS), int(Slot.WINDOW_DEGREES), int(Slot.WINDOW_DEGREES_2)
COVERED, COMPARED, COMPARED_2 = int(Slot.WINDOW_COVERED), int(Slot.WINDOW_COMPARED), int(Slot.WINDOW_COMPARED_2)
DIVERGED = int(Slot.DIVERGED)
HEARD, SAME_SINCE = int(SensorSlot.HEARD), int(SensorSlot.SAME_SINCE)
OUTLIERS, REOPENED = int(SensorSlot.WINDOW_OUTLIERS), int(SensorSlot.WINDOW_REOPENED)
BIAS, COUNT, COUNT_2 = int(SensorSlot.WINDOW_BIAS), int(SensorSlot.WINDOW_COUNT), int(SensorSlot.WINDOW_COUNT_2)


class Evidence(NamedTuple):
    """Figures of one twin; ``[sensor]`` where said. A figure of which there is none is NaN."""

    nis: float
    """Mean normalised innovation squared a degree of freedom, in the window."""
    degrees: float
    """Effective degrees of freedom behind it."""
    covered: float
    """Share of readings inside their 90 % predictive interval."""
    compared: float
    """Effective number of readings behind it."""
    bias: FloatArray
    """Mean normalised innovation ``[sensor]``."""
    counted: FloatArray
    """Effective number of readings behind it ``[sensor]``."""
    refused: FloatArray
    """Share of readings refused by the gate ``[sensor]``."""
    age: FloatArray
    """Age of the newest reading in units of what the sensor calls stale ``[sensor]``."""
    reopened: FloatArray
    """How often the gate has been opened again by readings it kept refusing ``[sensor]``."""
    frozen: FloatArray
    """How long the sensor has said the very same, in units of how long it may ``[sensor]``."""
    spread: float
    """Smallest ratio of a corrected variable's spread to its prior's; NaN if a state is not finite."""
    strayed: float
    """How far the mean of a parameter is from its prior's, in standard deviations of prior and walk; the largest."""
    residual: float
    """Relative imbalance of what the model conserves, over the tick."""
    diverged: float
    """For how many ticks yet the twin counts as diverged."""


@njit(cache=True, error_model="numpy")
def gather(
    memory: FloatArray,
    sensors: FloatArray,
    tick: int,
    patience: FloatArray,
    spread: float,
    strayed: float,
    residual: float,
) -> Evidence:
    """The evidence on one twin, from ``memory[Slot]`` and ``sensors[sensor, SensorSlot]``.

    ``patience[sensor]`` is after how many ticks silence is stale, and a reading that does not change frozen.
    """
    count = sensors[:, COUNT]
    return Evidence(
        memory[WINDOW_NIS] / memory[DEGREES],
        memory[DEGREES] ** 2 / memory[DEGREES_2],
        memory[COVERED] / memory[COMPARED],
        memory[COMPARED] ** 2 / memory[COMPARED_2],
        sensors[:, BIAS] / count,
        count**2 / sensors[:, COUNT_2],
        sensors[:, OUTLIERS] / count,
        (tick - sensors[:, HEARD]) / patience[:, 0],
        sensors[:, REOPENED],
        (sensors[:, HEARD] - sensors[:, SAME_SINCE]) / patience[:, 1],
        spread,
        strayed,
        residual,
        memory[DIVERGED],
    )


@njit(cache=True, error_model="numpy")
def worst(figures: FloatArray) -> float:
    """The largest of some figures, passing over those that are NaN."""
    largest = -math.inf
    for figure in figures:
        largest = max(largest, figure)
    return largest


@njit(cache=True, error_model="numpy")
def chi_squared_band(degrees: float, z: float) -> float:
    """Quantile of a chi-squared variable over its degrees of freedom, at ``z`` normal standard deviations.

    Wilson and Hilferty 1931, Proc Natl Acad Sci 17:684: within 1 % of the exact quantile from 10 degrees of freedom on,
    for ``z`` of -2 to 3.
    """
    spread = 2.0 / (9.0 * degrees)
    return float(max(0.0, 1.0 - spread + z * math.sqrt(spread)) ** 3)
