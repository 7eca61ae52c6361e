"""The Kalman and the unscented filter: against filterpy's own."""

from collections.abc import Sequence

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter, UnscentedKalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from twin_models.advection import Advection
from twin_models.lorenz63 import Lorenz63
from twin_runtime.assimilation import AnalysisInput, Assimilator, Inflation, Kalman, Unscented
from twin_runtime.assimilation.conformance import CovarianceTests, assert_close, covariance, kalman, random_problem
from twin_runtime.assimilation.sigma_points import Moments, laid_out_prior, lay_out, moments, widened
from twin_runtime.core import SECOND, FloatArray, Reading
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Normal
from twin_runtime.vvuq.checks import CHECKS

CELLS = 5
STEPS = 100
ONE_TWIN = numbered_keys(0, 1), 0


class TestKalman(CovarianceTests):
    method = Kalman()
    sizes = ((2, 1, 1), (6, 3, 1), (10, 5, 4), (8, 4, 16), (12, 6, 30), (20, 6, 3))


class TestUnscented(CovarianceTests):
    method = Unscented()
    sizes = TestKalman.sizes


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 20), st.integers(0, 3))
@pytest.mark.parametrize("method", [Kalman(), Unscented()])
def test_one_update_is_the_kalman_filters(
    method: Assimilator, seed: int, states: int, observations: int, more: int
) -> None:
    problem = random_problem(seed, 2, 2 * (states + more), states, observations)
    for twin, ensemble in enumerate(method.update(problem)):
        mean, P = kalman(problem, twin)
        assert_close(ensemble.mean(0), mean)
        assert_close(covariance(ensemble), P)


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 8), st.integers(0, 3))
def test_points_have_the_mean_and_the_covariance_asked_for(seed: int, states: int, rank: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(states, min(rank, states)))
    P, mean, scale = root @ root.T, rng.normal(size=states), np.exp(rng.uniform(-7.0, 7.0, states))
    points = lay_out(Moments(mean, scale, P), 2 * (states + more))
    assert_close(points.mean(0), mean)
    assert_close(covariance(points / scale), P)
    again = lay_out(moments(points), len(points))
    assert_close(covariance(again / scale), P)


def test_a_walk_widens_the_points_and_moves_no_mean() -> None:
    centre, sd, walk = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.0, 1e-3]), np.array([0.1, 0.0, 2.0])
    points = widened(laid_out_prior(centre, sd, 2, 6), walk)
    for ensemble in points:
        assert_close(ensemble.mean(0), centre)
        assert_close(covariance(ensemble), np.diag(sd**2 + walk**2))


def advanced(model: Model, x: FloatArray, seconds: float, observed: Sequence[int]) -> FloatArray:
    """What members ``x[twin, member, variable]`` predict at the end of an interval; they are advanced in place."""
    twins, members = x.shape[:2]
    nothing = np.empty((twins, 0, 0))
    points = Points(np.full((twins, len(observed)), seconds), np.tile(observed, (twins, 1)))
    predicted = np.empty((twins, members, len(observed)))
    model.advance(x, seconds, InputSignals(nothing, nothing, np.ones(twins)), points, predicted, np.empty(twins))
    return predicted


@pytest.mark.parametrize("method", [Kalman(), Unscented()])
def test_a_linear_model_is_followed_as_filterpy_follows_it(method: Assimilator) -> None:
    """A profile carried round, three of five cells read, one of them now and then, and a random walk of all."""
    rng, model = np.random.default_rng(80), Advection(CELLS)
    observed, R, walk = [0, 1, 3], np.array([0.3, 0.5, 0.2]), np.linspace(0.1, 0.5, CELLS)
    flow = np.eye(CELLS)[None].copy()
    H = advanced(model, flow, 1.0, range(CELLS))[0].T[observed] @ np.linalg.inv(flow[0].T)
    kf = KalmanFilter(dim_x=CELLS, dim_z=3)
    kf.x, kf.P, kf.F = np.zeros((CELLS, 1)), np.eye(CELLS), flow[0].T
    kf.Q = kf.F @ np.diag(walk**2) @ kf.F.T
    x = laid_out_prior(np.zeros(CELLS), np.ones(CELLS), 1, 2 * CELLS)
    for step in range(STEPS):
        y = rng.normal(size=3)
        there = np.array([0, 1, 2] if step % 3 else [0, 2])
        kf.predict()
        kf.update(y[there, None], R=np.diag(R[there]), H=H[there])
        x = widened(x, walk)
        predicted = advanced(model, x, 1.0, observed)
        read = np.where(np.isin(np.arange(3), there), y, np.nan)
        x = method.update(AnalysisInput(x, predicted, read[None], R[None], *ONE_TWIN))
        assert_close(x[0].mean(0), kf.x[:, 0])
        assert_close(covariance(x[0]), kf.P)


