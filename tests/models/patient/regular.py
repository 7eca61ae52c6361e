"""Models that run by themselves from given values: the quantities of many beats, for comparison with published ones."""

from collections.abc import Mapping, Sequence

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.integration import undriven
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.spaces import TO_SPACE
from twin_runtime.modelling.variables import Shape


def member(model: Model, values: Mapping[str, float] | None = None) -> FloatArray:
    """One member at the medians of the prior, but for some values, each in its own unit."""
    given = values or {}
    unknown = given.keys() - {variable.name for variable in model.variables}
    assert not unknown, unknown
    row = [
        TO_SPACE[v.prior.space](given[v.name], np.log, *v.prior.bounds) if v.name in given else v.prior.centre
        for v in model.variables
    ]
    return np.array([[row]], dtype=np.float64)


def constant(model: Model, inputs: Mapping[str, float] | None = None) -> InputSignals:
    """Inputs that stay as they are, at their defaults where none is given; no events."""
    signals = undriven(model)
    for name, value in (inputs or {}).items():
        signals.values[0, [given.name for given in model.inputs].index(name)] = value
    return signals


def events(model: Model, name: str, times: Sequence[float]) -> InputSignals:
    """Inputs at their defaults, and events of one at some times after the start, in seconds."""
    e = [given.name for given in model.inputs].index(name)
    assert model.inputs[e].shape is Shape.EVENT
    kept = undriven(model)
    shape = (1, len(model.inputs), max(1, len(times)))
    filled, values = np.full(shape, np.inf), np.zeros(shape)
    filled[..., :1], values[..., :1] = kept.times, kept.values
    filled[0, e, : len(times)], values[0, e, : len(times)] = times, 1.0
    return InputSignals(filled, values, np.ones(1))


def course(
    model: Model, x: FloatArray, times: FloatArray, names: Sequence[str], signals: InputSignals | None = None
) -> dict[str, FloatArray]:
    """Outputs of one member at ``times``; ``x`` is advanced in place to the last of them."""
    outputs = [output.name for output in model.outputs]
    moments = np.repeat(times, len(names))
    wanted = np.tile([outputs.index(name) for name in names], times.size)
    predicted = np.empty((1, 1, moments.size))
    points = Points(moments[None], wanted[None])
    model.advance(x, float(times[-1]), signals or constant(model), points, predicted, np.empty(1))
    return dict(zip(names, predicted[0, 0].reshape(times.size, len(names)).T, strict=True))
