"""The serial EnSRF: one observation after the other leads to the same mean and covariance as all at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.assimilation.routes import batches
from twin_runtime.assimilation import AnalysisInput, Ensrf, Etkf, Localisation, ensrf
from twin_runtime.assimilation.conformance import (
    AssimilatorTests,
    CovarianceTests,
    assert_close,
    random_problem,
)
from twin_runtime.assimilation.localisation import NEGLIGIBLE, tapered
from twin_runtime.core import FloatArray
from twin_runtime.modelling.positions import Periodic, Positions, along

problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.integers(1, 3),
    members=st.integers(2, 40),
    states=st.integers(1, 12),
    observations=st.integers(1, 50),
)


class TestEnsrf(CovarianceTests):
    method = Ensrf()


def textbook(problem: AnalysisInput, twin: int) -> FloatArray:
    """The EnSRF as it is published, with predictions that are corrected as if they were states."""
    states = problem.x.shape[2]
    z = np.hstack([problem.x[twin], problem.predicted[twin]])
    for j, (y, R) in enumerate(zip(problem.observed[twin], problem.variance[twin], strict=True)):
        mean, A = z.mean(0), z - z.mean(0)
        PH = A.T @ A[:, states + j] / (len(z) - 1)
        total = PH[states + j] + R
        alpha = 1.0 / (1.0 + np.sqrt(R / total))
        z = mean + PH / total * (y - mean[states + j]) + A - alpha * np.outer(A[:, states + j], PH / total)
    return z[:, :states]


@given(problems)
def test_both_routes_are_the_published_filter(problem: AnalysisInput) -> None:
    for small in (True, False):
        analysis = np.empty_like(problem.x)
        for batch in batches(problem):
            ensrf.correct(problem.x, batch._replace(small=small), analysis)
        for twin in range(len(problem.x)):
            assert_close(analysis[twin], textbook(problem, twin))


def regressed(problem: AnalysisInput, twin: int, tapers: FloatArray) -> FloatArray:
    """The EAKF in two steps (Anderson 2003): each observation's own members first, then all by least squares.

    ``tapers[observation, :]`` shrink the regression coefficients of states and predictions.
    """
    states = problem.x.shape[2]
    z = np.hstack([problem.x[twin], problem.predicted[twin]])
    for j, (observed, R) in enumerate(zip(problem.observed[twin], problem.variance[twin], strict=True)):
        y = z[:, states + j]
        prior = y.var(ddof=1)
        posterior = 1.0 / (1.0 / prior + 1.0 / R)
        moved = posterior * (y.mean() / prior + observed / R) + np.sqrt(posterior / prior) * (y - y.mean())
        slopes = (y - y.mean()) @ (z - z.mean(0)) / (len(z) - 1) / prior
        z = z + np.outer(moved - y, tapers[j] * slopes)
    return z[:, :states]


@given(problems)
def test_it_is_the_eakf(problem: AnalysisInput) -> None:
    analysis = Ensrf().update(problem)
    no_tapers = np.ones((problem.observed.shape[1], problem.x.shape[2] + problem.observed.shape[1]))
    for twin in range(len(problem.x)):
        assert_close(analysis[twin], regressed(problem, twin, no_tapers))


@given(st.integers(0, 2**32), st.integers(2, 30))
def test_a_single_observation_leaves_the_members_of_the_etkf(seed: int, members: int) -> None:
    problem = random_problem(seed, 2, members, 5, 1)
    assert_close(Ensrf().update(problem), Etkf().update(problem))


def tapered_textbook(problem: AnalysisInput, twin: int, tapers: FloatArray) -> FloatArray:
    """The EnSRF with tapered gains, as it is published."""
    states = problem.x.shape[2]
    z = np.hstack([problem.x[twin], problem.predicted[twin]])
    for j, (y, R) in enumerate(zip(problem.observed[twin], problem.variance[twin], strict=True)):
        mean, A = z.mean(0), z - z.mean(0)
        PH = A.T @ A[:, states + j] / (len(z) - 1)
        total, gain = PH[states + j] + R, tapers[j] * PH / (PH[states + j] + R)
        alpha = 1.0 / (1.0 + np.sqrt(R / total))
        z = mean + gain * (y - mean[states + j]) + A - alpha * np.outer(A[:, states + j], gain)
    return z[:, :states]


def tapers_of(positions: Positions, radius: float) -> FloatArray:
    """How much every observation counts for variables and observations; small tapers are left out here too."""
    places = np.concatenate([positions.variables, positions.outputs])
    tapers = tapered(positions.distance(positions.outputs, places), radius)
    tapers[tapers <= NEGLIGIBLE] = 0.0
    return tapers


ring = Positions(along(np.arange(20)), along(np.arange(0, 20, 2) + 0.3), Periodic((20.0,)))


class TestLocalEnsrf(AssimilatorTests):
    method = Ensrf(Localisation(ring, 3.0))
    sizes = tuple((members, 20, 10) for members in (2, 5, 8, 32))


@given(st.integers(0, 2**32), st.integers(2, 20), st.floats(0.5, 20.0))
def test_localised_it_is_either_published_filter_tapered(seed: int, members: int, radius: float) -> None:
    problem, tapers = random_problem(seed, 2, members, 20, 10), tapers_of(ring, radius)
    analysis = Ensrf(Localisation(ring, radius)).update(problem)
    for twin in range(2):
        assert_close(analysis[twin], tapered_textbook(problem, twin, tapers))
        assert_close(analysis[twin], regressed(problem, twin, tapers))
