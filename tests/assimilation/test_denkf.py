"""The DEnKF: the Kalman filter in the mean, a little more spread than it, by whichever route."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.assimilation.routes import by_both_routes
from twin_runtime.assimilation import AnalysisInput, Denkf, denkf
from twin_runtime.assimilation.conformance import (
    KalmanTests,
    assert_close,
    covariance,
    kalman,
    random_problem,
)
from twin_runtime.core import FloatArray

problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.integers(1, 3),
    members=st.integers(2, 40),
    states=st.integers(1, 12),
    observations=st.integers(1, 50),
)


class TestDenkf(KalmanTests):
    method = Denkf()


def gain(problem: AnalysisInput, twin: int) -> tuple[FloatArray, FloatArray]:
    """The Kalman gain for the forecast's sample covariance, and the covariance H P H' of the predictions."""
    states = problem.x.shape[2]
    joint = np.atleast_2d(np.cov(np.hstack([problem.x[twin], problem.predicted[twin]]).T))
    HPH = joint[states:, states:]
    K: FloatArray = np.linalg.solve(HPH + np.diag(problem.variance[twin]), joint[states:, :states]).T
    return K, HPH


@given(problems)
def test_both_routes_are_the_published_filter(problem: AnalysisInput) -> None:
    for analysis in by_both_routes(problem, denkf.fill_weights):
        for twin, ensemble in enumerate(analysis):
            x, Y = problem.x[twin], problem.predicted[twin]
            K, _ = gain(problem, twin)
            mean = x.mean(0) + K @ (problem.observed[twin] - Y.mean(0))
            assert_close(ensemble, mean + (x - x.mean(0)) - 0.5 * (Y - Y.mean(0)) @ K.T)


@given(problems)
def test_the_covariance_is_too_large_by_a_quarter_of_the_gains_correction(problem: AnalysisInput) -> None:
    analysis = Denkf().update(problem)
    for twin, ensemble in enumerate(analysis):
        K, HPH = gain(problem, twin)
        assert_close(covariance(ensemble), kalman(problem, twin)[1] + 0.25 * K @ HPH @ K.T)
