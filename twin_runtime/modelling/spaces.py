"""The spaces in which variables are kept and corrected, and the transforms between them and the variables' own units.

A transform is one formula for scalars and for arrays: it is given the exponential or the logarithm that it needs, that
of ``math`` or that of NumPy, and the bounds of a space that has some.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from twin_runtime.core import FloatArray

N = TypeVar("N", float, FloatArray)
Transform = Callable[..., Any]


class Space(IntEnum):
    """The space in which a variable is kept in the ensemble array and corrected."""

    IDENTITY = 0
    LOG = 1
    LOGIT = 2


def unchanged(value: N, function: Callable[[N], N]) -> N:
    """A quantity that is kept in its own unit."""
    return value


def from_log(value: N, exp: Callable[[N], N]) -> N:
    """A positive quantity, from its logarithm."""
    return exp(value)


def to_log(value: N, log: Callable[[N], N]) -> N:
    """The logarithm of a positive quantity."""
    return log(value)


def from_logit(value: N, exp: Callable[[N], N], low: float, high: float) -> N:
    """A quantity between two bounds, from its logit."""
    return low + (high - low) / (1.0 + exp(-value))


def to_logit(value: N, log: Callable[[N], N], low: float, high: float) -> N:
    """The logit of a quantity between two bounds."""
    return log((value - low) / (high - value))


TO_PHYSICAL: Mapping[Space, Transform] = {Space.IDENTITY: unchanged, Space.LOG: from_log, Space.LOGIT: from_logit}
"""From a space to the variable's own unit."""
TO_SPACE: Mapping[Space, Transform] = {Space.IDENTITY: unchanged, Space.LOG: to_log, Space.LOGIT: to_logit}
"""From the variable's own unit to its space."""
