"""The comparison of readings with their predictions: innovations, the outlier gate, and the sums that the checks use.

With a finite ensemble of N members the innovation variance is (1 + 1/N) H P H' + R, where H P H' is the ensemble's own;
the normalised innovation squared d' S^-1 d is then close to chi-squared with as many degrees of freedom as there are
readings.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.assimilation.correlated import decorrelate
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.covariance import Update, empty_update, scratch, solve
from twin_runtime.vvuq.memory import CheckMemory, RecordArray, SensorMemory, TwinMemory
from twin_runtime.vvuq.scores import sample_variance, score_forecast, score_update

QUANTILE_90 = 1.6448536269514722
"""Half the width of the central 90 % interval of a normal distribution, in standard deviations."""

CLIPPED = 5.0
"""In the window of the squares, no reading counts as further off than so many standard deviations."""


IN_TIME = np.empty((0, 0))
"""No reading is of an earlier tick."""


class Comparison(NamedTuple):
    """What is compared: ``predicted[twin, member, reading]``; readings, their variances and sensors, NaN and -1: none.

    These are ``[twin, reading]``, and so is ``earlier``: how many ticks before this one a reading was taken.
    """

    predicted: FloatArray
    observed: FloatArray
    variance: FloatArray
    sensor: IntArray
    earlier: FloatArray = IN_TIME


class Gate(NamedTuple):
    """Which readings are refused: those beyond ``limit`` standard deviations of their innovation (0: none).

    Unless ``reopen`` readings in a row of the sensor were. Also one that its sensor has repeated for ``frozen[sensor]``
    ticks, which would hold the twin where it is.
    """

    limit: float
    reopen: int
    frozen: FloatArray


class Correlated(NamedTuple):
    """How errors are correlated: ``correlation[sensor, sensor]`` at equal ``times[twin, reading]``.

    See :func:`twin_runtime.assimilation.correlated.independent`.
    """

    times: FloatArray
    correlation: FloatArray


class Innovation(NamedTuple):
    """Of one reading: its difference from the prediction in standard deviations (``score``), and that ``sd``.

    ``noise`` is the variance of the reading's own error; ``frozen``: the sensor has repeated it for too long.
    """

    score: float
    sd: float
    noise: float
    frozen: bool


@njit(cache=True, error_model="numpy")
def compare(
    comparison: Comparison,
    tick: int,
    fading: float,
    gate: Gate,
    memory: CheckMemory,
    correlated: Correlated | None = None,
) -> FloatArray:
    """Compare and gate the readings of a tick, and add them to the memory, in place.

    ``fading`` is what a tick leaves of the window. Errors may be ``correlated``, which matters to the statistic and to
    what the update makes of the readings only. Returns the readings with NaN for those that were refused, or could not
    be compared.
    """
    twins, members, width = comparison.predicted.shape
    kept = np.full((twins, width), np.nan)
    used, which = empty_update(width, members), np.empty(width, np.int64)
    working = scratch(width, members)
    for i in range(twins):
        _fade(memory.twins[i], memory.sensors[i], fading)
        accepted = 0
        for k in range(width):
            s = comparison.sensor[i, k]
            if s < 0:
                continue
            sensor, observed, noise = memory.sensors[i, s], comparison.observed[i, k], comparison.variance[i, k]
            own = tick - comparison.earlier[i, k] if comparison.earlier.size else float(tick)
            if noise == np.inf:  # a confirmed value: the sensor is alive, and there is nothing new to compare
                sensor.newest = max(sensor.newest, own)
                memory.twins[i].sum_inputs += 1.0
                comparison.variance[i, k] = np.nan
                continue
            frozen = _repeated(observed, own, sensor) > gate.frozen[s]
            sensor.newest = max(sensor.newest, own)
            innovation = _innovation(comparison.predicted[i, :, k], observed, noise, frozen, used.deviations[accepted])
            _count(innovation, memory.twins[i], sensor)
            if _passes(innovation, gate, memory.twins[i], sensor):
                score_forecast(used.deviations[accepted], noise, innovation.sd, working.vectors[0], sensor)
                kept[i, k] = observed
                used.noise[accepted], used.sensor[accepted], which[accepted] = noise, s, k
                accepted += 1
        if accepted > 0:
            if correlated is not None:
                times, sensors = correlated.times[i][which[:accepted]], used.sensor[:accepted]
                decorrelate(used.deviations[:accepted], used.noise[:accepted], sensors, times, correlated.correlation)
            statistic = solve(used, accepted, working)
            _add_update(used, accepted, statistic, memory.twins[i], memory.sensors[i])
    return kept


@njit(cache=True, error_model="numpy")
def _innovation(
    predicted: FloatArray, observed: float, noise: float, frozen: bool, deviations: FloatArray
) -> Innovation:
    """The innovation of one reading; fills ``deviations[member + 1]``: the members from their mean, and the reading."""
    members = predicted.size
    mean = predicted.sum() / members
    for j in range(members):
        deviations[j] = predicted[j] - mean
    deviations[members] = observed - mean
    sd = math.sqrt(sample_variance(deviations, members) * (1.0 + 1.0 / members) + noise)
    return Innovation(deviations[members] / sd, sd, noise, frozen)


@njit(cache=True, error_model="numpy")
def _add_update(update: Update, readings: int, statistic: float, memory: TwinMemory, sensors: RecordArray) -> None:
    """Add so many readings of an update to the sums, the twin's and their sensors'; ``statistic`` is d' S^-1 d."""
    for reading in range(readings):
        score_update(update, reading, sensors[update.sensor[reading]])
    memory.sum_updates += 1.0
    memory.sum_nis += statistic
    memory.sum_degrees += readings
    memory.window_nis += statistic
    memory.window_degrees += readings
    memory.window_degrees_2 += readings


