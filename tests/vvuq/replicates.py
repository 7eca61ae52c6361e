"""Twins whose forecasts are drawn, not calculated: their stated spread is wrong by a known amount."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.checks import CHECKS, Check
from twin_runtime.vvuq.evidence import EnsembleFigures, Patience
from twin_runtime.vvuq.innovation import Comparison, Gate, compare
from twin_runtime.vvuq.judging import Hysteresis, Rules, judge_by, thresholds
from twin_runtime.vvuq.memory import CheckMemory, Layout

FORECAST, NOISE = 1.0, 1.0
"""Variances of the forecast and of a reading, as the twins know them."""


def fading(degrees: float, readings: int) -> float:
    """What a tick must leave of the window, for so many effective degrees of freedom with so many readings a tick.

    Weights f^k make readings (1 + f) / (1 - f) of them.
    """
    ratio = degrees / readings
    return (ratio - 1.0) / (ratio + 1.0)


@dataclass
class Replicates:
    """Many twins of some sensors under the same conditions, each with its own random numbers.

    In every tick each sensor reads once: a forecast of ``members`` and a truth are drawn from the same normal
    distribution, and the reading is the truth with noise. ``stale`` and ``frozen`` are in ticks.
    """

    twins: int = 1
    sensors: int = 1
    members: int = 64
    fading: float = 0.99
    checks: tuple[Check, ...] = CHECKS
    hysteresis: tuple[int, int] = (1, 1)
    gate: float = 4.0
    reopen: int = 25
    stale: float = 5.0
    frozen: float = np.inf
    seed: int = 0
    number: int = 0
    memory: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.layout = Layout(self.sensors, 0)
        self.memory = self.layout.fresh(self.twins)

    @property
    def records(self) -> CheckMemory:
        return self.layout.records(self.memory)

    def innovations(self) -> FloatArray:
        """Readings of a perfect twin less the centre of its forecast, ``[twin, sensor]``."""
        shape = (self.twins, self.sensors)
        return self.rng.normal(0.0, FORECAST**0.5, shape) + self.rng.normal(0.0, NOISE**0.5, shape)

    def receive(self, observed: FloatArray, sensors: Iterable[int] | None = None) -> FloatArray:
        """Compare readings ``[twin, sensor]`` with forecasts centred on 0; what passed the gate, NaN elsewhere."""
        predicted = self.rng.normal(0.0, FORECAST**0.5, (self.twins, self.members, self.sensors))
        place = np.arange(self.sensors)
        speaking = place if sensors is None else np.array([s if s in set(sensors) else -1 for s in place], np.int64)
        sensor = np.broadcast_to(speaking, observed.shape).copy()
        variance = np.full(observed.shape, NOISE)
        gate = Gate(self.gate, self.reopen, np.full(self.sensors, self.frozen))
        return compare(Comparison(predicted, observed, variance, sensor), self.number, self.fading, gate, self.records)

    def judge(
        self, spread: float = 1.0, residual: float = 0.0, strayed: float = 0.0, input_age: float = 0.0
    ) -> tuple[IntArray, IntArray]:
        """Trust and reasons of every twin, and on to the next tick."""
        patience = Patience(np.full(self.sensors, self.stale), np.full(self.sensors, self.frozen))
        rules = Rules(thresholds(self.checks), Hysteresis(*self.hysteresis), patience)
        ensembles = EnsembleFigures(*(np.full(self.twins, figure) for figure in (spread, strayed, residual, input_age)))
        trust, reasons = judge_by(self.checks)(rules, self.records, self.number, ensembles)
        self.number += 1
        return trust, reasons

    def live(self, ticks: int, scale: float = 1.0, bias: float = 0.0) -> "Replicates":
        """Some ticks whose innovations are ``scale`` times too large, and off by ``bias`` standard deviations."""
        sd = np.sqrt(FORECAST + NOISE)
        for _ in range(ticks):
            self.receive(scale * self.innovations() + bias * sd)
            self.number += 1
        return self
