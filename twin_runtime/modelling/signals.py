"""What acts on a model during one tick: its inputs, and the times at which readings must be predicted."""

from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray


class InputSignals(NamedTuple):
    """The inputs over one tick.

    ``times[twin, input, knot]`` in seconds after the tick's start, ascending, padded with +inf; ``values`` likewise. A
    signal is linear between its knots and constant outside; an event input has a knot for each event. ``known[twin]``
    is 1 where the inputs were observed and 0 in a forecast beyond them.
    """

    times: FloatArray
    values: FloatArray
    known: FloatArray


class InputSamples(NamedTuple):
    """One sample of every input of every twin: ``time[twin, input]`` and ``value[twin, input]``."""

    time: FloatArray
    value: FloatArray


class Points(NamedTuple):
    """The points in time at which readings must be predicted.

    ``times[twin, reading]`` in seconds after the tick's start, ascending, padded with +inf; ``outputs[twin, reading]``
    is the model output that each observes.
    """

    times: FloatArray
    outputs: IntArray


def no_points(twins: int) -> Points:
    """Points where there are no readings."""
    return Points(np.empty((twins, 0)), np.empty((twins, 0), np.int64))


@njit(cache=True, error_model="numpy")
def interpolate(times: FloatArray, values: FloatArray, moment: float) -> float:
    """The value at ``moment`` of a signal, linear between knots and constant outside; at a jump the later value."""
    k = 0
    while k < times.size and times[k] <= moment:
        k += 1
    return between_knots(times, values, k, moment)


@njit(cache=True, error_model="numpy")
def between_knots(times: FloatArray, values: FloatArray, k: int, moment: float) -> float:
    """The value at ``moment`` of a signal whose first knot behind it is number ``k``."""
    if k == 0:
        return float(values[0])
    if k == times.size or times[k] == np.inf or times[k - 1] == -np.inf:
        return float(values[k - 1])
    weight = (moment - times[k - 1]) / (times[k] - times[k - 1])
    return float(values[k - 1] + weight * (values[k] - values[k - 1]))


@njit(cache=True, error_model="numpy")
def mean_between(times: FloatArray, values: FloatArray, begin: float, end: float) -> float:
    """The mean of a signal from ``begin`` to ``end``: what it delivers, by the length; its value where that is 0."""
    k = 0
    while k < times.size and times[k] <= begin:
        k += 1
    value, now, area = between_knots(times, values, k, begin), begin, 0.0
    if end <= begin:
        return value
    while k < times.size and times[k] < end:
        area += 0.5 * (value + between_knots(times, values, k, times[k])) * (times[k] - now)
        value, now = float(values[k]), times[k]
        k += 1
    return float((area + 0.5 * (value + between_knots(times, values, k, end)) * (end - now)) / (end - begin))
