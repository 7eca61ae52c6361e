"""Units of SBML in the runtime's spelling."""

import math
from typing import Any

import libsbml

NAMES = {
    "ampere": "A",
    "candela": "cd",
    "coulomb": "C",
    "dimensionless": "1",
    "farad": "F",
    "gram": "g",
    "hertz": "Hz",
    "item": "1",
    "joule": "J",
    "kelvin": "K",
    "kilogram": "kg",
    "liter": "L",
    "litre": "L",
    "meter": "m",
    "metre": "m",
    "mole": "mol",
    "newton": "N",
    "pascal": "Pa",
    "second": "s",
    "siemens": "S",
    "volt": "V",
    "watt": "W",
}
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", -2: "c", -1: "d", 0: "", 3: "k", 6: "M", 9: "G"}
TIMES = {60.0: "min", 3600.0: "h", 86400.0: "day"}


def spelled(definition: Any) -> str | None:  # noqa: ANN401  # libsbml's UnitDefinition
    """A unit, "1" where there is none; None where it has no spelling here."""
    if definition is None:
        return "1"
    above, below = list[str](), list[str]()
    for k in range(definition.getNumUnits()):
        unit = definition.getUnit(k)
        power, name = unit.getExponentAsDouble(), _name(unit)
        if name is None or not power.is_integer():
            return None
        if name != "1" and power:
            (above if power > 0 else below).append(name if abs(power) == 1 else f"{name}^{abs(int(power))}")
    return "/".join(["*".join(above) or "1", *below])


def _name(unit: Any) -> str | None:  # noqa: ANN401
    kind = NAMES.get(libsbml.UnitKind_toString(unit.getKind()))
    factor = unit.getMultiplier() * 10.0 ** unit.getScale()
    if kind is None or not factor > 0.0:
        return None
    if kind == "s" and factor in TIMES:
        return TIMES[factor]
    power = round(math.log10(factor))
    if not math.isclose(factor, 10.0**power, rel_tol=1e-12) or power not in PREFIXES or (kind == "1" and power):
        return None
    if kind == "kg" and power:
        return None
    return f"{PREFIXES[power]}{kind}"
