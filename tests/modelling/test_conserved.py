"""What a model declares to be conserved is balanced over every tick: stored, and what crosses the boundary."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.tank import START as FIRST
from tests.tank import TICK, tanks
from twin_models.windkessel import Windkessel
from twin_runtime.core import Reading
from twin_runtime.engine.fleet import Sensor
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.balance import imbalance
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.dimensions import declared_units, unit_faults
from twin_runtime.modelling.evaluation import prior_samples
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.trial import tried
from twin_runtime.modelling.variables import (
    Conserved,
    Constant,
    Fixed,
    Input,
    LogNormal,
    Normal,
    Output,
    Parameter,
    Prior,
    Shape,
    State,
)
from twin_runtime.testing import ModelTests
from twin_runtime.vvuq.checks import CHECKS, complaining


@physics
def rate(upper: float, lower: float, pipe: float, outlet: float, leak: float, pump: float) -> tuple[float, float]:
    """Water runs from the upper basin into the lower one; ``leak`` is a loss that nobody has accounted for."""
    return pump - pipe * upper, pipe * upper - outlet * lower - leak


@physics
def bucket(upper: float, lower: float, poured: float) -> tuple[float, float]:
    """A bucket of water more."""
    return upper + poured, lower


@physics
def volume(upper: float, lower: float, area: float) -> float:
    """Water in both basins."""
    return area * (upper + lower)


@physics
def inflow(lower: float, outlet: float, pump: float, area: float) -> float:
    """Water that comes in, less what goes out."""
    return area * (pump - outlet * lower)


class Basins(OdeModel):
    """Two basins, one above the other."""

    name = "basins"
    table = (
        State("upper", "m", Normal(1.0, 0.1)),
        State("lower", "m", LogNormal(1.0, 0.1)),
        Parameter("pipe", "1/s", LogNormal(0.1, 0.2)),
        Parameter("outlet", "1/s", LogNormal(0.1, 0.2)),
        Parameter("leak", "m/s", Fixed(0.0)),
        Constant("area", "m^2", 2.0),
        Constant("poured", "m", 0.5),
    )
    inputs = (Input("pump", "m/s"), Input("bucket", "1", shape=Shape.EVENT))
    outputs = (Output("upper", "m"),)
    rate = rate
    events = MappingProxyType({"bucket": bucket})
    conserved = (Conserved("volume", "m^3", volume, inflow),)
    step = 0.1


class TestBasins(ModelTests):
    inputs = MappingProxyType({"pump": (0.0, 0.3), "bucket": (0.7, 1.9)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Basins(priors)


def residual(model: Model, *events: float) -> float:
    """The largest imbalance of a second, with buckets at these times."""
    times = np.array([[[-np.inf, np.inf], [*events, *[np.inf] * (2 - len(events))]]])
    x = np.array([[[1.0, 0.0, np.log(0.1), np.log(0.1), model.variables[4].prior.centre]]])
    signals = InputSignals(times, np.array([[[0.2, 0.2], [1.0, 1.0]]]), np.ones(1))
    return float(advanced(model, x, 1.0, signals)[2][0])


def test_what_flows_and_what_is_stored_agree_to_rounding_and_a_bucket_is_no_leak() -> None:
    assert Basins().conserves == "volume"
    assert residual(Basins()) < 1e-12
    assert residual(Basins(), 0.33, 0.71) < 1e-12


def test_what_is_not_accounted_for_is_a_share_of_what_flows() -> None:
    leaking = Basins({"leak": Fixed(0.05)})
    # On 2 m2, 0.2 m/s come in and 0.095 go out: 0.21 m3 of which 0.1 are lost, beside a thousandth of 4 m3.
    assert residual(leaking) == pytest.approx(0.1 / (0.21 + 0.11 + 0.004), rel=0.05)
    (fault,) = tried(leaking, 1.0, {}).faults
    assert "volume is not conserved: a tick of 1 s leaves" in str(fault)
    assert "compare the rates with what flows in, term by term" in str(fault)


def test_a_standing_store_counts_for_a_thousandth() -> None:
    assert imbalance(1000.0, 1000.0, 0.0, 0.0) == 0.0
    assert imbalance(0.0, 0.0, 0.0, 0.0) == 0.0
    assert imbalance(1000.0, 1000.0 - 1e-6, 0.0, 0.0) == pytest.approx(1e-6, rel=1e-5)
    assert imbalance(1000.0, 990.0, -10.0, 0.0) == 0.0


def test_a_model_that_declares_nothing_has_no_figure() -> None:
    class Undeclared(Basins):
        conserved = ()  # type: ignore[assignment]

    model = Undeclared()
    assert model.conserves == ""
    assert np.isnan(residual(model))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (Conserved("volume", "kg", volume, inflow), "stored volume is in m^3, expected kg"),
        (Conserved("volume", "m^3", volume, volume), "inflow volume is in m^3, expected m^3/s"),
    ],
)
def test_its_units_are_checked(changed: Conserved, expected: str) -> None:
    model = type("Basins", (Basins,), {"conserved": (changed,)})()
    told = "\n".join(map(str, unit_faults(model, declared_units(model), prior_samples(model, 3, {}))))
    assert expected in told


def test_a_lost_member_does_not_hide_the_others() -> None:
    x = np.array([[[1.0, 0.0, np.log(0.1), np.log(0.1), 0.05], [np.nan, 0.0, 0.0, 0.0, 0.0]]])
    nothing: Any = np.full((1, 2, 1), -np.inf)
    nothing[0, 1] = np.inf
    signals = InputSignals(nothing, np.zeros((1, 2, 1)), np.ones(1))
    assert advanced(Basins(), x, 1.0, signals)[2][0] > 0.1


def test_the_windkessel_conserves_volume() -> None:
    assert Windkessel().conserves == "volume"


@pytest.mark.parametrize(("leak", "complains"), [(0.0, False), (0.05, True)])
def test_the_check_conservation_complains_of_a_leak(leak: float, complains: bool) -> None:
    model = Basins({"leak": Fixed(leak)})
    fleet = replace(tanks(), model=model, sensors=(Sensor("upper", 0, 5.0),), driven=(0, 1))
    reading = Reading(0, 0, FIRST * TICK, 1.0, 0.1)
    _, record = tick(fleet, fleet.start(), FIRST, [reading], np.arange(1))
    assert bool(complaining(CHECKS, record.reasons, "conservation")[0]) is complains
