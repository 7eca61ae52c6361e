"""The inputs of one tick as knots, from the last sample before it, the samples in it, and the first one behind it."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.engine.observations import Readings
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Input, Shape

EVENT = int(Shape.EVENT)
ROUNDING = 1e-6
"""A gap may be longer by so many seconds: the times of old samples are float64, and so known to 256 ns."""


def rules(inputs: Sequence[Input]) -> FloatArray:
    """Shape, longest gap to interpolate (s; negative: hold) and default of every input, ``[input, 3]``."""
    gaps = (i.gap + ROUNDING if i.shape is Shape.LINEAR else -1.0 for i in inputs)
    return np.array([(i.shape, gap, i.default) for i, gap in zip(inputs, gaps, strict=True)]).reshape(-1, 3)


def input_signals(
    rules: FloatArray, last: FloatArray, samples: Readings, after: FloatArray, start: int
) -> InputSignals:
    """The knots of all inputs over a tick.

    ``last[twin, input, 2]`` holds time (ns) and value of the newest sample before the tick (NaN: none yet), ``samples``
    those in the tick (``channel`` is the place of the input), ``after[twin, input, 2]`` offset (s) and value of the
    first sample behind the tick (inf: none). Samples too far apart to interpolate get a knot between them that keeps
    the earlier value up to the later time; such a sample behind the tick says nothing of the tick, not even of its end.
    """
    twins, inputs, _ = last.shape
    most = int(np.bincount(samples.twin * inputs + samples.channel).max(initial=0)) if samples.twin.size else 0
    times = np.full((twins, inputs, 2 * most + 3), np.inf)
    values = np.full_like(times, np.inf)
    _fill(rules, last, *samples[:4], after, start, np.zeros((twins, inputs), np.int64), times, values)
    return InputSignals(times, values, np.ones(twins))


@njit(cache=True, error_model="numpy")
def _fill(
    rules: FloatArray,
    last: FloatArray,
    twin: IntArray,
    channel: IntArray,
    offset: IntArray,
    value: FloatArray,
    after: FloatArray,
    start: int,
    count: IntArray,
    times: FloatArray,
    values: FloatArray,
) -> None:
    twins, inputs = count.shape
    for i in range(twins):
        for e in range(inputs):
            if rules[e, 0] != EVENT:
                known = not np.isnan(last[i, e, 0])
                times[i, e, 0] = (last[i, e, 0] - start) / SECOND if known else -np.inf
                values[i, e, 0] = last[i, e, 1] if known else rules[e, 2]
                count[i, e] = 1
    for k in range(twin.size):
        i, e = twin[k], channel[k]
        count[i, e] = _append(rules[e], count[i, e], offset[k] / SECOND, value[k], times[i, e], values[i, e])
    for i in range(twins):
        for e in range(inputs):
            if count[i, e] > 0 and after[i, e, 0] - times[i, e, count[i, e] - 1] <= rules[e, 1]:
                _append(rules[e], count[i, e], after[i, e, 0], after[i, e, 1], times[i, e], values[i, e])


@njit(cache=True, error_model="numpy")
def _append(rule: FloatArray, count: int, time: float, value: float, times: FloatArray, values: FloatArray) -> int:
    """Append a sample, and before it the knot that holds the earlier value; returns the number of knots."""
    if rule[0] != EVENT and not time - times[count - 1] <= rule[1]:
        times[count], values[count] = time, values[count - 1]
        count += 1
    times[count], values[count] = time, value
    return count + 1


def newest(last: FloatArray, samples: Readings, start: int) -> None:
    """Remember the newest sample of every input, in place in ``last[twin, input, 2]``."""
    cell = (samples.twin, samples.channel)
    last[(*cell, 0)] = samples.offset + start
    last[(*cell, 1)] = samples.value


def nothing_after(twins: int, inputs: int) -> FloatArray:
    """``after`` where no sample behind the tick is known."""
    return np.full((twins, inputs, 2), np.inf)
