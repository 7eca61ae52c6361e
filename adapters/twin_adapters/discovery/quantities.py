"""What a value probably is, by what it is called: units of quantities as devices name them."""

import re
from typing import NamedTuple


class Usual(NamedTuple):
    """Names of a quantity, and the unit in which devices send it."""

    names: re.Pattern[str]
    unit: str


def _usual(names: str, unit: str) -> Usual:
    return Usual(re.compile(rf"(^|_)({names})(_|\d|$)"), unit)


USUAL = (
    _usual("tf|temp_f|temperature_f", "degF"),
    _usual("temperature|temp|tc|t|celsius|dew_?point", "degC"),
    _usual("humidity|rh|hum", "percent"),
    _usual("battery|soc|level_percent", "percent"),
    _usual("apower|power|watt|watts", "W"),
    _usual("voltage|volt|volts", "V"),
    _usual("current|amps|amperage", "A"),
    _usual("energy|kwh|total_energy", "kW*h"),
    _usual("pressure|press|p|baro", "hPa"),
    _usual("mass_flow|m_dot|mdot", "kg/s"),
    _usual("flow|flow_rate|flowrate", "L/min"),
    _usual("speed|velocity|wind_speed", "m/s"),
    _usual("weight|mass", "kg"),
    _usual("distance|length|height", "m"),
    _usual("abp|art|map|cvp|blood_pressure", "mmHg"),
    _usual("spo2|sao2", "percent"),
    _usual("hr|heart_rate|pulse|rr|resp_rate", "1/min"),
)
"""The first that fits counts."""

_LIMITS = {"hPa": (300.0, 1200.0, "Pa", 30_000.0)}
"""Values in which a unit is usual, and what larger ones are in from some size on."""


def usual_unit(name: str, value: float) -> str | None:
    """The unit in which a quantity of this name is usually sent; None where the name says nothing."""
    unit = next((usual.unit for usual in USUAL if usual.names.search(name)), None)
    if unit in _LIMITS:
        low, high, other, least = _LIMITS[unit]
        return unit if low <= value <= high else other if value >= least else None
    return unit


def slug(text: str) -> str:
    """A name as a configuration can have it: "apower", "temperature_tC" -> "temperature_tc"."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "value"


def words(text: str) -> frozenset[str]:
    """The words of a name, a topic or a path."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return frozenset(part for part in re.split(r"[^a-z0-9]+", parted.lower()) if part)
