"""Formulas checked by their units: physics functions run with quantities of pint in place of plain numbers."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import arguments, plain
from twin_runtime.modelling.variables import Shape, State

if TYPE_CHECKING:
    from pint import UnitRegistry

Units = Mapping[str, str]
Sample = Mapping[str, float]
"""A value for every variable and signal of a model and for ``known``, each in its own unit."""


class Formula(NamedTuple):
    """A physics function of a model, and the unit of each of its results by what the result is."""

    name: str
    function: Callable[..., Any]
    results: Units


def declared_units(model: OdeModel) -> dict[str, str]:
    """The units of a model's variables and signals, by name."""
    signals = {given.name: given.unit for given in model.inputs if given.shape is not Shape.EVENT}
    return {variable.name: variable.unit for variable in model.variables} | signals


def formulas(model: OdeModel, units: Units) -> Iterator[Formula]:
    """All physics functions of a model, where its variables are measured in ``units``."""
    states = {v.name: units[v.name] for v in model.variables if isinstance(v, State)}
    yield Formula("rate", model.rate, {name: f"({unit}) / s" for name, unit in states.items()})
    for name, function in model.events.items():
        yield Formula(f"events[{name}]", function, states)
    if model.jump is not None:
        yield Formula("jump", model.jump, states)
    for output in model.outputs:
        if output.function is not None:
            yield Formula(f"output {output.name}", output.function, {output.name: output.unit})


def unit_faults(model: OdeModel, units: Units, samples: Iterable[Sample]) -> Iterator[str]:
    """What is wrong with a model's formulas if its variables and signals are measured in ``units``, a line for each.

    Every formula runs on every sample, with plain numbers and with quantities. Each result must have the unit it is
    declared in (a time derivative: that of its state by the second), and the same size either way.
    """
    samples = list(samples)
    for formula in formulas(model, units):
        function = plain(formula.function)
        fault = next(filter(None, (_fault(formula, function, units, sample) for sample in samples)), "")
        if fault:
            yield f"{formula.name}: {fault}"


def _fault(formula: Formula, function: Callable[..., Any], units: Units, sample: Sample) -> str:
    from pint import PintError

    names = arguments(formula.function)
    numbers = [sample[name] for name in names]
    quantities = [_registry().Quantity(sample[name], units.get(name, "1")) for name in names]
    try:
        results = zip(_several(function(*numbers)), _several(function(*quantities)), strict=True)
        sizes = [
            (what, unit, number, _registry().Quantity(result).to(unit).m)
            for (what, unit), (number, result) in zip(formula.results.items(), results, strict=True)
        ]
    except (PintError, TypeError, ValueError) as error:
        return str(error)
    return "; ".join(
        f"{what} is not in {unit}: {number:g} by the numbers, {size:g} by the units"
        for what, unit, number, size in sizes
        if not math.isclose(number, size, rel_tol=1e-9, abs_tol=1e-12)
    )


def _several(results: Any) -> tuple[Any, ...]:  # noqa: ANN401  # numbers or quantities, one or many
    return results if isinstance(results, tuple) else (results,)


@cache
def _registry() -> "UnitRegistry[float]":
    from pint import UnitRegistry

    return UnitRegistry(autoconvert_offset_to_baseunit=True)
