"""Events that carry values: a dose adds what it says, at its own time, whatever the ticks are."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from twin_runtime.core import FloatArray
from twin_runtime.modelling.conformance import ModelTests, advanced
from twin_runtime.modelling.coupling import Coupled, Signal
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Fixed, Input, LogNormal, Normal, Output, Parameter, Prior, Shape, State


@physics
def elimination(amount: float, clearance: float, volume: float) -> float:
    """First-order elimination from one compartment."""
    return -clearance / volume * amount


@physics
def given(amount: float, dose: float) -> float:
    """A dose into the blood."""
    return amount + dose


@physics
def concentration(amount: float, volume: float) -> float:
    """Of the drug in the blood."""
    return amount / volume


class Compartment(OdeModel):
    """One compartment with bolus doses."""

    name = "compartment"
    table = (
        State("amount", "mg", Normal(10.0, 2.0)),
        Parameter("clearance", "L/s", LogNormal(0.1, 0.2)),
        Parameter("volume", "L", LogNormal(5.0, 0.2)),
    )
    inputs = (Input("dose", "mg", shape=Shape.EVENT),)
    outputs = (Output("concentration", "mg/L", concentration),)
    rate = elimination
    events = MappingProxyType({"dose": given})
    step = 0.05


class Twice(Coupled):
    """The same dose into two compartments."""

    name = "twice"
    parts = MappingProxyType({"one": Compartment, "two": Compartment})
    links = (Signal("dose", "one.dose"), Signal("dose", "two.dose"))


class TestCompartment(ModelTests):
    inputs = MappingProxyType({"dose": (0.3, 0.5)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Compartment(priors)


def known(model: type[OdeModel], amount: str = "amount") -> tuple[OdeModel, FloatArray]:
    """One member of a model whose parameters and states are known."""
    values = {"amount": 10.0, "clearance": 0.1, "volume": 5.0}
    table = [row.name for row in model.table]
    made = model({name: Fixed(values[name.rpartition(".")[2]]) for name in table})
    return made, np.array([[[variable.prior.centre for variable in made.variables]]])


def doses(*given: tuple[float, float]) -> InputSignals:
    times, values = np.array(given).T
    return InputSignals(times[None, None], values[None, None], np.ones(1))


def test_a_dose_is_its_closed_form() -> None:
    """A(t) = 10 exp(-kt) + sum of D exp(-k(t - t_D)), k = 0.02/s; Runge-Kutta 4 with 0.05 s: below 1e-12."""
    model, x = known(Compartment)
    after, _, _ = advanced(model, x, 30.0, doses((3.21, 50.0), (17.0, 25.0)))
    expected = 10 * np.exp(-0.6) + 50 * np.exp(-0.02 * (30 - 3.21)) + 25 * np.exp(-0.02 * 13.0)
    assert after[0, 0, 0] == pytest.approx(expected, rel=1e-12)


def test_doses_of_one_time_add_up() -> None:
    model, x = known(Compartment)
    one, _, _ = advanced(model, x, 5.0, doses((2.0, 30.0), (2.0, 20.0)))
    other, _, _ = advanced(model, x, 5.0, doses((2.0, 50.0)))
    assert one == pytest.approx(other, rel=1e-14)


def test_a_reading_behind_a_dose_sees_it() -> None:
    model, x = known(Compartment)
    points = Points(np.array([[1.999, 2.0, 2.001]]), np.zeros((1, 3), np.int64))
    _, predicted, _ = advanced(model, x, 5.0, doses((2.0, 50.0)), points)
    before, at, behind = predicted[0, 0]
    assert behind - before == pytest.approx(10.0, rel=1e-3)
    assert at == pytest.approx(behind, rel=1e-3)  # the event comes first


def test_parts_share_a_dose() -> None:
    model, x = known(Twice)
    after, _, _ = advanced(model, x, 5.0, doses((2.0, 50.0)))
    alone, y = known(Compartment)
    expected, _, _ = advanced(alone, y, 5.0, doses((2.0, 50.0)))
    assert after[0, 0, [0, 3]] == pytest.approx([expected[0, 0, 0]] * 2, rel=1e-14)
