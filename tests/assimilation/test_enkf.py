"""The stochastic EnKF: the Kalman filter in the mean, and in the limit of many members."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.assimilation.routes import by_both_routes
from twin_runtime.assimilation import AnalysisInput, Enkf, enkf
from twin_runtime.assimilation.conformance import KalmanTests, assert_close, covariance, random_problem
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import Purpose, normals, numbered_keys, twin_keys


class TestEnkf(KalmanTests):
    method = Enkf()


problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.integers(1, 3),
    members=st.integers(2, 40),
    states=st.integers(1, 12),
    observations=st.integers(1, 50),
)


def textbook(problem: AnalysisInput, twin: int) -> FloatArray:
    """The EnKF as it is published: each member is corrected by its own perturbed observation."""
    x, Y, variance = problem.x[twin], problem.predicted[twin], problem.variance[twin]
    members, count = Y.shape
    e = normals(problem.keys[[twin]], problem.tick, Purpose.OBSERVATION, members, count)[0]
    perturbed = problem.observed[twin] + (e - e.mean(0)) * np.sqrt(variance)
    A, S = x - x.mean(0), Y - Y.mean(0)
    gain = A.T @ S @ np.linalg.inv(S.T @ S + (members - 1) * np.diag(variance))
    analysis: FloatArray = x + (perturbed - Y) @ gain.T
    return analysis


@given(problems)
def test_both_routes_are_the_published_filter(problem: AnalysisInput) -> None:
    for analysis in by_both_routes(problem, enkf.fill_weights, perturbed=True):
        for twin in range(len(problem.x)):
            assert_close(analysis[twin], textbook(problem, twin))


def test_twins_ticks_and_seeds_are_perturbed_differently() -> None:
    problem = random_problem(seed=4, twins=1, members=8, states=2, observations=2)
    keys = [twin_keys(seed, [name]) for seed in (1, 2) for name in ("one", "other")]
    drawn = [problem._replace(keys=key, tick=tick) for key in keys for tick in (1, 2)]
    analyses = {Enkf().update(given).tobytes() for given in drawn}
    assert len(analyses) == len(drawn)


def test_it_converges_to_the_kalman_filter_like_one_over_the_root_of_the_members() -> None:
    """Members drawn from a Gaussian prior; 200 twins are 200 replicates.

    The slope's own error is about 0.01, a tenth of the bound: a right filter never fails.
    """
    rng = np.random.default_rng(5)
    states, replicates = 3, 200
    root, H = rng.normal(size=(states, states)), rng.normal(size=(states, 2))
    P, R, y = root.T @ root, np.diag([0.5, 2.0]), np.array([1.0, -2.0])
    gain = P @ H @ np.linalg.inv(H.T @ P @ H + R)
    mean, C = gain @ y, P - gain @ H.T @ P
    sizes = [32, 64, 128, 256, 512, 1024, 2048]
    errors = []
    for members in sizes:
        x = rng.normal(size=(replicates, members, states)) @ root
        observed, variance = np.tile(y, (replicates, 1)), np.tile(np.diag(R), (replicates, 1))
        analysis = Enkf().update(AnalysisInput(x, x @ H, observed, variance, numbered_keys(members, replicates), 0))
        of_mean = ((analysis.mean(1) - mean) ** 2).mean()
        of_covariance = np.mean([((covariance(ensemble) - C) ** 2).mean() for ensemble in analysis])
        errors.append((np.sqrt(of_mean), np.sqrt(of_covariance)))
    for error in np.log(errors).T:
        slope = np.polyfit(np.log(sizes), error, 1)[0]
        assert abs(slope + 0.5) < 0.1
