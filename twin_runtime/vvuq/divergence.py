"""A twin that has lost its asset: how that is seen, and how its ensemble is opened again.

The spread does not show it, for an ensemble that has diverged is sure of itself, and neither do the readings that were
used, for the gate refuses what contradicts the ensemble. So the innovations of all readings are looked at, refused ones
included: the mean of their squares over the variances that they should have, in the window of the checks, clipped so
that a few spikes count for little. A sensor votes where that is beyond ``limit`` times what chance allows, and a twin
has diverged when more than half of the sensors that are heard vote: one broken sensor among several is not a divergence
of the twin. Of a single sensor nobody can tell.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numba import njit

from twin_runtime.assimilation.anomalies import mean_and_variance, scale_anomalies
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.evidence import chi_squared_band
from twin_runtime.vvuq.memory import SensorSlot, Slot

DIVERGED, SUM_DIVERGED = int(Slot.DIVERGED), int(Slot.SUM_DIVERGED)
SQUARE, SHARE = int(SensorSlot.WINDOW_SQUARE), int(SensorSlot.WINDOW_SHARE)
COUNT, COUNT_2 = int(SensorSlot.WINDOW_COUNT), int(SensorSlot.WINDOW_COUNT_2)

LEAST = 10.0
"""A sensor with fewer readings in the window is not heard."""

CHANCE = 5.0
"""Normal standard deviations that are put down to chance."""


class Response(StrEnum):
    """What is done about a divergence besides telling it."""

    FLAG = "flag"
    REINFLATE = "re-inflate"
    REDRAW = "re-draw"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The ``response`` to innovations beyond ``limit`` times the band of chance.

    A twin counts as diverged for ``rest`` ticks; no response follows another sooner.
    """

    response: Response = Response.FLAG
    limit: float = 3.0
    rest: int = 250


def find(divergence: Divergence, memory: FloatArray, by_sensor: FloatArray) -> FloatArray:
    """The factor by which the spread of every twin should grow; 0 for those to which there is nothing to respond.

    ``memory[twin, Slot]`` takes note, in place; ``by_sensor[twin, sensor, SensorSlot]``.
    """
    return _find(memory, by_sensor, divergence.limit, divergence.rest, divergence.response is not Response.FLAG)


@njit(cache=True, error_model="numpy")
def _find(memory: FloatArray, by_sensor: FloatArray, limit: float, rest: int, responds: bool) -> FloatArray:
    factors = np.zeros(len(memory))
    for i in range(len(memory)):
        before = memory[i, DIVERGED]
        memory[i, DIVERGED] = max(0.0, before - 1.0)
        excess, factor = suspicion(by_sensor[i]) if _plausible(by_sensor[i], limit) else (0.0, 1.0)
        if excess > limit and not (responds and memory[i, DIVERGED] > 0.0):
            memory[i, SUM_DIVERGED] += 1.0 if responds or before == 0.0 else 0.0
            memory[i, DIVERGED] = rest
            factors[i] = factor if responds else 0.0
    return factors


@njit(cache=True, error_model="numpy")
def _plausible(sensors: FloatArray, limit: float) -> bool:
    """Whether most sensors are beyond the limit even without any allowance for chance: rare, and quickly told."""
    heard = beyond = 0
    for s in range(len(sensors)):
        if sensors[s, COUNT] >= LEAST:
            heard += 1
            beyond += sensors[s, SQUARE] > limit * sensors[s, COUNT]
    return 2 * beyond > heard


@njit(cache=True, error_model="numpy")
def suspicion(sensors: FloatArray) -> tuple[float, float]:
    """How large the innovations are beside what chance allows, and by what factor the spread falls short of that.

    Both by the sensor with the lower median of ``sensors[sensor, SensorSlot]``: more than half are as bad or worse.
    Squares r times too large are those of a forecast whose variance is 1 + (r - 1) / s times too small, where s is its
    share in the variance of the innovations.
    """
    heard = np.flatnonzero(sensors[:, COUNT] >= LEAST)
    if heard.size == 0:
        return 0.0, 1.0
    excess, factor = np.empty(heard.size), np.empty(heard.size)
    for place, s in enumerate(heard):
        count = sensors[s, COUNT]
        ratio = sensors[s, SQUARE] / count
        excess[place] = ratio / chi_squared_band(count**2 / sensors[s, COUNT_2], CHANCE)
        factor[place] = np.sqrt(1.0 + max(0.0, ratio - 1.0) * count / sensors[s, SHARE])
    median = np.argsort(excess)[(heard.size - 1) // 2]
    return excess[median], factor[median]


@njit(cache=True, error_model="numpy")
def inflate_again(x: FloatArray, factor: float, prior_sd: FloatArray, columns: IntArray) -> None:
    """Spread some columns of an ensemble ``x[member, variable]`` about their means, in place.

    By a ``factor``, but not beyond ``prior_sd[variable]``; a column without spread stays as it is.
    """
    mean, variance = mean_and_variance(x)
    scale, sample = np.ones(mean.size), len(x) / (len(x) - 1.0)
    for j in columns:
        if variance[j] > 0.0:
            scale[j] = max(1.0, min(factor, prior_sd[j] / np.sqrt(sample * variance[j])))
    scale_anomalies(x, mean, scale)
