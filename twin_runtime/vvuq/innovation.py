"""The comparison of readings with their predictions: innovations, the outlier gate, and the sums the checks live on.

With a finite ensemble of N members the innovation variance is (1 + 1/N) H P H' + R, where H P H' is the ensemble's own;
the normalised innovation squared d' S^-1 d is then close to chi-squared with as many degrees of freedom as there are
readings.
"""

import math

import numpy as np
from numba import njit

from twin_runtime.assimilation.correlated import decorrelate
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.covariance import solve
from twin_runtime.vvuq.memory import SensorSlot, Slot
from twin_runtime.vvuq.scores import score_forecast, score_update

QUANTILE_90 = 1.6448536269514722
"""Half the width of the central 90 % interval of a normal distribution, in standard deviations."""

NIS, DEGREES, WINDOW_NIS = int(Slot.SUM_NIS), int(Slot.SUM_DEGREES), int(Slot.WINDOW_NIS)
WINDOW_DEGREES, WINDOW_DEGREES_2 = int(Slot.WINDOW_DEGREES), int(Slot.WINDOW_DEGREES_2)
WINDOW_COVERED, WINDOW_COMPARED = int(Slot.WINDOW_COVERED), int(Slot.WINDOW_COMPARED)
WINDOW_COMPARED_2 = int(Slot.WINDOW_COMPARED_2)
ASSIMILATED, OUTLIERS = int(Slot.SUM_ASSIMILATED), int(Slot.SUM_OUTLIERS)
COVERED, COMPARED, WIDTH = int(Slot.SUM_COVERED), int(Slot.SUM_COMPARED), int(Slot.SUM_WIDTH)
UPDATES = int(Slot.SUM_UPDATES)
HEARD, REFUSED = int(SensorSlot.HEARD), int(SensorSlot.REFUSED)
BIAS, COUNT, COUNT_2 = int(SensorSlot.WINDOW_BIAS), int(SensorSlot.WINDOW_COUNT), int(SensorSlot.WINDOW_COUNT_2)
WINDOW_OUTLIERS, WINDOW_REOPENED = int(SensorSlot.WINDOW_OUTLIERS), int(SensorSlot.WINDOW_REOPENED)
VALUE, SAME_SINCE = int(SensorSlot.VALUE), int(SensorSlot.SAME_SINCE)
SQUARE, SHARE = int(SensorSlot.WINDOW_SQUARE), int(SensorSlot.WINDOW_SHARE)

CLIPPED = 5.0
"""In the window of the squares, no reading counts as further off than so many standard deviations."""


@njit(cache=True, error_model="numpy")
def compare(
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    sensor: IntArray,
    tick: int,
    fading: float,
    gate: float,
    reopen: int,
    frozen: FloatArray,
    memory: FloatArray,
    by_sensor: FloatArray,
    times: FloatArray | None = None,
    correlation: FloatArray | None = None,
) -> FloatArray:
    """Compare, gate and remember.

    ``predicted[twin, member, reading]``, ``observed``, ``variance`` and ``sensor`` ``[twin, reading]`` (NaN and -1:
    none). A reading beyond ``gate`` standard deviations of its innovation (0: no gate) is refused, unless ``reopen``
    readings in a row of its sensor were; so is one that its sensor has repeated for ``frozen[sensor]`` ticks, which
    would teach the twin that nothing moves. ``memory[twin, Slot]`` and ``by_sensor[twin, sensor, SensorSlot]`` are
    updated in place; ``fading`` is what a tick leaves of the window. Errors may be correlated (see
    :func:`twin_runtime.assimilation.correlated.independent`), which matters to the statistic and to what the update
    makes of the readings only. Returns ``observed`` with NaN for what was refused, or could not be compared.
    """
    twins, members, width = predicted.shape
    kept = np.full((twins, width), np.nan)
    noise, which, solved, signal = np.empty(width), np.empty(width, np.int64), np.empty(width), np.empty(width)
    factor, room = np.empty((min(width, members), min(width, members))), np.empty((2, members))
    deviations = np.empty((width, members + 1))  # of the members from their mean, and of the reading
    for i in range(twins):
        _fade(memory[i], by_sensor[i], fading)
        accepted = 0
        for k in range(width):
            if sensor[i, k] < 0:
                continue
            stuck = _lasting(observed[i, k], tick, by_sensor[i, sensor[i, k]]) > frozen[sensor[i, k]]
            mean, spread = _anomalies(predicted[i, :, k], deviations[accepted, :members])
            deviations[accepted, members], noise[accepted] = observed[i, k] - mean, variance[i, k]
            which[accepted] = k
            sd = math.sqrt(spread * (1.0 + 1.0 / members) + variance[i, k])
            score = deviations[accepted, members] / sd
            own = by_sensor[i, sensor[i, k]]
            _watch(score, variance[i, k] / sd**2, own)
            if _admit(score, sd, tick, gate, reopen, stuck, memory[i], own):
                score_forecast(deviations[accepted], variance[i, k], sd, room[0], own)
                kept[i, k] = observed[i, k]
                accepted += 1
        if accepted > 0:
            if times is not None and correlation is not None:
                there = which[:accepted]
                decorrelate(deviations[:accepted], noise, sensor[i][there], times[i][there], correlation)
            statistic = solve(deviations[:accepted], noise, factor, room, solved, signal)
            own = by_sensor[i]
            _remember(statistic, deviations[:accepted], noise, solved, signal, sensor[i], which, memory[i], own)
    return kept


