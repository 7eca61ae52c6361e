"""Units of an FMU's variables in the runtime's spelling, held against what its unit definitions say of them."""

import math
from collections.abc import Mapping
from typing import Any

from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.errors import UnitError
from twin_runtime.units import conversion

BASE = ("kg", "m", "s", "A", "K", "mol", "cd", "rad")
"""The base units of the FMI standard, in its order."""


def unit_of(name: str | None, definitions: Mapping[str, Any]) -> str | None:
    """The unit of a variable, "1" where it declares none; None where it is not understood.

    ``definitions`` are the units that the FMU defines, by name: exponents of base units, a factor and an offset.
    """
    if not name:
        return "1"
    base = getattr(definitions.get(name), "baseUnit", None)
    spelled = runtime_unit(name)
    if _exists(spelled) and (base is None or _same(spelled, base)):
        return spelled
    exact = base is not None and float(base.factor) == 1.0 and float(base.offset) == 0.0
    return _product(base) if exact else None


def _exists(unit: str) -> bool:
    try:
        conversion(f"{unit} * 1", unit)
    except UnitError:
        return False
    return True


def _same(unit: str, base: Any) -> bool:  # noqa: ANN401  # fmpy's BaseUnit
    try:
        scale, offset = conversion(unit, _product(base))
    except UnitError:
        return False
    return math.isclose(scale, float(base.factor), rel_tol=1e-6) and math.isclose(
        offset, float(base.offset), rel_tol=1e-6, abs_tol=1e-9
    )


def _product(base: Any) -> str:  # noqa: ANN401
    powers = {unit: int(getattr(base, unit) or 0) for unit in BASE}
    above = [f"{unit}^{power}" if power > 1 else unit for unit, power in powers.items() if power > 0]
    below = [f"/{unit}^{-power}" if power < -1 else f"/{unit}" for unit, power in powers.items() if power < 0]
    return ("*".join(above) or "1") + "".join(below)
