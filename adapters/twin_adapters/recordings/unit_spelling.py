"""Units as files spell them (UCUM in health records, UDUNITS in NetCDF), in the spelling of the runtime."""

import re
from functools import cache

from twin_runtime.units import is_unit

WORDS = {
    "mm[Hg]": "mmHg",
    "cm[H2O]": "cmH2O",
    "Cel": "degC",
    "[degF]": "degF",
    "[psi]": "psi",
    "[in_i]": "inch",
    "[ft_i]": "ft",
    "[lb_av]": "lb",
    "[mi_i]": "mile",
    "%RH": "%",
    "% RH": "%",
    "unitless": "1",
    "dimensionless": "1",
    "percent": "%",
    "degree_C": "degC",
    "degrees_C": "degC",
    "deg_C": "degC",
    "deg C": "degC",
    "Deg C": "degC",
    "°C": "degC",
    "celsius": "degC",
    "Celsius": "degC",
    "degree_Celsius": "degC",
    "degrees_Celsius": "degC",
    "degK": "K",
    "deg_K": "K",
    "kelvin": "K",
    "Kelvin": "K",
    "degree_F": "degF",
    "deg_F": "degF",
    "°F": "degF",
    "fahrenheit": "degF",
    "BPM": "1/min",
    "bpm": "1/min",
}
"""Whole units, and factors of one, that are spelt in another way."""

_COUNTED = re.compile(r"^\{[^{}]*\}")
_COMMENT = re.compile(r"(?<=[\w\]%])\{[^{}]*\}")
_FACTOR = re.compile(r"(?P<name>[^\W\d][^\W\d]*|%|1)(?:(?:\^|\*\*)?(?P<power>-?\d))?")


@cache
def runtime_unit(text: str | None) -> str:
    """A unit in the runtime's spelling; as it is where that is not known, "" where there is none."""
    plain = (text or "").strip()
    if plain in WORDS:
        return WORDS[plain]
    written = _product(_COMMENT.sub("", _COUNTED.sub("1", plain)))
    return written if is_unit(written) else plain


def _product(text: str) -> str:
    """Factors with their powers, as ``a*b^2/c/d^2``; "" where one is not understood."""
    above: list[str] = []
    below: list[str] = []
    for sign, part in re.findall(r"([ .*·/]?)([^ .*·/]+)", text):
        factor = _factor(part)
        if factor is None:
            return ""
        name, power = factor[0], -factor[1] if sign == "/" else factor[1]
        (above if power > 0 else below).append(name if abs(power) == 1 else f"{name}^{abs(power)}")
    return "/".join(["*".join(name for name in above if name != "1") or "1", *below]) if above or below else ""


def _factor(text: str) -> tuple[str, int] | None:
    if text in WORDS:
        return WORDS[text], 1
    match = _FACTOR.fullmatch(text)
    return (match["name"], int(match["power"] or 1)) if match else None