@njit(cache=True, error_model="numpy")
def _remember(
    statistic: float,
    deviations: FloatArray,
    noise: FloatArray,
    solved: FloatArray,
    signal: FloatArray,
    sensor: IntArray,
    which: IntArray,
    memory: FloatArray,
    by_sensor: FloatArray,
) -> None:
    """Add the readings ``which`` an update of a twin takes to the sums, the twin's and their sensors'."""
    readings, members = deviations.shape[0], deviations.shape[1] - 1
    for a in range(readings):
        forecast = _spread(deviations[a], members) * (1.0 + 1.0 / members)
        score_update(deviations[a, members], forecast, noise[a], solved[a], signal[a], by_sensor[sensor[which[a]]])
    memory[UPDATES] += 1.0
    memory[NIS] += statistic
    memory[DEGREES] += readings
    memory[WINDOW_NIS] += statistic
    memory[WINDOW_DEGREES] += readings
    memory[WINDOW_DEGREES_2] += readings


@njit(cache=True, error_model="numpy")
def _fade(memory: FloatArray, by_sensor: FloatArray, fading: float) -> None:
    for slot in (WINDOW_NIS, WINDOW_DEGREES, WINDOW_COVERED, WINDOW_COMPARED):
        memory[slot] *= fading
    memory[WINDOW_DEGREES_2] *= fading * fading
    memory[WINDOW_COMPARED_2] *= fading * fading
    for s in range(by_sensor.shape[0]):
        by_sensor[s, BIAS] *= fading
        by_sensor[s, COUNT] *= fading
        by_sensor[s, COUNT_2] *= fading * fading
        by_sensor[s, WINDOW_OUTLIERS] *= fading
        by_sensor[s, WINDOW_REOPENED] *= fading
        by_sensor[s, SQUARE] *= fading
        by_sensor[s, SHARE] *= fading


@njit(cache=True, error_model="numpy")
def _lasting(value: float, tick: int, sensor: FloatArray) -> float:
    """For how many ticks a sensor has said the same."""
    if value != sensor[VALUE]:
        sensor[VALUE], sensor[SAME_SINCE] = value, tick
    return float(tick - sensor[SAME_SINCE])


@njit(cache=True, error_model="numpy")
def _anomalies(predicted: FloatArray, anomalies: FloatArray) -> tuple[float, float]:
    """Fill the anomalies of one predicted reading; returns its mean and sample variance."""
    mean = predicted.sum() / predicted.size
    for j in range(predicted.size):
        anomalies[j] = predicted[j] - mean
    return mean, _spread(anomalies, anomalies.size)


@njit(cache=True, error_model="numpy")
def _spread(anomalies: FloatArray, members: int) -> float:
    """The sample variance of so many anomalies."""
    total = 0.0
    for j in range(members):
        total += anomalies[j] * anomalies[j]
    return total / (members - 1)


@njit(cache=True, error_model="numpy")
def _watch(score: float, noise: float, sensor: FloatArray) -> None:
    """Remember how far off a reading is, used or not, and how much of that the forecast answers for.

    ``noise`` is the share of its own error in the variance of the innovation.
    """
    finite = math.isfinite(score)
    sensor[SQUARE] += min(score * score, CLIPPED * CLIPPED) if finite else CLIPPED * CLIPPED
    sensor[SHARE] += 1.0 - noise if finite else 0.0


@njit(cache=True, error_model="numpy")
def _admit(
    score: float, sd: float, tick: int, gate: float, reopen: int, stuck: bool, memory: FloatArray, sensor: FloatArray
) -> bool:
    """Whether a reading with this normalised innovation is used; remembers it either way."""
    sensor[HEARD] = tick
    inside = gate <= 0.0 or abs(score) <= gate
    sensor[COUNT] += 1.0
    sensor[COUNT_2] += 1.0
    memory[COMPARED] += 1.0
    memory[WINDOW_COMPARED] += 1.0
    memory[WINDOW_COMPARED_2] += 1.0
    if abs(score) <= QUANTILE_90:
        memory[COVERED] += 1.0
        memory[WINDOW_COVERED] += 1.0
    opened = sensor[REFUSED] >= reopen
    sensor[WINDOW_REOPENED] += 1.0 if sensor[REFUSED] == reopen and not inside else 0.0
    sensor[REFUSED] = 0.0 if inside else sensor[REFUSED] + 1.0
    if not (math.isfinite(score) and math.isfinite(sd) and (inside or opened)) or stuck:
        memory[OUTLIERS] += 1.0
        sensor[WINDOW_OUTLIERS] += 1.0
        return False
    memory[ASSIMILATED] += 1.0
    memory[WIDTH] += 2.0 * QUANTILE_90 * sd
    sensor[BIAS] += max(-10.0, min(10.0, score))
    return True
