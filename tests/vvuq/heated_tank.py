"""A heated tank whose twin is wrong of its bottom, as a plant engineer would have it: one thermometer, or two."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.packages import install
from twin_runtime.config import Config, TwinType
from twin_runtime.core import SECOND, FloatArray, RawReading
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Fixed, Input, LogNormal, Normal, Output, Parameter, Shape, State
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.testing import MemoryRecording

EPOCH, MINUTE = 1_600_000_020 * SECOND, 60 * SECOND
"""The moment with which the day begins, and the length of a tick."""
NOISE = 0.1
"""Standard deviation of a thermometer, in degC."""
AMBIENT = 20.0


@physics
def rate(top: float, bottom: float, mixing: float, loss: float, ambient: float, heat: float) -> tuple[float, float]:
    """Rates of change: the heater is at the top, the two halves exchange water, both lose heat to the room."""
    exchange = mixing * (top - bottom)
    return heat - exchange - loss * (top - ambient), exchange - loss * (bottom - ambient)


@physics
def of_top(top: float) -> float:
    """Temperature of the upper half."""
    return top


@physics
def of_bottom(bottom: float) -> float:
    """Temperature of the lower half."""
    return bottom


@physics
def stored(top: float, bottom: float, ambient: float) -> float:
    """Mean temperature above that of the room: what the tank has stored."""
    return ((top - ambient) + (bottom - ambient)) / 2.0


class HeatedTank(OdeModel):
    """Two halves of a tank, after somebody who does not know of its cold floor."""

    name = "heated_tank"
    table = (
        State("top", "degC", Normal(50.0, 10.0), walk=1e-3),
        State("bottom", "degC", Normal(45.0, 10.0), walk=1e-3),
        Parameter("mixing", "1/s", LogNormal(3e-4, 0.3), walk=1e-4),
        Parameter("loss", "1/s", LogNormal(2e-5, 0.3), walk=1e-4),
        Parameter("paint", "1", Normal(1.0, 0.2)),
        Parameter("ambient", "degC", Fixed(AMBIENT)),
    )
    inputs = (Input("heat", "delta_degC/s", shape=Shape.HOLD),)
    outputs = (
        Output("top_temperature", "degC", of_top),
        Output("bottom_temperature", "degC", of_bottom),
        Output("stored_temperature", "delta_degC", stored),
    )
    rate = rate
    step = 10.0


def heating(minute: int) -> float:
    """The heater: on for three hours in six."""
    return 4e-3 if minute % 360 < 180 else 5e-4


def true_day(minutes: int, floor: float) -> tuple[FloatArray, FloatArray]:
    """Temperatures of both halves at the ends of minutes; ``floor`` is the loss to the ground, which is at 8 degC."""
    top, bottom, both = 50.0, 42.0, np.empty((2, minutes))
    for minute in range(minutes):
        for _ in range(60):
            exchange = 2.5e-4 * (top - bottom)
            warming = heating(minute) - exchange - 2e-5 * (top - AMBIENT)
            bottom += exchange - 2e-5 * (bottom - AMBIENT) - floor * (bottom - 8.0)
            top += warming
        both[:, minute] = top, bottom
    return both[0], both[1]


def recorded(minutes: int, floor: float, sensors: tuple[str, ...] = ("top",)) -> MemoryRecording:
    """What thermometers of the tank read, once a minute."""
    rng, truth = np.random.default_rng(8), dict(zip(("top", "bottom"), true_day(minutes, floor), strict=True))
    noise = {name: NOISE * rng.normal(size=minutes) for name in truth}
    readings = [RawReading("tank", "heat", EPOCH + k * MINUTE, heating(k)) for k in range(minutes)]
    readings += [
        RawReading("tank", name, EPOCH + (k + 1) * MINUTE - 1, float(truth[name][k] + noise[name][k]))
        for name in sensors
        for k in range(minutes)
    ]
    return MemoryRecording(sorted(readings, key=lambda reading: reading.time))


def tank_twin(sensors: tuple[str, ...] = ("top",), noise: float = NOISE, **trust: Any) -> Assembly:  # noqa: ANN401
    """The twin of a tank with these thermometers; ``trust`` are settings of that table."""
    settings: Mapping[str, Any] = {
        "twin": {"name": "tank", "model": "heated_tank", "twins": ["tank"], "tick": "1 min", "clock": "stream"},
        "sensors": {
            name: {"observes": f"{name}_temperature", "unit": "degC", "noise": noise, "stale": "5 min"}
            for name in sensors
        },
        "inputs": {"heat": {"unit": "delta_degC/s"}},
        "ensemble": {"members": 64},
        "trust": {"window": "1 h", "degraded_after": "5 min", "recovered_after": "20 min", **trust},
    }
    return assemble(Config.of(TwinType.model_validate(settings)))


def provide(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the model."""
    points = f"[twin_runtime.models]\nheated_tank = {__name__}:HeatedTank\n"
    monkeypatch.syspath_prepend(str(install(folder / "site", points, {})))
