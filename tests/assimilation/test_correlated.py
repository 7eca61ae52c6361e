"""Correlated errors of observation: the Kalman filter for the full covariance, by any method for independent ones."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation import AnalysisInput, Assimilator, Denkf, Enkf, Ensrf, Etkf
from twin_runtime.assimilation.conformance import assert_close, covariance, random_problem
from twin_runtime.assimilation.correlated import independent
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.innovation import Comparison, Correlated, Gate, compare
from twin_runtime.vvuq.memory import Layout

SENSORS = 4


class Errors(NamedTuple):
    """Who made the readings, when, and how the sensors' errors are correlated."""

    sensor: IntArray
    times: FloatArray
    correlation: FloatArray

    def covariance(self, twin: int, variance: FloatArray) -> FloatArray:
        """The full covariance of the errors of one twin's readings."""
        of, when = self.sensor[twin], self.times[twin]
        same = when[:, None] == when[None]
        R: FloatArray = np.where(same, self.correlation[np.ix_(of, of)], 0.0) * np.sqrt(np.outer(variance, variance))
        np.fill_diagonal(R, variance)
        return R


def correlated(seed: int, members: int, states: int, moments: int) -> tuple[AnalysisInput, Errors]:
    """A problem in which every sensor reads at every moment, the moments one after the other."""
    rng = np.random.default_rng(seed)
    problem = random_problem(seed, 2, members, states, SENSORS * moments)
    root = rng.normal(size=(SENSORS, SENSORS + 2))
    scale = np.sqrt(np.diag(root @ root.T))
    sensor, times = np.tile(np.arange(SENSORS), (2, moments)), np.tile(np.repeat(np.arange(moments), SENSORS), (2, 1))
    return problem, Errors(sensor, times.astype(np.float64), root @ root.T / np.outer(scale, scale))


problems = st.builds(correlated, st.integers(0, 2**32), st.integers(2, 30), st.integers(1, 8), st.integers(1, 5))


def turned(problem: AnalysisInput, errors: Errors) -> AnalysisInput:
    """The same with independent errors."""
    predicted, observed, variance = independent(*problem[1:4], *errors)
    return problem._replace(predicted=predicted, observed=observed, variance=variance)


def kalman(problem: AnalysisInput, errors: Errors, twin: int) -> tuple[FloatArray, FloatArray]:
    """The Kalman filter for the full covariance, of the observations that are there."""
    there = np.flatnonzero(np.isfinite(problem.observed[twin]))
    states = problem.x.shape[2]
    joint = np.atleast_2d(np.cov(np.hstack([problem.x[twin], problem.predicted[twin][:, there]]).T))
    R = errors.covariance(twin, problem.variance[twin])[np.ix_(there, there)]
    PH, d = joint[:states, states:], problem.observed[twin, there] - problem.predicted[twin][:, there].mean(0)
    K = np.linalg.solve(joint[states:, states:] + R, PH.T).T
    return problem.x[twin].mean(0) + K @ d, joint[:states, :states] - K @ PH.T


@given(problems, st.sets(st.integers(0, 19)))
def test_mean_and_covariance_are_the_kalman_filters(case: tuple[AnalysisInput, Errors], gone: set[int]) -> None:
    problem, errors = case
    problem.observed[:, [j for j in gone if j < problem.observed.shape[1]]] = np.nan
    for method in (Etkf(), Ensrf()):
        analysis = method.update(turned(problem, errors))
        for twin in range(2):
            mean, P = kalman(problem, errors, twin)
            assert_close(analysis[twin].mean(0), mean)
            assert_close(covariance(analysis[twin]), P)


@given(problems, st.sampled_from([Enkf(), Denkf()]))
def test_the_mean_is_the_kalman_filters(case: tuple[AnalysisInput, Errors], method: Assimilator) -> None:
    problem, errors = case
    analysis = method.update(turned(problem, errors))
    for twin in range(2):
        assert_close(analysis[twin].mean(0), kalman(problem, errors, twin)[0])


@given(problems)
def test_it_is_whitening_by_a_cholesky_factor(case: tuple[AnalysisInput, Errors]) -> None:
    problem, errors = case
    ours = turned(problem, errors)
    for twin in range(2):
        root = np.linalg.cholesky(errors.covariance(twin, problem.variance[twin]))
        for before, after in ((problem.predicted, ours.predicted), (problem.observed[:, None], ours.observed[:, None])):
            white = np.linalg.solve(root, before[twin].T).T
            assert_close(after[twin] / np.sqrt(ours.variance[twin]), white)


def test_readings_of_different_times_are_independent() -> None:
    problem, errors = correlated(60, 8, 3, 1)
    apart = errors._replace(times=errors.times + np.arange(SENSORS))
    same = turned(problem, apart)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(same[:4], problem[:4], strict=True))


def test_errors_that_are_the_same_are_refused() -> None:
    problem, errors = correlated(61, 8, 3, 1)
    with pytest.raises(ValueError, match="positive definite"):
        turned(problem, errors._replace(correlation=np.ones((SENSORS, SENSORS))))


@pytest.mark.parametrize(("given_correlation", "expected"), [(True, 1.0), (False, 0.8)])
def test_the_innovation_statistic_knows_of_the_correlation(given_correlation: bool, expected: float) -> None:
    """Two sensors of the same quantity, whose spread is their error's; 4000 twins, so that its error is 0.016.

    A right statistic fails for one seed in 600.
    """
    rng, twins, members = np.random.default_rng(62), 4000, 200
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    state = rng.normal(size=(twins, members + 1))
    noise = rng.normal(size=(twins, 2)) @ np.linalg.cholesky(correlation).T
    predicted = np.repeat(state[:, :members, None], 2, axis=2)
    layout = Layout(2, 0)
    memory, times = layout.fresh(twins), np.zeros((twins, 2))
    sensor, variance = np.tile(np.arange(2), (twins, 1)), np.ones((twins, 2))
    comparison = Comparison(predicted, state[:, members:] + noise, variance, sensor)
    records, gate = layout.records(memory), Gate(0.0, 25, np.full(2, np.inf))
    compare(comparison, 0, 0.9, gate, records, Correlated(times, correlation) if given_correlation else None)
    assert records.twins["sum_nis"].sum() / records.twins["sum_degrees"].sum() == pytest.approx(expected, abs=0.05)
