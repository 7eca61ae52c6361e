"""Pipes of a single member, run under given inputs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from twin_models.pipe import Pipe
from twin_runtime.core import FloatArray
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.modelling.variables import Fixed, Prior

NOMINAL: Mapping[str, Prior] = MappingProxyType(
    {name: Fixed(1.0) for name in ("film_factor", "loss_factor", "flow_factor")}
    | {name: Fixed(0.0) for name in ("initial_rise", "inlet_error")}
)
"""What is uncertain about a pipe, at its nominal value."""


class Signal(NamedTuple):
    """Samples of an input, linear in between."""

    seconds: FloatArray
    values: FloatArray


class Ran(NamedTuple):
    """A run: ``seconds`` at the end of each tick, all quantities there by name, and the largest residual of a tick."""

    seconds: FloatArray
    quantities: Mapping[str, FloatArray]
    residual: float

    def crossing(self, level: float) -> float:
        """When the outlet first comes past a temperature, in seconds."""
        return crossing(self.seconds, self.quantities["outlet_temperature"], level)


def nominal(wall: bool = True, cells: int = 60, **factors: float) -> Pipe:
    """A pipe that is known exactly, with some factors of its own."""
    return Pipe(wall, cells, priors={**NOMINAL, **{name: Fixed(value) for name, value in factors.items()}})


def constant(value: float) -> Signal:
    """A signal that does not change."""
    return Signal(np.array([0.0]), np.array([value]))


def step(before: float, after: float, moment: float = 10.0) -> Signal:
    """A signal that jumps."""
    return Signal(np.array([0.0, moment, moment]), np.array([before, before, after]))


def run(pipe: Pipe, inlet: Signal, flow: Signal, duration: float, tick: float = 1.0) -> Ran:
    """Run a pipe of one member, from its prior, under an inlet's temperature (degC) and a mass flow (kg/s)."""
    x = np.array([[[variable.prior.centre for variable in pipe.variables]]])
    size = max(inlet.seconds.size, flow.seconds.size)
    times, values = np.full((2, 1, 2, size), np.inf)
    for place, signal in enumerate((inlet, flow)):
        times[0, place, : signal.seconds.size], values[0, place, : signal.seconds.size] = signal
    starts = np.arange(round(duration / tick), dtype=np.float64) * tick
    rows, residual, largest = [], np.zeros(1), 0.0
    for start in starts:
        signals = InputSignals(times - start, values, np.ones(1))
        pipe.advance(x, tick, signals, no_points(1), np.empty((1, 1, 0)), residual)
        rows.append(pipe.observe(x, tick, signals)[0, 0])
        largest = max(largest, residual[0])
    columns = np.array(rows).T
    return Ran(starts + tick, {q.name: column for q, column in zip(pipe.quantities, columns, strict=True)}, largest)


def crossing(seconds: FloatArray, values: FloatArray, level: float) -> float:
    """When a signal first comes past a level, in seconds."""
    past = (values > level) != (values[0] > level)
    if not past.any():
        raise ValueError(f"it never comes past {level}: from {values.min()} to {values.max()}")
    j = int(np.argmax(past))
    share = (level - values[j - 1]) / (values[j] - values[j - 1])
    return float(seconds[j - 1] + share * (seconds[j] - seconds[j - 1]))
