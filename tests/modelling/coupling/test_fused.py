"""Coupled models against closed forms, against the same equations written by hand, and as models like any other."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.modelling.coupling.parts import Circuit, Drained, TwoVessels, Ward, filling, pulse
from twin_runtime.core import FloatArray
from twin_runtime.modelling.conformance import ModelTests, advanced
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Fixed, Input, LogNormal, Normal, Output, Parameter, Prior, Shape, State

NO_INPUTS = InputSignals(np.empty((1, 0, 0)), np.empty((1, 0, 0)), np.ones(1))


class TestTwoVessels(ModelTests):
    scale_free = ("left.pressure", "right.pressure", "left.compliance", "right.compliance", "tube.resistance")

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return TwoVessels(priors)


class TestDrained(ModelTests):
    scale_free = ("vessel.pressure", "vessel.compliance", "drain.resistance")

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Drained(priors)


class TestCircuit(ModelTests):
    inputs = {"pump.drive": (0.5, 2.0), "pump.push": (0.3, 0.5)}

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Circuit(priors)


class TestWard(ModelTests):
    inputs = {"drive": (0.5, 2.0), "push": (0.3, 0.5), "one.pump.push": (0.4, 0.5)}

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Ward(priors)


def test_everything_of_a_part_bears_its_name() -> None:
    model = Ward()
    assert [given.name for given in model.inputs] == ["drive", "push", "one.pump.push"]
    assert [v.name for v in model.variables][:3] == ["one.pump.force", "one.pump.time_constant", "one.pump.gain"]
    assert [output.name for output in model.outputs][:2] == ["one.pump.flow", "one.chamber.pressure"]


def vessels(left: float, right: float, compliances: tuple[float, float], resistance: float) -> TwoVessels:
    return TwoVessels(
        {
            "left.pressure": Fixed(left),
            "right.pressure": Fixed(right),
            "left.compliance": Fixed(compliances[0]),
            "right.compliance": Fixed(compliances[1]),
            "tube.resistance": Fixed(resistance),
        }
    )


def started(model: OdeModel) -> FloatArray:
    return np.array([[[variable.prior.centre for variable in model.variables]]])


def test_two_vessels_are_their_eigenvalue_solution() -> None:
    """d(p1 - p2)/dt = -(1/C1 + 1/C2)(p1 - p2)/R, and C1 p1 + C2 p2 stays; Runge-Kutta 4 with 0.01 s: below 1e-9."""
    model = vessels(20.0, 5.0, (1.5, 0.5), 2.0)
    x, elapsed = started(model), 3.0
    x, _, _ = advanced(model, x, elapsed, NO_INPUTS)
    difference = 15.0 * np.exp(-(1 / 1.5 + 1 / 0.5) / 2.0 * elapsed)
    total = 1.5 * 20.0 + 0.5 * 5.0
    right = (total - 1.5 * difference) / 2.0
    found = model.observe(x, 0.0, NO_INPUTS)[0, 0]
    names = [quantity.name for quantity in model.quantities]
    assert found[names.index("right.pressure")] == pytest.approx(right, rel=1e-9)
    assert found[names.index("left.pressure")] == pytest.approx(right + difference, rel=1e-9)
    assert found[names.index("tube.flux")] == pytest.approx(difference / 2.0, rel=1e-8)


def test_what_leaves_one_vessel_enters_the_other() -> None:
    """Over 10 000 ticks the total drifts by less than 1e-12 of the 5.6 mL that have passed."""
    model = vessels(20.0, 5.0, (1.5, 0.5), 2.0)
    x = started(model)
    for _ in range(10_000):
        x, _, _ = advanced(model, x, 0.01, NO_INPUTS)
    observed = dict(zip([q.name for q in model.quantities], model.observe(x, 0.0, NO_INPUTS)[0, 0], strict=True))
    total = observed["left.volume"] + observed["right.volume"]
    assert abs(total - 32.5) < 1e-12 * 5.6


@physics
def by_hand(
    force: float, pressure: float, time_constant: float, gain: float, resistance: float, compliance: float, drive: float
) -> tuple[float, float]:
    """The equations of the circuit as one would write them; L/min to mL/s is 50/3."""
    inflow = 16.666666666666668 * (gain * force)
    return (drive - force) / time_constant, (inflow - pressure / resistance) / compliance


@physics
def pushed(force: float, pressure: float) -> tuple[float, float]:
    """A push."""
    return force + 1.0 + 0.0 * force, pressure


class Whole(OdeModel):
    """The circuit in one piece."""

    name = "whole"
    table = (
        State("force", "1", Normal(1.0, 0.1)),
        Parameter("time_constant", "s", LogNormal(0.5, 0.1)),
        Parameter("gain", "L/min", LogNormal(0.3, 0.1)),
        State("pressure", "mmHg", Normal(10.0, 2.0)),
        Parameter("resistance", "mmHg*s/mL", LogNormal(2.0, 0.2)),
        Parameter("compliance", "mL/mmHg", LogNormal(1.0, 0.2)),
    )
    inputs = (Input("drive", "1", default=1.0, shape=Shape.LINEAR, gap=10.0), Input("push", "1", shape=Shape.EVENT))
    outputs = (Output("pressure", "mmHg"),)
    rate = by_hand
    events = {"push": pushed}
    step = 0.01


def test_a_fused_model_has_the_bits_of_the_same_equations_by_hand() -> None:
    story = TestCircuit()
    fused, whole = Circuit(), Whole()
    x = story.prior(fused)
    ours, theirs = x, x
    for number in range(20):
        signals = story.signals(fused, number * story.tick)
        ours, _, _ = advanced(fused, ours, story.tick, signals)
        theirs, _, _ = advanced(whole, theirs, story.tick, signals)
    assert ours.tobytes() == theirs.tobytes()


def test_parts_are_left_as_they_are() -> None:
    assert Circuit.parts["pump"].rate is filling
    assert Circuit.parts["pump"].events == {"push": pulse}
