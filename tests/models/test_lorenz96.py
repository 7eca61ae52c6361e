"""Lorenz's ring with one level and with two: rest, energy, symmetry, and an independent integration."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twin_models.lorenz96 import Lorenz96
from twin_models.lorenz_uv import LorenzUV
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests

SLOW, FAST, FORCING, H, B, C = 8, 4, 20.0, 1.0, 10.0, 10.0


class TestLorenz96(ModelTests):
    tick = 0.01

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Lorenz96(priors=priors)


class TestLorenzUV(ModelTests):
    tick = 0.01
    tolerance = 1e-5

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return LorenzUV(SLOW, FAST, priors=priors)


def after(model: Model, state: FloatArray, seconds: float) -> FloatArray:
    """One state some time later."""
    nothing = np.empty((1, 0, 0))
    later, _, _ = advanced(model, state[None, None], seconds, InputSignals(nothing, nothing, np.ones(1)))
    row: FloatArray = later[0, 0]
    return row


def published(x: FloatArray) -> FloatArray:
    """The equations as they are published, element by element."""
    u, v = x[:SLOW], x[SLOW:]
    behind, coupling = SLOW * FAST, H * C / B
    du = [
        (u[(k + 1) % SLOW] - u[k - 2]) * u[k - 1] - u[k] + FORCING - coupling * v[k * FAST : (k + 1) * FAST].sum()
        for k in range(SLOW)
    ]
    dv = [
        C * B * v[(j + 1) % behind] * (v[j - 1] - v[(j + 2) % behind]) - C * v[j] + coupling * u[j // FAST]
        for j in range(behind)
    ]
    return np.array(du + dv)


def test_two_levels_follow_the_published_equations() -> None:
    start = 0.1 * np.random.default_rng(0).normal(size=SLOW * (FAST + 1))
    other = solve_ivp(lambda _, x: published(x), (0.0, 0.2), start, rtol=1e-11, atol=1e-11).y[:, -1]
    np.testing.assert_allclose(after(LorenzUV(SLOW, FAST, step=1e-4), start, 0.2), other, atol=1e-8)


def test_the_ring_at_rest_stays_at_rest() -> None:
    rest = np.full(40, 8.0)
    np.testing.assert_allclose(after(Lorenz96(), rest, 0.1), rest, atol=1e-12)


def test_neither_advection_nor_coupling_makes_energy() -> None:
    """Half the sum of squares changes by forcing and friction only."""
    model, h = LorenzUV(SLOW, FAST), 1e-4
    x = np.random.default_rng(1).normal(size=SLOW * (FAST + 1))
    energy = [0.5 * np.sum(after(model, x, seconds) ** 2) for seconds in (h, 2 * h)]
    rate = (4 * energy[0] - 3 * 0.5 * np.sum(x**2) - energy[1]) / (2 * h)
    friction = np.sum(x[:SLOW] ** 2) + C * np.sum(x[SLOW:] ** 2)
    assert rate == pytest.approx(FORCING * x[:SLOW].sum() - friction, rel=1e-3)


def test_the_ring_has_no_beginning() -> None:
    x = np.random.default_rng(2).normal(size=40)
    np.testing.assert_allclose(after(Lorenz96(), np.roll(x, 7), 0.5), np.roll(after(Lorenz96(), x, 0.5), 7), atol=1e-12)


def test_a_ring_that_is_too_short_is_refused() -> None:
    with pytest.raises(ModelError, match="at least 4"):
        Lorenz96(3)


def test_a_stronger_forcing_is_another_model() -> None:
    assert Lorenz96(forcing=9.0).fingerprint != Lorenz96().fingerprint
