"""A model tried on its prior: compiled, its formulas evaluated with numbers and with units, its steps compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from twin_runtime.errors import ModelError
from twin_runtime.modelling.compilation import NUMBA_ERRORS, compilation_fault
from twin_runtime.modelling.coupling import Joined
from twin_runtime.modelling.dimensions import declared_units, unit_faults, unknown_units
from twin_runtime.modelling.evaluation import DRAWS, Evaluation, Formula, Sample, evaluate, formulas, prior_samples
from twin_runtime.modelling.integration import FEW, Trial, advanced, coarse, drawn, lost, unbalanced, undriven, unstable
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.places import raised_outside

UNIT_DRAWS = 6
NEAR, FAR = "on the prior", "at the ends of the range of its inputs"


def tried(model: Model, tick: float, ranges: Mapping[str, tuple[float, float]]) -> Trial:
    """Try a model on its prior with ticks of so many seconds; ``ranges`` are those of inputs, by name.

    Its formulas come first, in plain Python: all that is wrong with any of them. Then it is compiled, and integrated. A
    model that has a method ``faults(tick)`` finds faults of its own.
    """
    remarks = list[ModelError]()
    try:
        for find in _attempts(model, ranges):
            faults, minor = find(tick)
            remarks += minor
            if faults:
                return Trial(faults, remarks)
    except ModelError as error:
        return Trial([error], remarks)
    return Trial([], remarks)


def _attempts(model: Model, ranges: Mapping[str, tuple[float, float]]) -> Iterator[Callable[[float], Trial]]:
    """What is tried one after the other, each with the duration of a tick."""
    if isinstance(model, OdeModel):
        yield partial(_units, model)
        yield partial(_formulas, model, ranges=ranges)
        yield partial(unstable, model)
    if hasattr(model, "faults"):
        yield partial(_own, model)
    for name, part in model.models.items() if isinstance(model, Joined) else ():
        own = {key.removeprefix(f"{name}."): ends for key, ends in ranges.items() if key.startswith(f"{name}.")}
        yield from _attempts(part, own)
    yield partial(_compiled, model)
    yield partial(lost, model)
    yield partial(unbalanced, model)
    if isinstance(model, OdeModel):
        yield partial(coarse, model)


def _units(model: OdeModel, tick: float) -> Trial:
    return Trial(list(unknown_units(model)))


def _own(model: Any, tick: float) -> Trial:  # noqa: ANN401  # a model that tries itself
    return Trial(list(model.faults(tick)))


def _compiled(model: Model, tick: float) -> Trial:
    return Trial(list(_compilation(model, tick)))


def _compilation(model: Model, tick: float) -> Iterator[ModelError]:
    try:
        x = drawn(model, 2)
        advanced(model, x, tick)
        model.observe(x, tick, undriven(model))
    except ModelError as error:
        yield error
    except NUMBA_ERRORS as error:
        yield compilation_fault((), error)
    except Exception as error:  # the code is not ours, and may raise anything
        what = f"model {model.name} fails in a tick: {type(error).__name__}: {error}"
        yield ModelError(what, where=raised_outside(error), remedy="mend it; TWIN_DEBUG=1 shows the whole error")


def _formulas(model: OdeModel, tick: float, ranges: Mapping[str, tuple[float, float]]) -> Trial:
    """The formulas of a model with numbers of the prior, then with units."""
    near = prior_samples(model, DRAWS, {})
    far = prior_samples(model, DRAWS, {name: (low, 0.5 * (low + high), high) for name, (low, high) in ranges.items()})
    faults, remarks = list[ModelError](), list[ModelError]()
    for formula in formulas(model):
        found = _without_numbers(model, formula, near, NEAR)
        faults += found.faults
        remarks += found.remarks or ([] if found.faults else _without_numbers(model, formula, far, FAR).remarks)
    swung = {i.name: (*ranges.get(i.name, ()), i.default + 1.0, i.default) for i in model.inputs}
    faults += unit_faults(model, declared_units(model), prior_samples(model, UNIT_DRAWS, swung))
    return Trial(faults, remarks)


def _without_numbers(model: OdeModel, formula: Formula, samples: Sequence[Sample], which: str) -> Trial:
    """Where a formula gives no numbers: a fault if on the prior for the medians or for many samples, else a remark."""
    bad = [
        (k, given)
        for k, sample in enumerate(samples)
        if (given := evaluate(formula, sample)).reason and not _compiled_gives_numbers(formula, sample)
    ]
    if not bad:
        return Trial()
    k, first = bad[0]
    error = _no_number(model, formula, samples[k], first, f"{which}, in {len(bad)} of {len(samples)} members")
    serious = which == NEAR and (k == 0 or len(bad) > FEW * len(samples))
    return Trial([error]) if serious else Trial([], [error])


def _compiled_gives_numbers(formula: Formula, sample: Sample) -> bool:
    """Whether the compiled formula goes on where Python raises an error: it has infinities and NaN."""
    try:
        results = formula.function(*(sample[name] for name in formula.arguments))
    except Exception:  # that it cannot be compiled is reported elsewhere
        return False
    return bool(np.isfinite(results).all())


def _no_number(model: OdeModel, formula: Formula, sample: Sample, given: Evaluation, which: str) -> ModelError:
    names = formula.arguments
    values = ", ".join(f"{name} = {sample[name]:.4g}" for name in names[:6])
    what = f"{formula.label} gives no number {which}: {given.reason} with {values}"
    zeros, inputs = {name for name in names if sample[name] == 0.0}, {i.name for i in model.inputs}
    guard = "write a / b if b > 0.0 else 0.0"
    if zeros and zeros <= inputs and "zero" in given.reason:
        remedy = f"give the input '{min(zeros)}' another default than 0, or guard the formula: {guard}"
    else:
        remedy = f"choose a prior that stays away from it (LogNormal is positive), or guard the formula: {guard}"
    return ModelError(what, where=given.where, remedy=remedy)
