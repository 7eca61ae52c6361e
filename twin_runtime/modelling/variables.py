"""The table that describes a model: its variables with units and priors, its inputs and its outputs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from twin_runtime.errors import ModelError
from twin_runtime.modelling.spaces import TO_PHYSICAL, Space, to_log, to_logit


@dataclass(frozen=True, slots=True)
class Prior:
    """A normal distribution in the variable's space: ``centre`` and ``sd`` there, ``low`` and ``high`` its bounds."""

    space: Space
    centre: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that the transform of the variable's space asks for."""
        return (self.low, self.high) if self.space is Space.LOGIT else ()

    def physical(self, value: float) -> float:
        """A value of the variable's space in the variable's own unit."""
        return float(TO_PHYSICAL[self.space](value, math.exp, *self.bounds))


def Normal(mean: float, sd: float) -> Prior:
    """A quantity that may take any value."""
    return Prior(Space.IDENTITY, mean, _spread(sd))


def LogNormal(median: float, sd: float) -> Prior:
    """A positive quantity; ``sd`` is of its logarithm, so 0.3 is about 30 %."""
    if not median > 0.0:
        raise ModelError(f"a lognormal prior needs a positive median, got {median}", remedy="give a median above 0")
    return Prior(Space.LOG, to_log(median, math.log), _spread(sd), low=0.0)


def Bounded(low: float, high: float, median: float | None = None, sd: float = 1.0) -> Prior:
    """A quantity between two bounds, normal after the logit; its ``median`` is the middle unless given."""
    middle = 0.5 * (low + high) if median is None else median
    if not low < middle < high:
        raise ModelError(
            f"a bounded prior needs low < median < high, got {low}, {middle}, {high}", remedy="order the three numbers"
        )
    return Prior(Space.LOGIT, to_logit(middle, math.log, low, high), _spread(sd), low, high)


def Fixed(value: float) -> Prior:
    """A quantity that is known exactly."""
    return Prior(Space.IDENTITY, value, 0.0)


def _spread(sd: float) -> float:
    if not sd >= 0.0:
        raise ModelError(f"a prior needs a standard deviation of 0 or more, got {sd}", remedy="give sd >= 0")
    return sd


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of the ensemble array.

    ``walk`` is the standard deviation of its random walk per square root of a second, in the variable's space. A
    variable that is not ``corrected`` keeps its prior spread: a *considered* quantity (Schmidt 1966) that no sensor
    informs.
    """

    name: str
    unit: str
    prior: Prior
    walk: float = 0.0
    corrected: bool = True


class State(Variable):
    """A variable that the model advances."""


class Parameter(Variable):
    """A variable that the model leaves as it is; estimated by augmentation with a random walk."""


class Shape(IntEnum):
    """What an input is between its samples."""

    LINEAR = 0
    HOLD = 1
    EVENT = 2


@dataclass(frozen=True, slots=True)
class Input:
    """An exogenous signal that drives the model.

    ``LINEAR`` interpolates between samples no more than ``gap`` seconds apart and holds the last value across longer
    gaps; ``HOLD`` keeps the last value; an ``EVENT`` has no value, only times. ``default`` serves until the first
    sample has come.
    """

    name: str
    unit: str
    default: float = 0.0
    shape: Shape = Shape.HOLD
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """A quantity that can be compared with a sensor, or that nobody measures; ``function`` is a physics function."""

    name: str
    unit: str
    function: Callable[..., Any] | None = None
