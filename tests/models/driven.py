"""A model on its own, driven by infusions and doses: one member whose variables are the medians of the priors."""

from collections.abc import Mapping, Sequence

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Shape

Samples = Mapping[str, Sequence[tuple[float, float]]]
"""Of each input that is not at its default: seconds and values. What is held is held from its time on."""


def at_medians(model: Model) -> FloatArray:
    """One twin with one member, every variable at the median of its prior."""
    return np.array([[[variable.prior.centre for variable in model.variables]]])


def driven(model: Model, outputs: Sequence[str], seconds: Sequence[float] | FloatArray, samples: Samples) -> FloatArray:
    """Outputs ``[time, output]`` at some seconds after the start, ascending."""
    names = [output.name for output in model.outputs]
    which = [names.index(name) for name in outputs]
    moments = np.repeat(np.asarray(seconds, np.float64), len(which))
    points = Points(moments[None], np.tile(which, len(seconds))[None])
    predicted = np.empty((1, 1, moments.size))
    residual = np.empty(1)
    model.advance(at_medians(model), float(seconds[-1]), signals(model, samples), points, predicted, residual)
    assert not residual[0] > 1e-9  # NaN where nothing is conserved
    found: FloatArray = predicted[0, 0].reshape(len(seconds), len(which))
    return found


def signals(model: Model, samples: Samples) -> InputSignals:
    """The inputs of one twin as knots: at a jump of what is held there are two."""
    width = 1 + 2 * max((len(given) for given in samples.values()), default=0)
    times, values = np.full((2, 1, len(model.inputs), width), np.inf)
    for row, given in enumerate(model.inputs):
        knots = list(samples.get(given.name, ()))
        if given.shape is Shape.HOLD or (given.shape is Shape.LINEAR and not knots):
            held = [given.default, *(value for _, value in knots)]
            jumps = [(time, value) for k, (time, _) in enumerate(knots) for value in held[k : k + 2]]
            knots = [(-np.inf, given.default), *jumps]
        if knots:
            times[0, row, : len(knots)], values[0, row, : len(knots)] = np.array(knots).T
    return InputSignals(times, values, np.ones(1))
