"""The EnKF-N: an inflation that minimises the published cost, and the Kalman filter for the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.assimilation.routes import batches
from twin_runtime.assimilation import AnalysisInput, EnkfN, Etkf
from twin_runtime.assimilation.batches import uncoupled
from twin_runtime.assimilation.conformance import AssimilatorTests, assert_close, random_problem
from twin_runtime.assimilation.enkf_n import inflated, squared_inflation
from twin_runtime.core import FloatArray

problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.just(1),
    members=st.integers(2, 40),
    states=st.integers(1, 12),
    observations=st.integers(1, 50),
)
certainties = st.sampled_from([0.5, 1.0, 2.0])


class TestEnkfN(AssimilatorTests):
    method = EnkfN()


def squares(problem: AnalysisInput, certainty: float = 1.0) -> FloatArray:
    members = problem.x.shape[1]
    (batch,) = batches(problem)
    turned = uncoupled(batch, members)
    return squared_inflation(turned.rows, turned.used, members, certainty)


def cost(problem: AnalysisInput, certainty: float, u: FloatArray) -> FloatArray:
    """The dual cost as it is published, with full matrices, for inflations of squares ``u``."""
    members = problem.x.shape[1]
    Y, R = problem.predicted[0] - problem.predicted[0].mean(0), np.diag(problem.variance[0])
    d, c = problem.observed[0] - problem.predicted[0].mean(0), members - 1
    ensemble_space = np.linalg.inv(Y @ np.linalg.inv(R) @ Y.T / c + np.eye(members))
    unobserved = np.trace(ensemble_space) / members
    e, g = (members + 1) / members, (members + 1) / c
    correction = (e / g) ** (unobserved / 2)
    data = [d @ np.linalg.solve(R + v * Y.T @ Y / c, d) / c for v in u]
    total: FloatArray = np.array(data) + certainty * (e / correction / u + g * correction * np.log(u))
    return total


@given(problems, certainties)
def test_the_inflation_is_a_minimum_of_the_published_cost(problem: AnalysisInput, certainty: float) -> None:
    u = squares(problem, certainty)[0]
    below, here, above = cost(problem, certainty, u * np.array([0.999, 1.0, 1.001]))
    slack = 1e-12 * abs(here)
    assert here <= below + slack
    assert here <= above + slack


@given(problems)
def test_observed_variables_get_the_etkf_of_the_inflated_forecast(problem: AnalysisInput) -> None:
    direct = problem._replace(x=problem.predicted.copy())
    u = squares(direct)
    wide = inflated(direct.x, u)
    wider = direct._replace(x=wide, predicted=wide.copy())
    assert_close(EnkfN().update(direct), Etkf().update(wider))


def test_a_variable_of_which_no_observation_tells_never_grows() -> None:
    """Surprise after surprise, a thousand times: published, its spread would grow by a factor every time."""
    problem = random_problem(seed=21, twins=1, members=32, states=2, observations=1)
    observed, unobserved = (problem.x[0, :, j] - problem.x[0, :, j].mean() for j in (0, 1))
    problem.x[0, :, 1] -= observed * (observed @ unobserved) / (observed @ observed)
    problem.predicted[0, :, 0] = problem.x[0, :, 0]
    before, x = problem.x[0, :, 1].std(), problem.x
    for _ in range(1000):
        surprising = problem._replace(x=x, predicted=x[:, :, :1].copy(), observed=x[:, :, 0].mean(1, keepdims=True) + 9)
        assert squares(surprising)[0] > 1.0
        x = EnkfN().update(surprising)
    assert x[0, :, 1].std() <= before * (1 + 1e-9)


def test_surprise_inflates_and_agreement_does_not() -> None:
    problem = random_problem(seed=13, twins=1, members=20, states=5, observations=5)
    mean, sd = problem.predicted.mean(1), problem.predicted.std(1)
    expected, surprising = problem._replace(observed=mean), problem._replace(observed=mean + 5 * sd)
    assert squares(expected)[0] < 1.01
    assert squares(surprising)[0] > 1.5


def test_an_observation_without_information_does_not_inflate() -> None:
    problem = random_problem(seed=14, twins=1, members=20, states=5, observations=3)
    vague = problem._replace(variance=np.full_like(problem.variance, 1e12))
    np.testing.assert_allclose(squares(vague), 1.0, atol=1e-9)


def test_a_certain_prior_is_not_inflated() -> None:
    problem = random_problem(seed=15, twins=1, members=20, states=5, observations=5)
    np.testing.assert_allclose(squares(problem, certainty=1e9), 1.0, atol=0.1)
