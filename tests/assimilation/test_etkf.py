"""The ETKF: exactly a Kalman filter, by whichever route."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.assimilation.routes import by_both_routes
from twin_runtime.assimilation import AnalysisInput, Etkf, etkf
from twin_runtime.assimilation.conformance import (
    SquareRootTests,
    assert_close,
    random_problem,
    with_observations,
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


class TestEtkf(SquareRootTests):
    method = Etkf()


def textbook(problem: AnalysisInput, twin: int) -> FloatArray:
    """The ETKF as it is published: an eigenproblem in the space of the members."""
    x, Y = problem.x[twin], problem.predicted[twin]
    members, sd = len(x), np.sqrt(problem.variance[twin])
    S, d = (Y - Y.mean(0)) / sd, (problem.observed[twin] - Y.mean(0)) / sd
    w, V = np.linalg.eigh(S @ S.T + (members - 1) * np.eye(members))
    transform = V @ np.diag(np.sqrt((members - 1) / w)) @ V.T
    mean = V @ np.diag(1 / w) @ V.T @ S @ d
    analysis: FloatArray = x.mean(0) + (transform + mean) @ (x - x.mean(0))
    return analysis


@given(problems)
def test_both_routes_are_the_published_transform(problem: AnalysisInput) -> None:
    for analysis in by_both_routes(problem, etkf.fill_weights):
        for twin in range(len(problem.x)):
            assert_close(analysis[twin], textbook(problem, twin))


def test_a_small_spread_far_from_zero_keeps_its_digits() -> None:
    """A pressure of 1e5 Pa with a spread of 1e-2 Pa: nothing may cancel but what the numbers themselves have lost."""
    problem = random_problem(seed=1, twins=1, members=64, states=3, observations=2)
    far = problem._replace(x=problem.x + 1e7, predicted=problem.predicted + 1e7, observed=problem.observed + 1e7)
    np.testing.assert_allclose(Etkf().update(far) - 1e7, Etkf().update(problem), rtol=0, atol=1e-7)


def test_a_precise_sensor_is_believed_and_a_dull_one_is_not() -> None:
    problem = random_problem(seed=2, twins=1, members=32, states=4, observations=1)
    precise = problem._replace(variance=np.full_like(problem.variance, 1e-12))
    dull = problem._replace(variance=np.full_like(problem.variance, 1e12))
    coefficients, *_ = np.linalg.lstsq(problem.x[0] - problem.x[0].mean(0), problem.predicted[0], rcond=None)
    read = problem.predicted[0].mean(0) + (Etkf().update(precise)[0].mean(0) - problem.x[0].mean(0)) @ coefficients
    np.testing.assert_allclose(read[0], problem.observed[0, 0], atol=1e-5)
    np.testing.assert_allclose(Etkf().update(dull), problem.x, atol=1e-8)


def test_an_observation_given_twice_counts_as_one_of_half_the_variance() -> None:
    problem = random_problem(seed=3, twins=2, members=20, states=5, observations=3)
    twice = with_observations(problem, [0, 0, 1, 1, 2, 2])
    halved = problem._replace(variance=problem.variance / 2)
    assert_close(Etkf().update(twice), Etkf().update(halved))
