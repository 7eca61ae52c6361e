"""Conversion between units of measurement, exact to the last bit that a float holds. pint loads only when needed."""

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


class Conversion(NamedTuple):
    """``value_in_target = scale * value + offset``. A standard deviation takes the scale alone."""

    scale: float
    offset: float


def conversion(from_unit: str, to_unit: str) -> Conversion:
    """How to convert values in ``from_unit`` to ``to_unit``.

    Raises :class:`UnitError` for a unit that does not exist, or where the two do not measure the same kind of quantity.
    """
    return Conversion(1.0, 0.0) if from_unit == to_unit else _conversion(from_unit, to_unit)


@cache
def _conversion(from_unit: str, to_unit: str) -> Conversion:
    source, target = _unit(from_unit), _unit(to_unit)
    if source.dimensionality != target.dimensionality:
        raise UnitError(
            f"'{from_unit}' measures {_kind(source)}, '{to_unit}' measures {_kind(target)}",
            remedy=f"give a unit of {_kind(target)}, such as {to_unit}",
        )
    quantity = _registry().Quantity
    offset = quantity(Fraction(0), source).to(target).magnitude
    return Conversion(float(quantity(Fraction(1), source).to(target).magnitude - offset), float(offset))


@cache
def _registry() -> "UnitRegistry[Fraction]":
    from pint import UnitRegistry

    return UnitRegistry(non_int_type=Fraction)


@cache
def _unit(text: str) -> "Unit":
    from pint import UndefinedUnitError

    try:
        return _registry().parse_units(text)
    except UndefinedUnitError as error:
        unknown = re.findall(r"'(\w+)'", str(error))[0]
        raise UnitError(f"unknown unit '{text}'", remedy=did_you_mean(unknown, _close_by(unknown))) from None
    except Exception:  # pint lets tokenizer, assertion and value errors through: all mean that this is no unit
        raise UnitError(f"'{text}' is not a unit", remedy='write it like "mmHg*s/mL" or "1/min"') from None


def _close_by(unknown: str) -> list[str]:
    """Known units that begin like ``unknown``, and the common ones."""
    return [name for name in dir(_registry()) if name[:1].lower() == unknown[:1].lower()] + [*COMMON]


def _kind(unit: "Unit") -> str:
    """What a unit measures: a name where it has one, else its dimensions."""
    for name, example in KINDS.items():
        if _unit(example).dimensionality == unit.dimensionality:
            return name
    return " * ".join(_factor(dimension.strip("[]"), power) for dimension, power in unit.dimensionality.items())


def _factor(dimension: str, power: object) -> str:
    return dimension if power == 1 else f"{dimension}^{power}"
