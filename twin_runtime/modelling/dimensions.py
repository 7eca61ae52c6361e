"""Formulas checked by their units: physics functions run with quantities of pint in place of plain numbers."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from twin_runtime.errors import ModelError, UnitError
from twin_runtime.modelling.evaluation import SINGLE, Formula, Sample, evaluate, formulas
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.places import line_at, place_in_function, place_of_class, raised_in
from twin_runtime.units import conversion

if TYPE_CHECKING:
    from pint import Quantity, UnitRegistry

Units = Mapping[str, str]
TEMPERATURES = (
    'give a difference of temperatures the unit "delta_degC", and subtract Constant("absolute_zero", "degC", -273.15) '
    "from a temperature that is multiplied"
)
WITHOUT_FACTOR = (
    "declare units that fit without a factor (seconds, m^3/s, kg): what sensors and inputs send is converted on its way"
)
OF_MATH = "functions of math take plain numbers: divide by a scale first, as in math.exp(t / tau); a root is x**0.5"
NUMBERS = (
    'a number in a formula has no unit: declare it as in Constant("gravity", "m/s^2", 9.81), and ask for it by name'
)


def declared_units(model: OdeModel) -> dict[str, str]:
    """The units of a model's variables, constants and signals, by name."""
    rows = [*model.table, *(given for given in model.inputs if given.has_value)]
    return {row.name: row.unit for row in rows}


def unknown_units(model: OdeModel) -> Iterator[ModelError]:
    """The units of a model's tables that do not exist."""
    rows: tuple[Any, ...] = (*model.table, *model.inputs, *model.outputs, *model.conserved)
    for row in rows:
        try:
            _parsed(row.unit)
        except UnitError as error:
            what = f"{type(row).__name__.lower()} '{row.name}': {error.what.replace(' * 1', '')}"
            yield ModelError(what, where=place_of_class(type(model)), remedy=error.remedy)


def _parsed(unit: str) -> None:
    """Raise :class:`UnitError` for a unit that does not exist; the registry that has the words loads only then."""
    try:
        _registry().parse_units(unit)
    except Exception:  # pint lets errors of all kinds through
        conversion(f"{unit} * 1", unit)


def unit_faults(model: OdeModel, units: Units, samples: Iterable[Sample]) -> Iterator[ModelError]:
    """What is wrong with a model's formulas if its variables and signals are measured in ``units``.

    Every formula runs on every sample, with plain numbers and with quantities. Each result must have the unit it is
    declared in (a time derivative: that of its state by the second), and the same size either way. A sample for which
    a formula gives no number is passed over.
    """
    samples = list(samples)
    rows: tuple[Any, ...] = (*model.outputs, *model.conserved)
    single = {row.name: row.unit for row in rows}
    for formula in formulas(model):
        table = single if formula.label.startswith(SINGLE) else units
        per_second = " / s" if formula.label.startswith(("rate", "inflow")) else ""
        expected = [f"({table[name]}){per_second}" for name in formula.results]
        fault = next(filter(None, (_fault(formula, expected, units, sample) for sample in samples)), None)
        if fault:
            yield fault


def _fault(formula: Formula, expected: Sequence[str], units: Units, sample: Sample) -> ModelError | None:
    evaluated = evaluate(formula, sample)
    if evaluated.reason:
        return None
    quantities = [_registry().Quantity(sample[name], units.get(name, "1")) for name in formula.arguments]
    try:
        given = formula.in_python(*quantities)
    except Exception as error:  # pint's errors, and those of Python where a quantity stands for a number
        return _unfit(formula, error)
    results = given if isinstance(given, tuple) else (given,)
    for name, unit, number, result in zip(formula.results, expected, evaluated.results, results, strict=True):
        if fault := _result_fault(formula, (name, unit, number), _registry().Quantity(result), units):
            return fault
    return None


