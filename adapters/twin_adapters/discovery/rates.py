"""How often values come and how much they scatter: what a first configuration begins with."""

from collections.abc import Sequence
from itertools import pairwise
from math import floor, log10, sqrt
from statistics import median

from twin_runtime.core import SECOND

_NICE = (1.0, 2.0, 5.0)
_FEWEST = 8
"""Values from which a scatter can be told."""


def nice(number: float) -> float:
    """The next smaller or equal of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(number))
    return float(f"{max(each * power for each in _NICE if each * power <= number * 1.0001):.0e}")


def interval(arrivals: Sequence[int]) -> float | None:
    """The median seconds between messages; None for fewer than three."""
    gaps = [(after - before) / SECOND for before, after in pairwise(arrivals) if after > before]
    return median(gaps) if len(gaps) > 1 else None


def scatter(values: Sequence[float]) -> float | None:
    """The standard deviation of noise on a slow signal, by the median of second differences; None if it cannot be told.

    Of values with independent noise of standard deviation s these have 6 s^2 (Gasser, Sroka and Jennen-Steinmetz
    1986, Biometrika 73:625-633, with equal weights); the median of a normal's absolute values is 0.6745 of its sd.
    """
    if len(values) < _FEWEST:
        return None
    second = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    found = median(second) / (0.6745 * sqrt(6))
    return found or None
