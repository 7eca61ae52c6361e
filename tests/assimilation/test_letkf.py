"""The LETKF: the ETKF if nothing is far, an ETKF of its own at every place if something is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation import AnalysisInput, Etkf, Letkf, Localisation
from twin_runtime.assimilation.conformance import (
    AssimilatorTests,
    assert_close,
    random_problem,
    with_observations,
)
from twin_runtime.assimilation.localisation import gaspari_cohn
from twin_runtime.core import FloatArray
from twin_runtime.modelling.positions import Periodic, Positions, along

VARIABLES, OUTPUTS, LENGTH = 30, 12, 30.0

ring = Positions(
    along(np.arange(VARIABLES)), along(np.linspace(0.0, LENGTH, OUTPUTS, endpoint=False)), Periodic((LENGTH,))
)
local_problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.just(2),
    members=st.integers(2, 30),
    states=st.just(VARIABLES),
    observations=st.just(OUTPUTS),
)
radii = st.floats(0.5, 20.0)


class TestLetkf(AssimilatorTests):
    method = Letkf(Localisation(ring, 4.0))
    sizes = tuple((members, VARIABLES, OUTPUTS) for members in (2, 5, 8, 32))


def textbook(problem: AnalysisInput, twin: int, radius: float) -> FloatArray:
    """The LETKF as it is published: an eigenproblem in the space of the members at every variable."""
    x, Y = problem.x[twin], problem.predicted[twin]
    analysis: FloatArray = np.empty_like(x)
    members = len(x)
    distances = ring.distance(ring.variables, ring.outputs)
    for j in range(VARIABLES):
        taper = np.array([gaspari_cohn(distance, radius) for distance in distances[j]])
        kept = taper > 1e-3
        scale = np.sqrt(taper[kept] / problem.variance[twin, kept])
        S = (Y - Y.mean(0))[:, kept] * scale
        d = (problem.observed[twin] - Y.mean(0))[kept] * scale
        w, V = np.linalg.eigh(S @ S.T + (members - 1) * np.eye(members))
        transform = V @ np.diag(np.sqrt((members - 1) / w)) @ V.T
        mean = V @ np.diag(1 / w) @ V.T @ S @ d
        analysis[:, j] = x[:, j].mean() + (transform + mean) @ (x[:, j] - x[:, j].mean())
    return analysis


@given(local_problems, radii)
def test_matrices_of_k_by_k_and_of_n_by_n_agree(problem: AnalysisInput, radius: float) -> None:
    analysis = Letkf(Localisation(ring, radius)).update(problem)
    for twin in range(2):
        assert_close(analysis[twin], textbook(problem, twin, radius))


@given(local_problems)
def test_what_is_far_from_every_sensor_stays(problem: AnalysisInput) -> None:
    problem.observed[:, 1:] = np.nan
    analysis = Letkf(Localisation(ring, 3.0)).update(problem)
    changed = np.any(analysis != problem.x, axis=(0, 1))
    assert set(np.flatnonzero(changed)) <= {0, 1, 2, 3, 4, 5, 25, 26, 27, 28, 29}
    assert changed[0]


@given(local_problems, radii, st.data())
def test_the_order_of_the_observations_does_not_matter(
    problem: AnalysisInput, radius: float, data: st.DataObject
) -> None:
    method = Letkf(Localisation(ring, radius))
    order = data.draw(st.permutations(range(OUTPUTS)))
    assert_close(method.update(with_observations(problem, order)), method.update(problem))


def test_a_sensor_without_a_position_counts_everywhere() -> None:
    somewhere = ring.outputs.copy()
    somewhere[0] = np.nan
    method = Letkf(Localisation(Positions(ring.variables, somewhere, ring.distance), 1.0))
    problem = random_problem(seed=20, twins=1, members=16, states=VARIABLES, observations=OUTPUTS)
    problem.observed[:, 1:] = np.nan
    assert_close(method.update(problem), Etkf().update(problem))


def test_a_parameter_learns_only_from_what_it_is_correlated_with() -> None:
    """Two parameters without a position: one is what is observed, the other correlates a little with it by chance."""
    a, b = np.random.default_rng(21).normal(size=(2, 64))
    b -= b.mean() + (a - a.mean()) * np.cov(a, b)[0, 1] / a.var(ddof=1)
    x = np.stack([a, 0.2 * a / a.std() + b / b.std()], axis=1)[None]
    positions = Positions(np.full((2, 1), np.nan), np.zeros((1, 1)))
    problem = random_problem(22, 1, 64, 2, 1)._replace(x=x, predicted=x[:, :, :1].copy())
    local, everything = Letkf(Localisation(positions, 1.0)).update(problem), Etkf().update(problem)
    assert_close(local[:, :, 0], everything[:, :, 0])
    lost, taken = (x[0, :, 1].var() - analysis[0, :, 1].var() for analysis in (local, everything))
    assert 0.0 < lost < 0.1 * taken


def test_nine_members_cannot_tell_a_correlation_from_chance() -> None:
    positions = Positions(np.full((3, 1), np.nan), np.zeros((1, 1)))
    problem = random_problem(23, 1, 9, 3, 1)
    assert Letkf(Localisation(positions, 1.0)).update(problem).tobytes() == problem.x.tobytes()


def test_it_must_be_given_what_is_observed() -> None:
    problem = random_problem(seed=24, twins=1, members=8, states=VARIABLES, observations=OUTPUTS)
    with pytest.raises(ValueError, match="which outputs"):
        Letkf(Localisation(ring, 4.0)).update(problem._replace(outputs=None))
