"""What acts on a model during one tick: its inputs, and the times at which readings must be predicted."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray

END, OBSERVE, EVENT = -1, 0, -2
"""Actions at the end of a sub-step: none; ``OBSERVE + k`` predicts reading k; ``EVENT - e`` is an event of input e."""


class InputSignals(NamedTuple):
    """The inputs over one tick.

    ``times[twin, input, knot]`` in seconds after the tick's start, ascending, padded with +inf; ``values`` likewise. A
    signal is linear between its knots and constant outside; an event input has a knot for each event. ``known[twin]``
    is 1 where the inputs were observed and 0 in a forecast beyond them.
    """

    times: FloatArray
    values: FloatArray
    known: FloatArray


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


def schedule_length(duration: float, step: float, signals: InputSignals, points: Points) -> int:
    """An upper bound of the number of sub-steps of one tick."""
    stops = points.times.shape[1] + signals.times[0].size
    return math.ceil(duration / step) + int(stops) + 2


@njit(cache=True, error_model="numpy")
def interpolate(times: FloatArray, values: FloatArray, moment: float) -> float:
    """The value at ``moment`` of a signal, linear between knots and constant outside; at a jump the later value."""
    k = 0
    while k < times.size and times[k] <= moment:
        k += 1
    if k == 0:
        return float(values[0])
    if k == times.size or times[k] == np.inf or times[k - 1] == -np.inf:
        return float(values[k - 1])
    weight = (moment - times[k - 1]) / (times[k] - times[k - 1])
    return float(values[k - 1] + weight * (values[k] - values[k - 1]))


@njit(cache=True, error_model="numpy")
def schedule(
    step: float,
    duration: float,
    times: FloatArray,
    values: FloatArray,
    events: IntArray,
    points: FloatArray,
    lengths: FloatArray,
    actions: IntArray,
    nodes: FloatArray,
) -> int:
    """Cut a tick of one twin into sub-steps that end at every event and every reading.

    ``times[input, knot]`` and ``values`` are a twin's part of a :class:`InputSignals`, ``events[input]`` is 1 for event
    inputs, ``points`` the times of its readings. Fills ``lengths`` (seconds; 0 where two actions coincide), ``actions``
    and ``nodes[sub-step, input, 3]``, the inputs at the start, the middle and the end of each sub-step; returns the
    number of sub-steps.
    """
    count, reading, now = 0, 0, 0.0
    cursor = np.zeros(times.shape[0], np.int64)
    while True:
        stop, action = duration, END
        if reading < points.size and points[reading] <= stop:
            stop, action = points[reading], OBSERVE + reading
        stop, action = _earlier_event(times, events, cursor, duration, stop, action)
        steps = max(1, math.ceil((stop - now) / step - 1e-6))
        for s in range(steps):
            lengths[count] = (stop - now) / steps
            actions[count] = action if s == steps - 1 else END
            _sample(times, values, events, now + s * lengths[count], lengths[count], nodes[count])
            count += 1
        now = stop
        if action == END:
            return count
        if action >= OBSERVE:
            reading += 1
        else:
            cursor[EVENT - action] += 1


@njit(cache=True, error_model="numpy")
def _earlier_event(
    times: FloatArray, events: IntArray, cursor: IntArray, duration: float, stop: float, action: int
) -> tuple[float, int]:
    """The next stop: the earliest event in the tick that is not behind ``stop``, else ``stop`` itself."""
    for e in range(events.size):
        if events[e] == 1:
            while cursor[e] < times.shape[1] and times[e, cursor[e]] < 0.0:
                cursor[e] += 1
            if cursor[e] < times.shape[1] and times[e, cursor[e]] <= stop and times[e, cursor[e]] < duration:
                stop, action = times[e, cursor[e]], EVENT - e
    return stop, action


@njit(cache=True, error_model="numpy")
def _sample(
    times: FloatArray, values: FloatArray, events: IntArray, start: float, length: float, nodes: FloatArray
) -> None:
    """The inputs at the start, the middle and the end of a sub-step, ``nodes[input, 3]``."""
    for e in range(events.size):
        if events[e] == 0:
            for node in range(3):
                nodes[e, node] = interpolate(times[e], values[e], start + 0.5 * node * length)
