"""The inputs of one tick as knots, from the last sample before it, the samples in it, and the first one behind it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.engine.observations import ReadingColumns
from twin_runtime.modelling.signals import InputSamples, InputSignals
from twin_runtime.modelling.variables import Input, Shape

EVENT = int(Shape.EVENT)
ROUNDING = 1e-6
"""A gap may be longer by so many seconds: the times of old samples are float64, and so known to 256 ns."""


class InputRules(NamedTuple):
    """How inputs behave between their samples, ``[input]``.

    ``shape`` is a :class:`Shape`, ``gap`` the longest gap to interpolate across (s; negative: hold), ``default`` the
    value before the first sample.
    """

    shape: IntArray
    gap: FloatArray
    default: FloatArray


def rules(inputs: Sequence[Input]) -> InputRules:
    """The rules that some inputs declare."""
    gaps = [i.gap + ROUNDING if i.shape is Shape.LINEAR else -1.0 for i in inputs]
    shapes, defaults = [int(i.shape) for i in inputs], [i.default for i in inputs]
    return InputRules(np.array(shapes, np.int64), np.array(gaps, np.float64), np.array(defaults, np.float64))


@njit(cache=True, error_model="numpy")
def input_signals(
    rules: InputRules, last: InputSamples, samples: ReadingColumns, after: InputSamples, start: int
) -> InputSignals:
    """The knots of all inputs over a tick that starts at ``start`` (ns).

    ``last`` holds the newest sample before the tick (time in ns; NaN: none yet), ``samples`` those in the tick
    (``channel`` is the place of the input), ``after`` the first sample behind the tick (time in s after ``start``; inf:
    none). Samples too far apart to interpolate get a knot between them that keeps the earlier value up to the later
    time; such a sample behind the tick has no effect on the tick, not even at its end.
    """
    twins, inputs = last.time.shape
    count = np.zeros((twins, inputs), np.int64)
    for k in range(samples.twin.size):
        count[samples.twin[k], samples.channel[k]] += 1
    shape = (twins, inputs, 2 * (count.max() if count.size > 0 else 0) + 3)
    times, values = np.full(shape, np.inf), np.full(shape, np.inf)
    count[:] = 0
    for i in range(twins):
        for e in range(inputs):
            if rules.shape[e] != EVENT:
                known = not np.isnan(last.time[i, e])
                times[i, e, 0] = (last.time[i, e] - start) / SECOND if known else -np.inf
                values[i, e, 0] = last.value[i, e] if known else rules.default[e]
                count[i, e] = 1
    for k in range(samples.twin.size):
        i, e, moment = samples.twin[k], samples.channel[k], samples.offset[k] / SECOND
        count[i, e] = _append(rules, e, count[i, e], moment, samples.value[k], times[i, e], values[i, e])
    for i in range(twins):
        for e in range(inputs):
            if count[i, e] > 0 and after.time[i, e] - times[i, e, count[i, e] - 1] <= rules.gap[e]:
                _append(rules, e, count[i, e], after.time[i, e], after.value[i, e], times[i, e], values[i, e])
    return InputSignals(times, values, np.ones(twins))


@njit(cache=True, error_model="numpy")
def _append(
    rules: InputRules, e: int, count: int, time: float, value: float, times: FloatArray, values: FloatArray
) -> int:
    """Append a sample of input ``e``, and before it the knot that holds the earlier value; returns their number."""
    if rules.shape[e] != EVENT and not time - times[count - 1] <= rules.gap[e]:
        times[count], values[count] = time, values[count - 1]
        count += 1
    times[count], values[count] = time, value
    return count + 1


@njit(cache=True)
def keep_newest(last: InputSamples, samples: ReadingColumns, start: int) -> None:
    """Put the newest sample of every input into ``last``, in place."""
    for k in range(samples.twin.size):
        i, e = samples.twin[k], samples.channel[k]
        last.time[i, e], last.value[i, e] = samples.offset[k] + start, samples.value[k]


@njit(cache=True, error_model="numpy")
def oldest(last: InputSamples, stale: FloatArray, number: int, tick: int, verdicts: FloatArray) -> FloatArray:
    """The largest age ``[twin]`` of a newest sample after tick ``number``, in units of what its input calls ``stale``.

    ``stale`` and the length of a ``tick`` are in ns. For an input that has had no sample, the age is that of the twin,
    whose ticks before this one the ``verdicts[twin, trust]`` count.
    """
    age, end = np.zeros(len(last.time)), float((number + 1) * tick)
    for i in range(len(age)):
        for e in range(stale.size):
            if stale[e] < np.inf:
                time = last.time[i, e]
                lived = end - time if not np.isnan(time) else (verdicts[i].sum() + 1.0) * tick
                age[i] = max(age[i], lived / stale[e])
    return age


def no_samples(twins: int, inputs: int) -> InputSamples:
    """What is known behind a tick where no sample is."""
    both = np.empty((2, twins, inputs))
    both.fill(np.inf)
    return InputSamples(both[0], both[1])