def _unfit(formula: Formula, error: Exception) -> ModelError:
    """The error of a formula in which units meet that do not fit."""
    from pint import DimensionalityError, OffsetUnitCalculusError

    where = raised_in(error, formula.files)
    if str(error).startswith("Cannot compare"):
        what = f"{formula.label} compares a quantity that has a unit with a plain number"
        return ModelError(what, where=where, remedy=NUMBERS)
    if isinstance(error, OffsetUnitCalculusError):
        what = f"{formula.label} adds or multiplies a temperature in degC as if it were a difference"
        return ModelError(what, where=where, remedy=TEMPERATURES)
    if isinstance(error, DimensionalityError):
        pair = sorted((_unit_text(error.units1), _unit_text(error.units2)), key=lambda unit: unit == "1")
        if pair[1] == "1":
            what = f"{formula.label} adds, compares or takes as a plain number what is in {pair[0]}"
            return ModelError(what, where=where, remedy=OF_MATH if "math." in line_at(where) else NUMBERS)
        what = f"{formula.label} adds or compares what is in {pair[0]} and what is in {pair[1]}"
        return ModelError(what, where=where, remedy="correct the formula, or the units in the table")
    return ModelError(f"{formula.label} fails with units: {error}", where=where, remedy="keep to arithmetic and math.*")


def _result_fault(
    formula: Formula, expected: tuple[str, str, float], result: "Quantity[float]", units: Units
) -> ModelError | None:
    """What is wrong with one result of a formula: ``expected`` are its name, its unit and its number."""
    from pint import PintError

    name, unit, number = expected
    if number == 0.0 and result.dimensionless:
        return None  # nothing is nothing in any unit
    subject = f"the rate of {name}" if formula.label == "rate" else f"{name} of {formula.label}"
    subject = formula.label if formula.label.startswith(SINGLE) else subject
    declared = unit.removeprefix("(").replace(") / s", "/s").removesuffix(")")
    try:
        size = float(result.to(unit).m)
    except PintError:
        what = f"{subject} is in {_unit_text(result.units)}, expected {declared}"
        where = place_in_function(formula.function, "return")
        return ModelError(what, where=where, remedy="correct the formula, or the units in the table")
    if math.isclose(number, size, rel_tol=1e-9, abs_tol=1e-12):
        return None
    where = place_in_function(formula.function, "return")
    factor = number / size if size else math.inf
    if _is_whole(factor):
        by = f"{factor:.4g} times too large" if abs(factor) > 1.0 else f"{1.0 / factor:.4g} times too small"
        what = f"{subject} is {by}: it comes in {_unit_text(result.units)}, taken for {declared}"
        return ModelError(what, where=where, remedy=WITHOUT_FACTOR)
    temperatures = any(_counts_from_elsewhere(units.get(name, "1")) for name in formula.arguments)
    what = f"{subject} is {number:g} {declared} by its numbers, and {size:g} by its units"
    return ModelError(what, where=where, remedy=TEMPERATURES if temperatures else WITHOUT_FACTOR)


def _is_whole(factor: float) -> bool:
    """Whether two units can lie so far apart: as 60, 1000 or 3600 do."""
    larger = max(abs(factor), 1.0 / abs(factor)) if factor else math.inf
    return math.isclose(larger, round(larger), rel_tol=1e-6) if larger < math.inf else False


@cache
def _counts_from_elsewhere(unit: str) -> bool:
    """Whether a unit does not count from zero, as degC."""
    return bool(_registry().Quantity(0.0, unit).to_base_units().m)


def _unit_text(unit: Any) -> str:  # noqa: ANN401  # a unit of pint, or its parts
    """A unit as it is written in a table."""
    text = f"{_registry().Unit(unit):~C}".replace("**", "^")
    for shown, written in (("Δ°C", "delta_degC"), ("°C", "degC"), ("Δ°", "delta_deg"), ("°", "deg"), ("µ", "u")):
        text = text.replace(shown, written)
    return text if text not in ("", "dimensionless") else "1"


@cache
def _registry() -> "UnitRegistry[float]":
    from pint import UnitRegistry

    return UnitRegistry(autoconvert_offset_to_baseunit=True)