@njit(cache=True, error_model="numpy")
def _fade(memory: TwinMemory, sensors: RecordArray, fading: float) -> None:
    """Let what is in the window count for less; the sums of squared weights fade with the square."""
    squared = fading * fading
    memory.window_nis *= fading
    memory.window_degrees *= fading
    memory.window_degrees_2 *= squared
    memory.window_covered *= fading
    memory.window_compared *= fading
    memory.window_compared_2 *= squared
    memory.window_replaced *= fading
    for s in range(len(sensors)):
        sensor = sensors[s]
        sensor.window_bias *= fading
        sensor.window_count *= fading
        sensor.window_count_2 *= squared
        sensor.window_outliers *= fading
        sensor.window_reopened *= fading
        sensor.window_square *= fading
        sensor.window_share *= fading


@njit(cache=True, error_model="numpy")
def _repeated(value: float, tick: float, sensor: SensorMemory) -> float:
    """For how many ticks a sensor has repeated the same value; a reading older than another says nothing of that."""
    if tick < sensor.newest:
        return 0.0
    if value != sensor.value:
        sensor.value, sensor.same_since = value, tick
    return float(tick - sensor.same_since)


@njit(cache=True, error_model="numpy")
def _count(innovation: Innovation, memory: TwinMemory, sensor: SensorMemory) -> None:
    """Count a reading, used or not: how far off it is, how much of that is the forecast's, whether it was covered."""
    score, finite = innovation.score, math.isfinite(innovation.score)
    sensor.window_square += min(score * score, CLIPPED * CLIPPED) if finite else CLIPPED * CLIPPED
    sensor.window_share += 1.0 - innovation.noise / innovation.sd**2 if finite else 0.0
    sensor.window_count += 1.0
    sensor.window_count_2 += 1.0
    memory.sum_compared += 1.0
    memory.window_compared += 1.0
    memory.window_compared_2 += 1.0
    if abs(score) <= QUANTILE_90:
        memory.sum_covered += 1.0
        memory.window_covered += 1.0


@njit(cache=True, error_model="numpy")
def _passes(innovation: Innovation, gate: Gate, memory: TwinMemory, sensor: SensorMemory) -> bool:
    """Whether a reading passes the gate; counted either way."""
    score, sd = innovation.score, innovation.sd
    inside = gate.limit <= 0.0 or abs(score) <= gate.limit
    opened = sensor.refused >= gate.reopen
    sensor.window_reopened += 1.0 if sensor.refused == gate.reopen and not inside else 0.0
    sensor.refused = 0.0 if inside else sensor.refused + 1.0
    if not (math.isfinite(score) and math.isfinite(sd) and (inside or opened)) or innovation.frozen:
        memory.sum_outliers += 1.0
        sensor.window_outliers += 1.0
        return False
    memory.sum_assimilated += 1.0
    memory.sum_width += 2.0 * QUANTILE_90 * sd
    sensor.window_bias += max(-10.0, min(10.0, score))
    return True
