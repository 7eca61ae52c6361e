"""The sub-steps of a tick: they end at every reading, event and knot of an input, and carry the inputs acting in them.

An input never jumps within a sub-step. Where it does jump, the sub-step before ends with the earlier value, the next
begins with the later, so that what it delivers is what was measured, wherever its samples lie. A tick
has at most one sub-step for each reading, event and knot more than its length asks for: a sample costs no more than a
step of the model.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.signals import InputSignals, Points, between_knots, interpolate, mean_between

END, OBSERVE, EVENT, KNOT = -1, 0, -2, -(1 << 62)
"""Actions at the end of a sub-step: none; ``OBSERVE + k`` predicts reading k; ``EVENT - e`` is an event of input e."""

JUMPS = 2
"""Of ``events``: a signal at whose jumps a tick is cut, but not where only its slope changes."""


class SubSteps(NamedTuple):
    """The sub-steps of a tick of one twin.

    ``lengths`` in seconds, 0 where two actions coincide; ``actions`` at their ends; ``nodes[sub-step, input, 3]``, the
    inputs at their start, middle (or their mean) and end. At a jump that is the earlier value; in a sub-step without
    length, the later. Where a sub-step ends with an event, the last node of that input is the event's value.
    """

    lengths: FloatArray
    actions: IntArray
    nodes: FloatArray


class TwinInputs(NamedTuple):
    """The inputs of one twin.

    ``times[input, knot]`` and ``values`` are its part of :class:`InputSignals`; ``events[input]`` is 1 for those
    that are events, ``JUMPS`` or 0 for signals.
    """

    times: FloatArray
    values: FloatArray
    events: IntArray


@njit(cache=True, error_model="numpy")
def unfilled(step: float, duration: float, signals: InputSignals, points: Points) -> SubSteps:
    """As many sub-steps as a tick can have, for :func:`schedule` to fill."""
    _, inputs, knots = signals.times.shape
    size = math.ceil(duration / step) + points.times.shape[1] + inputs * knots + 2
    return SubSteps(np.empty(size), np.empty(size, np.int64), np.zeros((size, inputs, 3)))


@njit(cache=True, error_model="numpy")
def schedule(step: float, duration: float, inputs: TwinInputs, moments: FloatArray, room: SubSteps) -> SubSteps:
    """Cut a tick of one twin into sub-steps of at most ``step`` seconds.

    ``moments`` are the times of its readings. Fills ``room`` and returns the part of it that is filled. Where several
    stops coincide, knots come first, then events, then readings.
    """
    count, reading, now = 0, 0, 0.0
    cursor = np.zeros(inputs.times.shape[0], np.int64)
    while True:
        stop, action = duration, END
        if reading < moments.size and moments[reading] <= stop:
            stop, action = moments[reading], OBSERVE + reading
        stop, action = _earlier_event(inputs, cursor, duration, stop, action)
        knot = _next_knot(inputs, cursor, now)
        if knot <= stop and knot < duration:
            stop, action = knot, KNOT
        pieces = max(1, math.ceil((stop - now) / step - 1e-6))
        for s in range(pieces):
            room.lengths[count] = (stop - now) / pieces
            room.actions[count] = action if s == pieces - 1 and action != KNOT else END
            _sample(inputs, cursor, now + s * room.lengths[count], room.lengths[count], room.nodes[count])
            count += 1
        now = stop
        if action == END:
            return SubSteps(room.lengths[:count], room.actions[:count], room.nodes[:count])
        if action >= OBSERVE:
            reading += 1
        elif action != KNOT:
            e = EVENT - action
            room.nodes[count - 1, e, 2] = inputs.values[e, cursor[e]]
            cursor[e] += 1


@njit(cache=True, error_model="numpy")
def _earlier_event(
    inputs: TwinInputs, cursor: IntArray, duration: float, stop: float, action: int
) -> tuple[float, int]:
    """The next stop: the earliest event in the tick that is not after ``stop``, else ``stop`` itself."""
    times, events = inputs.times, inputs.events
    for e in range(events.size):
        if events[e] == 1:
            while cursor[e] < times.shape[1] and times[e, cursor[e]] < 0.0:
                cursor[e] += 1
            if cursor[e] < times.shape[1] and times[e, cursor[e]] <= stop and times[e, cursor[e]] < duration:
                stop, action = times[e, cursor[e]], EVENT - e
    return stop, action


@njit(cache=True, error_model="numpy")
def _next_knot(inputs: TwinInputs, cursor: IntArray, now: float) -> float:
    """The time of the first knot of any signal behind ``now``, to which the cursors move; infinite if there is none."""
    earliest = np.inf
    for e in range(inputs.events.size):
        if inputs.events[e] != 1:
            times, k = inputs.times[e], cursor[e]
            while k < times.size and times[k] <= now:
                k += 1
            while inputs.events[e] == JUMPS and k < times.size and (k + 1 == times.size or times[k + 1] > times[k]):
                k += 1
            if k < times.size:
                earliest = min(earliest, times[k])
            cursor[e] = k
    return earliest


@njit(cache=True, error_model="numpy")
def _sample(inputs: TwinInputs, cursor: IntArray, start: float, length: float, nodes: FloatArray) -> None:
    """The inputs at the start, the middle and the end of a sub-step, ``nodes[input, 3]``; no jump lies inside.

    Of a signal at whose jumps alone a tick is cut it is the mean, not the middle: its knots may lie inside.
    """
    for e in range(inputs.events.size):
        times, values = inputs.times[e], inputs.values[e]
        if inputs.events[e] == JUMPS:
            nodes[e, 0] = interpolate(times, values, start)
            nodes[e, 1] = mean_between(times, values, start, start + length)
            nodes[e, 2] = interpolate(times, values, start + length)
        elif inputs.events[e] != 1:
            for node in range(3):
                nodes[e, node] = between_knots(times, values, cursor[e], start + 0.5 * node * length)
