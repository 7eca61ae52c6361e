"""Conversion between units of measurement, exact to the last bit that a float holds. pint loads only when needed."""

import math
import re
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from twin_runtime.errors import UnitError, did_you_mean

if TYPE_CHECKING:
    from pint import Unit, UnitRegistry

KINDS = {
    "pressure": "Pa",
    "temperature": "K",
    "mass flow": "kg/s",
    "volume flow": "m^3/s",
    "hydraulic resistance": "Pa*s/m^3",
    "hydraulic compliance": "m^3/Pa",
    "volume": "m^3",
    "area": "m^2",
    "length": "m",
    "velocity": "m/s",
    "mass": "kg",
    "density": "kg/m^3",
    "time": "s",
    "rate": "1/s",
    "energy": "J",
    "power": "W",
    "heat flux": "W/m^2",
    "heat transfer coefficient": "W/(m^2*K)",
    "thermal conductivity": "W/(m*K)",
    "specific heat": "J/(kg*K)",
    "force": "N",
    "viscosity": "Pa*s",
    "electric charge": "C",
    "voltage": "V",
    "current": "A",
    "concentration": "mol/m^3",
    "a plain number": "1",
}
"""What a unit measures, in words, by one unit of the kind."""

COMMON = (
    "1",
    "%",
    "mmHg",
    "cmH2O",
    "kPa",
    "bar",
    "degC",
    "K",
    "kg/s",
    "L/min",
    "mL",
    "m^3",
    "kg",
    "s",
    "min",
    "h",
    "kW",
)
"""Units met most often, prefixes included: the first to look at for a misspelt one."""


COUNTED = {"radian": "an angle", "bit": "an amount of data"}
"""What pint takes for plain numbers, though ``rpm`` in ``1/min`` would then be 6.28 times too large."""

LONGEST = 100
"""Characters of a unit."""
_FACTOR = r"\(*(?:1|%|°?[^\W\d]\w*(?:(?:\*\*|\^)-?\d)?)\)*"
_UNIT = re.compile(rf"{_FACTOR}(?:(?: ?[*/·] ?| ){_FACTOR})*")


class Conversion(NamedTuple):
    """``value_in_target = scale * value + offset``. A standard deviation takes the scale alone."""

    scale: float
    offset: float


def conversion(from_unit: str, to_unit: str) -> Conversion:
    """How to convert values in ``from_unit`` to ``to_unit``.

    Raises :class:`UnitError` for a unit that does not exist, where the two do not measure the same kind of quantity,
    and where no factor turns one into the other. No text raises anything else.
    """
    return Conversion(1.0, 0.0) if from_unit == to_unit else _conversion(from_unit, to_unit)


@cache
def _conversion(from_unit: str, to_unit: str) -> Conversion:
    source, target = _unit(from_unit), _unit(to_unit)
    try:
        _check_kinds(source, target, from_unit, to_unit)
        zero, one, two = (_converted(number, source, target) for number in range(3))
        scale, offset = float(one - zero), float(zero)
        linear = math.isclose(two - one, one - zero, rel_tol=1e-9)
    except UnitError:
        raise
    except Exception:  # pint lets errors of offset units and of arithmetic through: all mean that there is none
        raise _no_factor(from_unit, to_unit) from None
    if not (linear and 0.0 < abs(scale) < math.inf and math.isfinite(offset)):
        raise _no_factor(from_unit, to_unit)
    return Conversion(scale, offset)


def _converted(number: int, source: "Unit", target: "Unit") -> Fraction:
    return Fraction(_registry().Quantity(Fraction(number), source).to(target).magnitude)


def _no_factor(from_unit: str, to_unit: str) -> UnitError:
    """Logarithmic units, differences of temperatures as temperatures, factors that a float cannot hold."""
    return UnitError(
        f"no factor and offset that a number can hold turn '{from_unit}' into '{to_unit}'",
        remedy=f"send values in {to_unit}, neither logarithms nor differences of it",
    )


def _check_kinds(source: "Unit", target: "Unit", from_unit: str, to_unit: str) -> None:
    if source.dimensionality != target.dimensionality:
        raise UnitError(
            f"'{from_unit}' measures {_kind(source)}, '{to_unit}' measures {_kind(target)}",
            remedy=f"give a unit of {_kind(target)}, such as {to_unit}",
        )
    for counted, name in COUNTED.items():
        if _power(counted, source) != _power(counted, target):
            raise UnitError(
                f"'{from_unit}' and '{to_unit}' differ by {name}, which is no plain number",
                remedy=f"say which is meant: '{from_unit}' on both sides, or '{to_unit}' on both",
            )


def _power(counted: str, unit: "Unit") -> object:
    """With which power radians or bits are in a unit."""
    return dict(_registry().Quantity(Fraction(1), unit).to_root_units().unit_items()).get(counted, 0)


@cache
def _registry() -> "UnitRegistry[Fraction]":
    from pint import UnitRegistry

    return UnitRegistry(non_int_type=Fraction)


@cache
def _unit(text: str) -> "Unit":
    from pint import UndefinedUnitError

    if not is_unit(text):
        raise _no_unit(text)
    try:
        return _registry().parse_units(text)
    except UndefinedUnitError as error:
        unknown = str(next(iter(error.args), text))
        raise UnitError(f"unknown unit '{text}'", remedy=did_you_mean(unknown, _close_by(unknown))) from None
    except Exception:  # pint lets tokenizer, assertion and value errors through: all mean that this is no unit
        raise _no_unit(text) from None


def is_unit(text: str) -> bool:
    """Whether a text from outside may be handed to a parser of units.

    Products and powers of names pass, arithmetic of numbers does not: ``9**9**9**9`` would take for ever.
    """
    return len(text) <= LONGEST and _UNIT.fullmatch(text) is not None


def _no_unit(text: str) -> UnitError:
    return UnitError(f"'{text[:LONGEST]}' is not a unit", remedy='write it like "mmHg*s/mL" or "1/min"')


def _close_by(unknown: str) -> list[str]:
    """Known units that begin like ``unknown``, and the common ones."""
    return [name for name in dir(_registry()) if name[:1].lower() == unknown[:1].lower()] + [*COMMON]


def kind_of(unit: str) -> str:
    """What a unit measures, in words; raises :class:`UnitError` for what is no unit."""
    return _kind(_unit(unit))


def _kind(unit: "Unit") -> str:
    """What a unit measures: a name where it has one, else its dimensions."""
    for name, example in KINDS.items():
        if _unit(example).dimensionality == unit.dimensionality:
            return name
    return " * ".join(_factor(dimension.strip("[]"), power) for dimension, power in unit.dimensionality.items())


def _factor(dimension: str, power: object) -> str:
    return dimension if power == 1 else f"{dimension}^{power}"
