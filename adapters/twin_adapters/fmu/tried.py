"""Whether the array carries an FMU: a run started anew at every tick, held against one that is never interrupted.

Who keeps something from tick to tick that the array does not hold gives other numbers.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin_adapters.fmu.instance import Failed
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.signals import InputSignals, no_points

if TYPE_CHECKING:
    from twin_adapters.fmu.model import FmuModel

TICKS, TOLERANCE = 3, 1e-6
"""For how many ticks it is tried; by which share a value may differ (a solver's own tolerance)."""
MEMBERS = 2


def faults(model: "FmuModel", tick: float) -> Iterator[ModelError]:
    """What is wrong, with inputs at their start values and one above them."""
    where = str(model.plan.description.file)
    for above in (0.0, 1.0) if model.inputs else (0.0,):
        inputs = [min(max(s.value + above, s.low), s.high) for s in model.plan.inputs]
        x = draw_prior(model.variables, numbered_keys(1, 1), MEMBERS)
        try:
            whole = [_uninterrupted(model, row, inputs, tick) for _, row in model._rows_of(x[0])]
        except (Failed, ArithmeticError) as error:
            if above == 0.0:
                what = f"fails in the first {TICKS} ticks of {tick:g} s: {error}"
                yield ModelError(what, where=where, remedy="give priors and inputs that it can run with, or mend it")
            return
        if fault := _differing(model, np.array(whole), _restarted(model, x, inputs, tick), tick):
            yield fault
            return


def _uninterrupted(model: "FmuModel", row: list[float], inputs: Sequence[float], tick: float) -> list[float]:
    """The outputs after some ticks of an instance that is begun once."""
    instance, plan = model._instance, model.plan
    model._enter(row, inputs)
    for k in range(TICKS):
        instance.step(k * tick, tick)
    return instance.get([scalar.reference for scalar in plan.outputs])


def _restarted(model: "FmuModel", x: FloatArray, inputs: Sequence[float], tick: float) -> FloatArray:
    """The same of the model, ``[member, output]``."""
    values = np.array(inputs, np.float64).reshape(1, -1, 1)
    signals = InputSignals(np.full(values.shape, -np.inf), values, np.ones(1))
    for _ in range(TICKS):
        model.advance(x, tick, signals, no_points(1), np.empty((1, MEMBERS, 0)), np.empty(1))
    return model.observe(x, tick, signals)[0, :, : len(model.outputs)]


def _differing(model: "FmuModel", whole: FloatArray, restarted: FloatArray, tick: float) -> ModelError | None:
    for k, output in enumerate(model.outputs):
        for ours, theirs in zip(restarted[:, k], whole[:, k], strict=True):
            if not math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-9):
                what = (
                    f"does not go on where it was: after {TICKS} ticks of {tick:g} s '{output.name}' is {theirs:.6g}, "
                    f"but {ours:.6g} if every tick starts from what the array holds"
                )
                return ModelError(what, where=str(model.plan.description.file), remedy=_remedy(model))
    return None


def _remedy(model: "FmuModel") -> str:
    step = "choose a tick that is a multiple of its internal step"
    return f"it has more states than it lists: name them all, states = [...] under [model.settings]; or {step}"
