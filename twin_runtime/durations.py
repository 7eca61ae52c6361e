"""Durations as people write them ("40 ms", "1.5 h") and as the runtime counts them: integer nanoseconds, exact."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
"""The units of a duration, shortest first."""

LONGEST = 2**63 - 1
_PATTERN = re.compile(r"\s*(\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})\s*([a-z]*)\s*", re.ASCII)


def parse_duration(value: object) -> int:
    """Nanoseconds of ``value``: a text such as "40 ms", "5 s", "2 min", "1.5 h"; zero needs no unit.

    Raises ``ValueError`` for anything else, for what is not a whole number of nanoseconds, and beyond 292 years.
    """
    match = _PATTERN.fullmatch(_text(value))
    if match and not match[2] and Fraction(match[1]):
        raise ValueError(f'expected a duration with its unit, such as "{match[1]} ms" or "{match[1]} s", got {value!r}')
    scale = NANOSECONDS.get(match[2] or "s") if match else None
    if match is None or scale is None:
        raise ValueError(f'expected a duration such as "40 ms", "5 s", "2 min" or "1.5 h", got {value!r}')
    exact = Fraction(match[1]) * scale
    if exact.denominator != 1 or exact > LONGEST:
        raise ValueError(f"expected a whole number of nanoseconds below 292 years, got {value!r}")
    return exact.numerator


def duration_text(nanoseconds: int) -> str:
    """The shortest text without a fraction: 40_000_000 is "40 ms", 90 s stay "90 s"."""
    unit = next((u for u, scale in reversed(NANOSECONDS.items()) if nanoseconds % scale == 0), "ns")
    return f"{nanoseconds // NANOSECONDS[unit]} {unit}" if nanoseconds else "0 s"


def rough_duration(nanoseconds: float) -> str:
    """To three digits, in the largest unit of which it is at least one: "1.5 s", "21.3 d"."""
    unit = next((u for u, scale in reversed(NANOSECONDS.items()) if nanoseconds >= scale), "ns")
    count = nanoseconds / NANOSECONDS[unit]
    return f"{count:.3g} {unit}" if count < 999.5 else f"{count:,.0f} {unit}"


def _text(value: object) -> str:
    """A text as it is, a number as its shortest decimal (0.1 is one tenth here), nothing for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{Decimal(str(value)):f}"
    return value.replace("µs", "us").replace("μs", "us") if isinstance(value, str) else ""


def _positive(value: object) -> int:
    nanoseconds = parse_duration(value)
    if nanoseconds == 0:
        raise ValueError(f'expected a duration above zero such as "40 ms", got {value!r}')
    return nanoseconds


Duration = Annotated[int, BeforeValidator(parse_duration), PlainSerializer(duration_text, when_used="json")]
"""A pydantic field of nanoseconds, read from a duration as people write it."""

PositiveDuration = Annotated[int, BeforeValidator(_positive), PlainSerializer(duration_text, when_used="json")]
"""The same, above zero."""
