"""A tank that is filled and leaks, with one gauge or two: the asset with its truth, and the model of its twin."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from sys import path as module_path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from tests.packages import install
from twin_runtime.config import Config, TwinType
from twin_runtime.core import SECOND
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Input, LogNormal, Normal, Output, Parameter, Shape, State
from twin_simulators.asset import Asset, Signal, Simulation, Truth, sample_times

NOTHING: Mapping[str, Any] = MappingProxyType({})
NOISE = 0.02
"""Standard deviation of a gauge, m."""


@physics
def rate(level: float, leak: float, inflow: float) -> float:
    """Rate of change of the level."""
    return inflow - leak * level


@physics
def depth(level: float) -> float:
    """What a gauge reads."""
    return level


class LeakingTank(OdeModel):
    """The level in a tank that leaks; the leak is hidden."""

    name = "leaking-tank"
    table = (
        State("level", "m", Normal(1.0, 0.3), walk=0.005),
        Parameter("leak", "1/s", LogNormal(0.02, 0.3), walk=0.002),
    )
    inputs = (Input("inflow", "m/s", shape=Shape.HOLD),)
    outputs = (Output("depth", "m", depth),)
    rate = rate
    step = 0.1


@physics
def draining(level: float, leak: float, inflow: float) -> float:
    """By Torricelli's law, which has no value for a level below the hole."""
    return inflow - leak * math.sqrt(level)


class DrainingTank(LeakingTank):
    """A prior that reaches below the hole: some members are lost at once."""

    name = "draining-tank"
    table = (State("level", "m", Normal(0.6, 0.4), walk=0.005), LeakingTank.table[1])
    rate = draining


class Tank(Asset):
    """A tank whose inflow swings."""

    leak: float = 0.025
    period: float = 120.0

    def simulate(self, duration: float, seed: int) -> Simulation:
        """Run for ``duration`` seconds: the inflow changes once a second, and is held."""
        del seed
        times = sample_times(duration, SECOND)
        seconds = times / SECOND
        inflow = 0.025 * (1.0 + 0.5 * np.sin(2.0 * np.pi * seconds / self.period))

        def change(t: float, level: float) -> float:
            return float(inflow[min(int(t), len(inflow) - 1)]) - self.leak * level

        level = solve_ivp(change, (0.0, duration), [1.0], t_eval=seconds, max_step=0.5).y[0]
        signals = (
            Signal("gauge", "m", times, level),
            Signal("second", "m", times, level),
            Signal("inflow", "m/s", times, inflow),
        )
        truth = {"level": level, "leak": np.full(len(times), self.leak)}
        return Simulation(signals, Truth(seconds, truth, {"level": "m", "leak": "1/s"}))


def tank_config(
    gauges: int, model: str = "leaking-tank", settings: Mapping[str, Any] = NOTHING, rtps: float = 0.3
) -> Config:
    """A twin of the tank with so many gauges."""
    gauge = {"observes": "depth", "unit": "m", "noise": NOISE, "stale": "5 s", "frozen": "10 s"}
    return Config.of(
        TwinType.model_validate(
            {
                "twin": {"name": "tank", "model": model, "twins": ["tank-1"], "tick": "1 s", "seed": 1},
                "model": dict(settings),
                "sensors": dict.fromkeys(("gauge", "second")[:gauges], gauge),
                "inputs": {"inflow": {"unit": "m/s"}},
                "ensemble": {"members": 64},
                "assimilation": {"method": "etkf", "rtps": rtps, "gate": 4.0, "reopen": 25},
                "trust": {"window": "60 s", "degraded_after": "3 s", "recovered_after": "10 s"},
            }
        )
    )


@contextmanager
def installed() -> Iterator[None]:
    """The models are found by their names."""
    with TemporaryDirectory() as folder:
        models = "".join(f"{model.name} = {__name__}:{model.__name__}\n" for model in (LeakingTank, DrainingTank))
        entry = f"[twin_runtime.models]\n{models}"
        module_path.insert(0, str(install(Path(folder), entry, {})))
        try:
            yield
        finally:
            module_path.pop(0)