class Pairs:
    """The same points for filterpy: pairs of equal weight, whose covariance divides by one less than their number."""

    def __init__(self, states: int) -> None:
        self.states, members = states, 2 * states
        self.Wm, self.Wc = np.full(members, 1.0 / members), np.full(members, 1.0 / (members - 1))

    def num_sigmas(self) -> int:
        return 2 * self.states

    def sigma_points(self, x: FloatArray, P: FloatArray) -> FloatArray:
        columns = np.linalg.cholesky(P).T * np.sqrt(self.states - 0.5)
        points: FloatArray = x + np.stack([columns, -columns], axis=1).reshape(-1, self.states)
        return points


def test_a_chaotic_model_is_followed_as_filterpy_follows_it() -> None:
    """Lorenz-63, read every 0.1; rounding grows e-fold in a time of 1.1, and the readings keep it down."""
    model, rng, walk, R = Lorenz63(), np.random.default_rng(81), np.full(3, 0.05), np.full(3, 2.0)
    centre, sd = (np.array([getattr(v.prior, part) for v in model.variables]) for part in ("centre", "sd"))

    def flow(point: FloatArray, dt: float) -> FloatArray:
        x = np.concatenate([point, centre[3:]])[None, None].copy()
        advanced(model, x, dt, [0])
        return x[0, 0, :3]

    ukf = UnscentedKalmanFilter(3, 3, 0.1, lambda x: x, flow, Pairs(3))
    ukf.x, ukf.P, ukf.Q, ukf.R = centre[:3], np.diag(sd[:3] ** 2), np.zeros((3, 3)), np.diag(R)
    x, truth = laid_out_prior(centre, sd, 1, 6), centre[:3] + 1.0
    for _ in range(STEPS):
        truth = flow(truth, 0.1)
        y = truth + rng.normal(size=3) * np.sqrt(R)
        ukf.P = ukf.P + np.diag(walk**2)
        ukf.predict()
        ukf.update(y)
        x = widened(x, np.concatenate([walk, np.zeros(4)]))
        predicted = advanced(model, x, 0.1, [0, 1, 2])
        x = Unscented().update(AnalysisInput(x, predicted, y[None], R[None], *ONE_TWIN))
        assert_close(x[0, :, :3].mean(0), ukf.x)
        assert_close(covariance(x[0, :, :3]), ukf.P)
    assert np.abs(x[0, :, :3].mean(0) - truth).max() < 3.0


def test_curved_predictions_are_less_certain_to_the_unscented_filter() -> None:
    """A square about zero has nothing in common with a line: the linear filter takes it for certain and far off."""
    x = laid_out_prior(np.zeros(2), np.ones(2), 1, 4)
    squares = np.square(x[:, :, :1]) + x[:, :, 1:]
    given = AnalysisInput(x, squares, np.array([[5.0]]), np.array([[0.1]]), *ONE_TWIN)
    linear, unscented = (method.update(given)[0] for method in (Kalman(), Unscented()))
    assert covariance(unscented)[1, 1] > covariance(linear)[1, 1]


def rings(method: Assimilator, walk: float) -> Fleet:
    """A fleet whose model is linear."""
    names = [f"c{i}" for i in range(1, CELLS + 1)]
    model = Advection(CELLS, priors={"c1": Normal(2.0, 0.5)}, walk=dict.fromkeys(names, walk))
    sensor = Sensor("c1", 0, 10.0)
    return Fleet(model, ("a", "b"), (sensor,), (), SECOND, 1, 2 * CELLS, method, Inflation(), CHECKS)


@pytest.mark.parametrize("method", [Kalman(), Unscented()])
def test_in_a_fleet_nothing_is_left_to_chance(method: Assimilator) -> None:
    """Start and walk are exact, whatever the seed and the twin; a tick without readings carries on what is known."""
    fleet = rings(method, walk=0.3)
    state = fleet.start()
    assert state.x[0].tobytes() == state.x[1].tobytes()
    assert_close(state.x[0].mean(0), np.array([2.0, 0.0, 0.0, 0.0, 0.0]))
    assert_close(covariance(state.x[0]), np.diag([0.25, 1.0, 1.0, 1.0, 1.0]))
    state, _ = tick(fleet, state, 0, [], np.arange(2))
    assert_close(covariance(state.x[0]), np.diag([1.09, 0.34, 1.09, 1.09, 1.09]))
    state, _ = tick(fleet, state, 1, [Reading(0, 0, SECOND, 1.0, 0.5)], np.arange(2))
    assert covariance(state.x[0]).trace() < covariance(state.x[1]).trace()
