"""Models declared as ordinary differential equations, against solutions in closed form."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.modelling.oscillator import Decay, Oscillator, swing
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.model import Model, physical
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.signals import InputSignals, Points, no_points
from twin_runtime.modelling.variables import Fixed, LogNormal, Prior
from twin_runtime.testing import ModelTests

TWINS, MEMBERS = 2, 3
FORCE, POSITION = range(2)
NEAR = 5e-6
"""RK4 leaves (frequency * step)^5 / 120 of the swing a sub-step: 4e-7 in a second here, 10 times that of velocity."""


class TestOscillator(ModelTests):
    inputs = MappingProxyType({"push": (-1.0, 1.0), "kick": (0.7, 1.9)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Oscillator(priors)


class TestDecay(ModelTests):
    scale_free = ("amount", "share")

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Decay(priors)


def ensemble(model: OdeModel) -> FloatArray:
    return draw_prior(model.variables, numbered_keys(1, TWINS), MEMBERS)


def undriven(model: OdeModel) -> InputSignals:
    """Signals at 0, and no events."""
    times = np.full((TWINS, len(model.inputs), 1), np.inf)
    if model.inputs:
        times[:, 0] = -np.inf
    return InputSignals(times, np.zeros_like(times), np.ones(TWINS))


def advanced(
    model: OdeModel,
    x: FloatArray,
    duration: float,
    signals: InputSignals | None = None,
    points: Points | None = None,
) -> tuple[FloatArray, FloatArray]:
    """The ensemble after some time, and its predictions."""
    points = points or no_points(TWINS)
    after, predicted = x.copy(), np.full((TWINS, MEMBERS, points.times.shape[1]), np.nan)
    model.advance(after, duration, signals or undriven(model), points, predicted, np.empty(TWINS))
    return after, predicted


def swung(model: OdeModel, x: FloatArray, time: float) -> FloatArray:
    """Position and velocity of every member by the closed form, ``[twin, member, 2]``."""
    rows = physical(x, model.variables)
    return np.array([[swing(time, *member) for member in twin] for twin in rows.tolist()])


def test_runge_kutta_is_of_fourth_order() -> None:
    model = Oscillator()
    x, seconds = ensemble(model), 2.0
    exact = swung(model, x, seconds)
    errors = []
    for steps in (50, 100, 200):  # of at most 0.04 s: one or two sub-steps each, of 0.02, 0.02 and 0.01 s
        after = x
        for _ in range(steps):
            after, _ = advanced(model, after, seconds / steps)
        errors.append(np.abs(after[:, :, :2] - exact).max())
    assert errors[1] / errors[2] == pytest.approx(16.0, rel=0.05)
    assert errors[2] < 1e-6


def test_one_step_is_the_fourth_taylor_polynomial_of_a_linear_equation() -> None:
    model = Decay()
    x = ensemble(model)
    before, after = physical(x, model.variables), physical(advanced(model, x, model.step)[0], model.variables)
    z = -before[:, :, 2] * model.step
    growth = 1.0 + z + z**2 / 2.0 + z**3 / 6.0 + z**4 / 24.0
    for state in range(2):
        np.testing.assert_allclose(after[:, :, state], growth * before[:, :, state], rtol=1e-14)


def test_states_are_kept_in_their_spaces_and_come_back_from_them() -> None:
    model = Decay()
    x = ensemble(model)
    after = advanced(model, x, 2.0)[0]
    left = np.exp(-2.0 * np.exp(x[:, :, 2]))
    # A logarithm falls evenly. RK4 leaves (speed * step)^5 / 120 a sub-step, 1e-7 in all at a speed of 1.
    np.testing.assert_allclose(after[:, :, 0], x[:, :, 0] + np.log(left), atol=2e-7)
    share = physical(x, model.variables)[:, :, 1] * left
    np.testing.assert_allclose(after[:, :, 1], np.log((share + 0.5) / (1.5 - share)), atol=2e-7)


def test_a_linear_push_is_integrated_without_an_error() -> None:
    model = Oscillator({"stiffness": Fixed(0.0), "damping": Fixed(0.0)})
    x = ensemble(model)
    times = np.array([[[0.0, 1.0], [np.inf, np.inf]]] * TWINS)
    signals = InputSignals(times, np.array([[[0.0, 6.0], [np.inf, np.inf]]] * TWINS), np.ones(TWINS))
    after = advanced(model, x, 1.0, signals)[0]
    np.testing.assert_allclose(after[:, :, 1], x[:, :, 1] + 3.0, rtol=1e-13)
    np.testing.assert_allclose(after[:, :, 0], x[:, :, 0] + x[:, :, 1] + 1.0, rtol=1e-13)


def test_an_event_acts_at_its_own_time_and_on_its_own_twin() -> None:
    model = Oscillator()
    x = ensemble(model)
    times = np.array([[[-np.inf, np.inf], [0.333, np.inf]], [[-np.inf, np.inf], [np.inf, np.inf]]])
    after = advanced(model, x, 1.0, InputSignals(times, np.zeros_like(times), np.ones(TWINS)))[0]
    turned = x.copy()
    turned[:, :, :2] = swung(model, x, 0.333) * (1.0, -1.0)
    np.testing.assert_allclose(after[0, :, :2], swung(model, turned, 0.667)[0], atol=NEAR)
    np.testing.assert_allclose(after[1, :, :2], swung(model, x, 1.0)[1], atol=NEAR)


def test_readings_are_predicted_at_their_own_times() -> None:
    model = Oscillator()
    x = ensemble(model)
    moments = np.array([[0.0, 0.1234, 0.1234], [0.5, 0.99, np.inf]])
    outputs = np.array([[POSITION, FORCE, POSITION], [FORCE, POSITION, -1]])
    after, predicted = advanced(model, x, 1.0, points=Points(moments, outputs))
    assert np.isnan(predicted[1, :, 2]).all()
    for twin, k in np.argwhere(outputs >= 0):
        position = swung(model, x, float(moments[twin, k]))[twin, :, 0]
        factor = np.exp(x[twin, :, 2]) if outputs[twin, k] == FORCE else 1.0
        np.testing.assert_allclose(predicted[twin, :, k], factor * position, atol=1e-5)
    np.testing.assert_allclose(after[:, :, :2], swung(model, x, 1.0), atol=NEAR)


def test_what_is_observed_is_named_by_the_quantities() -> None:
    model = Oscillator()
    x = ensemble(model)
    observed = model.observe(x, 1.0, undriven(model))
    rows = physical(x, model.variables)
    assert [q.name for q in model.quantities] == ["force", "position", "velocity", "stiffness", "damping"]
    np.testing.assert_allclose(observed[:, :, 0], rows[:, :, 2] * rows[:, :, 0])
    np.testing.assert_allclose(observed[:, :, 1:], rows, rtol=1e-15)


def test_priors_and_walks_can_be_replaced_by_name() -> None:
    model = Oscillator({"damping": LogNormal(0.3, 0.1)}, {"stiffness": 0.01})
    assert {v.name: v.walk for v in model.variables} == {
        "position": 0.0,
        "velocity": 0.0,
        "stiffness": 0.01,
        "damping": 0.0,
    }
    assert model.variables[3].prior == LogNormal(0.3, 0.1)


@pytest.mark.parametrize(("priors", "walk"), [({"stifness": Fixed(1.0)}, {}), ({}, {"stifness": 0.1})])
def test_a_prior_or_a_walk_of_an_unknown_variable_is_refused(
    priors: Mapping[str, Prior], walk: Mapping[str, float]
) -> None:
    with pytest.raises(ModelError) as refused:
        Oscillator(priors, walk)
    assert str(refused.value) == (
        "model oscillator: unknown variable 'stifness'; remedy: use one of: damping, position, stiffness, velocity"
    )
