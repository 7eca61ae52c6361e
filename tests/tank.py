"""A tank with a leak: it can be calculated by hand, has an input of every shape and a variable that nobody measures."""

import math
from types import MappingProxyType

import numpy as np

from twin_runtime.assimilation import Etkf, Inflation
from twin_runtime.core import Reading
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Input, LogNormal, Normal, Output, Parameter, Shape, State
from twin_runtime.vvuq.checks import CHECKS
from twin_runtime.vvuq.judging import Hysteresis

TICK = 40_000_000
"""40 ms."""
START = 1_700_000_000_000_000_000 // TICK
"""The tick with which stories begin."""
GAUGE, DIPSTICK, PUMP, RAIN, BUCKET, STEAM = range(6)
"""The channels: two sensors, then the inputs (linear, held, events, and linear across shorter gaps)."""


@physics
def rate(level: float, leak: float, pump: float, rain: float, steam: float) -> float:
    """Rate of change of the level."""
    return pump + rain - steam - leak * level


@physics
def poured(level: float) -> float:
    """A bucket of water more."""
    return level + 0.1


@physics
def depth(level: float, sill: float) -> float:
    """What a gauge on the sill reads."""
    return level + sill


class Tank(OdeModel):
    """The level in a tank, its leak, and the height of the sill on which the gauge stands."""

    name = "tank"
    table = (
        State("level", "m", Normal(1.0, 0.3), walk=0.05),
        Parameter("leak", "1/s", LogNormal(0.2, 0.3), walk=0.02),
        Parameter("sill", "m", Normal(0.0, 0.05), corrected=False),
    )
    inputs = (
        Input("pump", "m/s", shape=Shape.LINEAR, gap=0.3),
        Input("rain", "m/s", shape=Shape.HOLD),
        Input("bucket", "1", shape=Shape.EVENT),
        Input("steam", "m/s", shape=Shape.LINEAR, gap=0.1),
    )
    outputs = (Output("depth", "m", depth),)
    rate = rate
    events = MappingProxyType({"bucket": poured})
    step = 0.02


def tanks(count: int = 1, members: int = 12, reopen: int = 25, hysteresis: tuple[int, int] = (1, 1)) -> Fleet:
    """A fleet of tanks; both sensors observe the depth."""
    return Fleet(
        model=Tank(),
        twins=tuple(f"tank-{row}" for row in range(count)),
        sensors=(Sensor("gauge", 0, 0.4), Sensor("dipstick", 0, 2.0)),
        driven=(0, 1, 2, 3),
        tick=TICK,
        seed=7,
        members=members,
        method=Etkf(),
        inflation=Inflation(1.0, 0.3),
        checks=CHECKS,
        hysteresis=Hysteresis(*hysteresis),
        reopen=reopen,
        window=1.0,
    )


def gauge(number: int, value: float, twin: int = 0, offset: int = 0) -> Reading:
    """A reading of the gauge in tick ``number`` after the start."""
    return Reading(twin, GAUGE, (START + number) * TICK + offset, value, 0.1)


def busy_tick(number: int, count: int, seed: int = 0) -> list[Reading]:
    """Readings of all channels of every tank in one tick."""
    rng = np.random.default_rng([seed, number])
    start = (START + number) * TICK
    return [
        Reading(twin, channel, start + int(rng.integers(TICK)), *_measured(channel, number, rng))
        for twin in range(count)
        for channel in range(6)
    ]


def _measured(channel: int, number: int, rng: np.random.Generator) -> tuple[float, float]:
    if channel in (GAUGE, DIPSTICK):
        return 1.0 + 0.2 * math.sin(number / 10) + 0.1 * float(rng.normal()), 0.1
    return 0.2 + 0.1 * float(rng.normal()), 0.0
