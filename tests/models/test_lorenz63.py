"""Lorenz's convection: its fixed points, its volume, and an independent integration."""

from collections.abc import Mapping

import numpy as np
from scipy.integrate import solve_ivp

from twin_models.lorenz63 import Lorenz63
from twin_runtime.core import FloatArray
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0


class TestLorenz63(ModelTests):
    tolerance = 1e-5

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Lorenz63(priors)


def after(state: FloatArray, seconds: float) -> FloatArray:
    """Some states ``[member, 3]`` some time later."""
    x = np.concatenate([state, np.tile([SIGMA, RHO, BETA, 1.0], (len(state), 1))], axis=1)[None]
    nothing = np.empty((1, 0, 0))
    return advanced(Lorenz63(), x, seconds, InputSignals(nothing, nothing, np.ones(1)))[0][0, :, :3]


def test_steady_convection_stays() -> None:
    side = np.sqrt(BETA * (RHO - 1.0))
    steady = np.array([[side, side, RHO - 1.0], [-side, -side, RHO - 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(after(steady, 1.0), steady, atol=1e-9)


def test_volumes_shrink_at_the_known_rate() -> None:
    """The divergence of the flow is -(sigma + 1 + beta) everywhere: Liouville."""
    seconds, size = 0.1, 1e-4
    start = np.array([1.509, -1.531, 25.46])
    corners = after(np.vstack([start, start + size * np.eye(3)]), seconds)
    volume = np.linalg.det((corners[1:] - corners[0]) / size)
    np.testing.assert_allclose(volume, np.exp(-(SIGMA + 1.0 + BETA) * seconds), rtol=1e-3)


def test_an_independent_integration_agrees() -> None:
    def rate(_: float, s: FloatArray) -> list[float]:
        return [SIGMA * (s[1] - s[0]), s[0] * (RHO - s[2]) - s[1], s[0] * s[1] - BETA * s[2]]

    start = np.array([1.509, -1.531, 25.46])
    other = solve_ivp(rate, (0.0, 1.0), start, rtol=1e-12, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(after(start[None], 1.0)[0], other, atol=2e-4)
