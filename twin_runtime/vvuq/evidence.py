"""The evidence on which the checks judge: the figures of one twin after a tick, and of the window behind it."""

import math
from typing import NamedTuple

from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.memory import RecordArray, TwinMemory


class Patience(NamedTuple):
    """After how many ticks the silence of a sensor is ``stale``, and a reading that does not change ``frozen``.

    Both ``[sensor]``.
    """

    stale: FloatArray
    frozen: FloatArray


class Evidence(NamedTuple):
    """Figures of one twin; ``[sensor]`` where stated. A figure of which there is none is NaN."""

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
    """How long the sensor has repeated the same value, in units of how long it may ``[sensor]``."""
    spread: float
    """Smallest ratio of a corrected variable's spread to its prior's; NaN if a state or a quantity is not finite."""
    strayed: float
    """How far the mean of a parameter is from its prior's, in standard deviations of prior and walk; the largest."""
    residual: float
    """Relative imbalance of what the model conserves, over the tick."""
    diverged: float
    """For how many ticks yet the twin counts as diverged."""
    replaced: float
    """Members replaced in the window, as a share of all."""
    input_age: float
    """Age of an input's newest sample in units of what the input calls stale; the largest."""


class EnsembleFigures(NamedTuple):
    """``spread``, ``strayed``, ``residual`` and ``input_age`` of :class:`Evidence`, all ``[twin]``."""

    spread: FloatArray
    strayed: FloatArray
    residual: FloatArray
    input_age: FloatArray


@njit(cache=True, error_model="numpy")
def gather(
    memory: TwinMemory, sensors: RecordArray, tick: int, patience: Patience, ensembles: EnsembleFigures, twin: int
) -> Evidence:
    """The evidence on one twin after a tick; ``memory`` and ``sensors[sensor]`` are its own."""
    count = sensors["window_count"]
    return Evidence(
        memory.window_nis / memory.window_degrees,
        memory.window_degrees**2 / memory.window_degrees_2,
        memory.window_covered / memory.window_compared,
        memory.window_compared**2 / memory.window_compared_2,
        sensors["window_bias"] / count,
        count**2 / sensors["window_count_2"],
        sensors["window_outliers"] / count,
        (tick - sensors["newest"]) / patience.stale,
        sensors["window_reopened"],
        (sensors["newest"] - sensors["same_since"]) / patience.frozen,
        ensembles.spread[twin],
        ensembles.strayed[twin],
        ensembles.residual[twin],
        memory.diverged,
        memory.window_replaced,
        ensembles.input_age[twin],
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


@njit(cache=True, error_model="numpy")
def highest_share(share: float, count: float, z: float) -> float:
    """The upper limit of Clopper & Pearson 1934 (Biometrika 26:404-413), at ``z`` normal standard deviations.

    That is, the largest true share with which as few as ``share`` of ``count`` happen by no less than chance at ``z``.
    The quantile of the F distribution is that of Paulson 1942 (Ann Math Stat 13:233-235): to 0.01 from 20 on.
    """
    successes, failures = share * count, (1.0 - share) * count
    if failures < 0.5:
        return 1.0
    a, b = 1.0 / (9.0 * (successes + 1.0)), 1.0 / (9.0 * failures)
    below = (1.0 - b) ** 2 - b * z * z
    if below <= 0.0:
        return 1.0
    root = (1.0 - b) * (1.0 - a) + z * math.sqrt((1.0 - b) ** 2 * a + (1.0 - a) ** 2 * b - a * b * z * z)
    odds = (root / below) ** 3 * (successes + 1.0) / failures
    return float(odds / (1.0 + odds))


@njit(cache=True, error_model="numpy")
def lowest_share(share: float, count: float, z: float) -> float:
    """The lower limit of Clopper and Pearson, see :func:`highest_share`."""
    return 1.0 - highest_share(1.0 - share, count, z)
