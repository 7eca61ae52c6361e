"""A twin that has diverged from its asset: how that is found, and how its ensemble is inflated again.

The spread does not show it, for an ensemble that has diverged is narrow, and neither do the readings that were
used, for the gate refuses what contradicts the ensemble. So the innovations of all readings count, refused ones
included: the mean of their squares over the variances that they should have, in the window of the checks, clipped so
that a few spikes count for little. A sensor votes where that is beyond ``limit`` times what chance allows, and a twin
has diverged when more than half of the sensors with readings vote: one broken sensor among several is not a divergence
of the twin. With a single sensor the two cannot be told apart.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numba import njit

from twin_runtime.assimilation.anomalies import mean_and_variance, scale_anomalies
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.evidence import chi_squared_band
from twin_runtime.vvuq.memory import CheckMemory, RecordArray

LEAST = 10.0
"""A sensor with fewer readings in the window has no vote."""

CHANCE = 5.0
"""Normal standard deviations that are put down to chance."""


class Response(StrEnum):
    """What is done about a divergence besides reporting it."""

    FLAG = "flag"
    REINFLATE = "re-inflate"
    REDRAW = "re-draw"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The ``response`` to innovations beyond ``limit`` times the band of chance.

    A twin counts as diverged for ``pause`` ticks; no response follows another sooner.
    """

    response: Response = Response.FLAG
    limit: float = 3.0
    pause: int = 250


def find_divergence(divergence: Divergence, memory: CheckMemory) -> FloatArray:
    """The factor by which the spread of every twin should grow; 0 for those to which there is nothing to respond.

    ``memory`` keeps which twins have diverged, in place.
    """
    responds = divergence.response is not Response.FLAG
    return _find_divergence(memory, divergence.limit, divergence.pause, responds)


@njit(cache=True, error_model="numpy")
def _find_divergence(memory: CheckMemory, limit: float, pause: int, responds: bool) -> FloatArray:
    factors = np.zeros(len(memory.twins))
    for i in range(factors.size):
        twin, sensors = memory.twins[i], memory.sensors[i]
        before = twin.diverged
        twin.diverged = max(0.0, before - 1.0)
        excess, factor = excess_of_innovations(sensors) if _most_beyond(sensors, limit) else (0.0, 1.0)
        if excess > limit and not (responds and twin.diverged > 0.0):
            twin.sum_diverged += 1.0 if responds or before == 0.0 else 0.0
            twin.diverged = pause
            factors[i] = factor if responds else 0.0
    return factors


@njit(cache=True, error_model="numpy")
def _most_beyond(sensors: RecordArray, limit: float) -> bool:
    """Whether most sensors are beyond the limit even without any allowance for chance: rare, and quickly found."""
    count, square = sensors["window_count"], sensors["window_square"]
    counted = beyond = 0
    for s in range(count.size):
        if count[s] >= LEAST:
            counted += 1
            beyond += square[s] > limit * count[s]
    return 2 * beyond > counted


@njit(cache=True, error_model="numpy")
def excess_of_innovations(sensors: RecordArray) -> tuple[float, float]:
    """How many times larger the innovations are than chance allows, and by what factor the spread falls short of that.

    Both by the sensor with the lower median: more than half of ``sensors[sensor]`` are as bad or worse. Squares r times
    too large are those of a forecast whose variance is 1 + (r - 1) / s times too small, where s is its share in the
    variance of the innovations.
    """
    counted = np.flatnonzero(sensors["window_count"] >= LEAST)
    if counted.size == 0:
        return 0.0, 1.0
    excess, factor = np.empty(counted.size), np.empty(counted.size)
    for place, s in enumerate(counted):
        sensor = sensors[s]
        ratio = sensor.window_square / sensor.window_count
        excess[place] = ratio / chi_squared_band(sensor.window_count**2 / sensor.window_count_2, CHANCE)
        factor[place] = np.sqrt(1.0 + max(0.0, ratio - 1.0) * sensor.window_count / sensor.window_share)
    median = np.argsort(excess)[(counted.size - 1) // 2]
    return excess[median], factor[median]


@njit(cache=True, error_model="numpy")
def reinflate(x: FloatArray, factor: float, prior_sd: FloatArray, columns: IntArray) -> None:
    """Spread some columns of an ensemble ``x[member, variable]`` about their means, in place.

    By a ``factor``, but not beyond ``prior_sd[variable]``; a column without spread stays as it is.
    """
    mean, variance = mean_and_variance(x)
    scale, sample = np.ones(mean.size), len(x) / (len(x) - 1.0)
    for j in columns:
        if variance[j] > 0.0:
            scale[j] = max(1.0, min(factor, prior_sd[j] / np.sqrt(sample * variance[j])))
    scale_anomalies(x, mean, scale)
