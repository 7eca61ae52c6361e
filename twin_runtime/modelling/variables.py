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


WIDEST = 5.0
"""The largest standard deviation of a logarithm or a logit: nine tenths lie within a factor of ten million."""


def Normal(mean: float, sd: float) -> Prior:
    """A quantity that may take any value."""
    return Prior(Space.IDENTITY, _finite("mean", mean), _spread(sd, f"Fixed({mean:g})"))


def LogNormal(median: float, sd: float) -> Prior:
    """A positive quantity; ``sd`` is of its logarithm, so 0.3 is about 30 %."""
    if not median > 0.0:
        raise ModelError(f"a lognormal prior needs a positive median, got {median}", remedy="give a median above 0")
    _finite("median", median)
    if sd > WIDEST:
        remedy = f"for {sd:g} of {median:g} in its own unit, write LogNormal({median:g}, {math.log1p(sd / median):.2g})"
        raise ModelError(_too_wide("lognormal", "logarithm", sd), remedy=remedy)
    return Prior(Space.LOG, to_log(median, math.log), _spread(sd, f"Fixed({median:g})"), low=0.0)


def Bounded(low: float, high: float, median: float | None = None, sd: float = 1.0) -> Prior:
    """A quantity between two bounds, normal after the logit; its ``median`` is the middle unless given."""
    middle = 0.5 * (low + high) if median is None else median
    if not (low < middle < high and high - low < math.inf):
        raise ModelError(
            f"a bounded prior needs low < median < high, got {low}, {middle}, {high}", remedy="order the three numbers"
        )
    if sd > WIDEST:
        raise ModelError(_too_wide("bounded", "logit", sd), remedy="1 fills the range, 0.3 is narrow")
    return Prior(Space.LOGIT, to_logit(middle, math.log, low, high), _spread(sd, f"Fixed({middle:g})"), low, high)


def Fixed(value: float) -> Prior:
    """A quantity that is known exactly."""
    return Prior(Space.IDENTITY, _finite("value", value), 0.0)


def _spread(sd: float, certain: str) -> float:
    if not 0.0 < sd < math.inf:
        what = f"a prior needs a standard deviation above 0, got {sd}"
        raise ModelError(what, remedy=f"give sd > 0, or {certain} for what is known exactly")
    return sd


def _finite(what: str, value: float) -> float:
    if not math.isfinite(value):
        raise ModelError(f"a prior needs a {what} that is a number, got {value}", remedy="give a finite number")
    return value


def _too_wide(kind: str, space: str, sd: float) -> str:
    return f"the sd of a {kind} prior is that of its {space}, and {sd:g} is wider than {WIDEST:g}"


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


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a unit that formulas ask for by name, like a variable; it stands in the kernel, not in the array.

    A number that stands in a formula itself has no unit. A formula needs temperatures above absolute zero where it
    multiplies them: ``temperature - absolute_zero`` with ``Constant("absolute_zero", "degC", -273.15)``.
    """

    name: str
    unit: str
    value: float


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
    gaps; ``HOLD`` keeps the last value; an ``EVENT`` acts at its times. In the unit "1" it has no value; in another it
    has one, such as a dose, for which the function of the event asks by its name. ``default`` serves until the first
    sample has come.
    """

    name: str
    unit: str
    default: float = 0.0
    shape: Shape = Shape.HOLD
    gap: float = 0.0

    @property
    def has_value(self) -> bool:
        """Whether it says more than when something happened."""
        return self.shape is not Shape.EVENT or self.unit != "1"


@dataclass(frozen=True, slots=True)
class Output:
    """A quantity that can be compared with a sensor, or that nobody measures; ``function`` is a physics function."""

    name: str
    unit: str
    function: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Conserved:
    """A quantity that a model neither makes nor loses, such as mass or energy.

    ``stored`` and ``inflow`` are physics functions: how much of it there is, and how much crosses the boundary in a
    second, outward negative. What a tick changes otherwise is the residual that the check ``conservation`` judges; what
    events and jumps change is not counted.
    """

    name: str
    unit: str
    stored: Callable[..., Any]
    inflow: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Port:
    """Where something may enter or leave a model.

    A flux in ``unit`` changes ``state`` by flux / ``capacity`` a second.
    ``capacity`` names a variable, a constant or an output, empty for one. ``shows`` are the outputs and variables of
    which a link may make the flux.
    """

    name: str
    state: str
    unit: str
    shows: tuple[str, ...] = ()
    capacity: str = ""
