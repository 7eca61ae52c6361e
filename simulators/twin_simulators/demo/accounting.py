"""What became of every reading, as an equation with its numbers."""

from collections.abc import Mapping
from typing import Any


def terms(readings: Mapping[str, Any]) -> dict[str, int]:
    """The left side and the terms of the right side by name; ``readings`` as a summary gives them."""
    return {
        "came in": readings["accepted"],
        "assimilated": readings["assimilated"],
        "rejected": sum(readings["rejected"].values()),
        "duplicate": readings["duplicate"],
        "too late": readings["late"],
        "pending": readings["pending"],
    }


def equation(readings: Mapping[str, Any]) -> str:
    """All terms in one line."""
    left, *right = (f"{count} {name}" for name, count in terms(readings).items())
    return f"{left} = {' + '.join(right)}"


def unaccounted(readings: Mapping[str, Any]) -> int:
    """By how much the left side is larger than the right: 0, unless something is wrong with the runtime."""
    left, *right = terms(readings).values()
    return left - sum(right)
