"""What holds to 1e-10 for any number of twins, members, states and observations, whichever of these are missing.

Elsewhere, as properties too: k x k = N x N (test_letkf), correlated errors = whitening (test_correlated), both routes =
the published formula (test_etkf, test_enkf, test_denkf, test_ensrf, test_letkf). The stochastic EnKF's convergence, a
statistical claim, stands in test_enkf.
"""

from collections.abc import Mapping

import numpy as np
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation import AnalysisInput, Assimilator, Denkf, Enkf, EnkfN, Ensrf, Etkf, Letkf, ParticleFilter
from twin_runtime.assimilation.conformance import (
    assert_close,
    covariance,
    kalman,
    of_twins,
    random_problem,
    with_observations,
)
from twin_runtime.assimilation.localisation import everywhere
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys


def with_gaps(seed: int, twins: int, members: int, states: int, observations: int, missing: float) -> AnalysisInput:
    """A random problem in which every observation of every twin is missing with a probability."""
    problem = random_problem(seed, twins, members, states, observations)
    problem.observed[np.random.default_rng(seed).random(problem.observed.shape) < missing] = np.nan
    return problem


problems = st.builds(
    with_gaps,
    seed=st.integers(0, 2**32),
    twins=st.integers(1, 4),
    members=st.integers(2, 40),
    states=st.integers(1, 15),
    observations=st.integers(0, 50),
    missing=st.sampled_from([0.0, 0.0, 0.2, 0.7, 1.0]),
)


names = st.sampled_from(["etkf", "etkf, rotated", "ensrf", "letkf, infinite radius"])


OF_THEIR_OWN = ("particle", "enkf-n")
"""They treat each variable for itself: a kernel moves copies apart, and an inflation is taken back."""


def square_roots(problem: AnalysisInput) -> Mapping[str, Assimilator]:
    """The methods whose mean and covariance are the Kalman filter's."""
    near = everywhere(problem.x.shape[2], problem.observed.shape[1])
    return {
        "etkf": Etkf(),
        "etkf, rotated": Etkf(rotate=True),
        "ensrf": Ensrf(),
        "ensrf, rotated": Ensrf(rotate=True),
        "ensrf, infinite radius": Ensrf(near),
        "letkf, infinite radius": Letkf(near),
        "letkf, infinite radius, rotated": Letkf(near, rotate=True),
    }


def every(problem: AnalysisInput) -> Mapping[str, Assimilator]:
    """All methods, none of them localised."""
    return {
        **square_roots(problem),
        "enkf": Enkf(),
        "denkf": Denkf(),
        "enkf-n": EnkfN(),
        "particle": ParticleFilter(),
    }


@given(problems)
def test_mean_and_covariance_are_the_kalman_filters_for_the_sample_covariance(problem: AnalysisInput) -> None:
    for method in square_roots(problem).values():
        analysis = method.update(problem)
        for twin, ensemble in enumerate(analysis):
            mean, P = kalman(problem, twin)
            assert_close(ensemble.mean(0), mean)
            assert_close(covariance(ensemble), P)


@given(problems, st.sampled_from([Enkf(), Denkf()]))
def test_the_mean_of_the_others_is_the_kalman_filters_too(problem: AnalysisInput, method: Assimilator) -> None:
    analysis = method.update(problem)
    for twin, ensemble in enumerate(analysis):
        assert_close(ensemble.mean(0), kalman(problem, twin)[0])


@given(problems)
def test_serial_is_batch(problem: AnalysisInput) -> None:
    """One observation after the other, each by an update of its own of states and predictions alike."""
    states = problem.x.shape[2]
    together = Etkf().update(problem)
    joint = np.concatenate([problem.x, problem.predicted], axis=2)
    for j in range(problem.observed.shape[1]):
        alone = with_observations(problem, [j])
        joint = Etkf().update(alone._replace(x=joint, predicted=joint[:, :, [states + j]]))
    for one, other in zip(joint[:, :, :states], together, strict=True):
        assert_close(one.mean(0), other.mean(0))
        assert_close(covariance(one), covariance(other))


@given(problems)
def test_an_infinite_radius_is_no_localisation(problem: AnalysisInput) -> None:
    methods = square_roots(problem)
    for local, plain in (("letkf, infinite radius", "etkf"), ("ensrf, infinite radius", "ensrf")):
        assert_close(methods[local].update(problem), methods[plain].update(problem))


@given(problems, st.data())
def test_the_order_of_the_observations_does_not_matter(problem: AnalysisInput, data: st.DataObject) -> None:
    """For mean and covariance; the members of the serial filter depend on it, as do the stochastic filter's noises."""
    mixed = with_observations(problem, data.draw(st.permutations(range(problem.observed.shape[1]))))
    for method in square_roots(problem).values():
        for one, other in zip(method.update(mixed), method.update(problem), strict=True):
            assert_close(one.mean(0), other.mean(0))
            assert_close(covariance(one), covariance(other))
    for method in (Etkf(), Denkf(), EnkfN()):
        assert_close(method.update(mixed), method.update(problem))


@given(problems, st.data())
def test_the_order_of_the_members_does_not_matter(problem: AnalysisInput, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(problem.x.shape[1])))
    mixed = problem._replace(x=problem.x[:, order].copy(), predicted=problem.predicted[:, order].copy())
    near = square_roots(problem)["letkf, infinite radius"]
    for method in (Etkf(), Denkf(), EnkfN(), Ensrf(), near):
        assert_close(method.update(mixed), method.update(problem)[:, order])


@given(problems)
def test_no_observations_are_the_identity_bit_for_bit(problem: AnalysisInput) -> None:
    unobserved = problem._replace(observed=np.full_like(problem.observed, np.nan))
    for method in every(problem).values():
        assert method.update(unobserved).tobytes() == problem.x.tobytes()
        assert method.update(with_observations(problem, [])).tobytes() == problem.x.tobytes()


@given(problems)
def test_the_weights_of_every_member_add_up_to_one(problem: AnalysisInput) -> None:
    """W 1 = 1: what an update makes of the members themselves, as the unit vectors that they are, is W."""
    members = problem.x.shape[1]
    unit = problem._replace(x=np.tile(np.eye(members), (len(problem.x), 1, 1)))
    for name, method in every(unit).items():
        if name not in OF_THEIR_OWN:
            W = method.update(unit)
            np.testing.assert_allclose(W.sum(2), 1.0, rtol=0.0, atol=1e-10)
            assert_close(W @ problem.x, every(problem)[name].update(problem))


@given(problems)
def test_a_missing_observation_is_as_if_it_had_no_sensor(problem: AnalysisInput) -> None:
    for twin in range(len(problem.x)):
        there = np.flatnonzero(np.isfinite(problem.observed[twin])).tolist()
        for method in every(problem).values():
            alone = method.update(with_observations(of_twins(problem, [twin]), there))
            assert_close(method.update(problem)[twin], alone[0])


@given(
    st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 6), st.integers(0, 30), st.sampled_from([0.0, 0.3]), names
)
def test_a_linear_gaussian_system_is_filterpys(
    seed: int, states: int, observations: int, more: int, missing: float, name: str
) -> None:
    """Ten steps of a random stable system without model error, of which the covariance is the ensemble's."""
    rng = np.random.default_rng(seed)
    F, H = np.linalg.qr(rng.normal(size=(states, states)))[0] * 0.98, rng.normal(size=(observations, states))
    R = rng.uniform(0.1, 10.0, observations)
    x = 5.0 + rng.normal(size=(1, 2 + more, states))
    kf = filterpys(x[0], F, H)
    for step in range(10):
        x, y = x @ F.T, np.where(rng.random(observations) < missing, np.nan, rng.normal(size=observations))
        there = np.isfinite(y)
        kf.predict()
        if there.any():
            kf.update(y[there, None], R=np.diag(R[there]), H=H[there])
        outputs = np.arange(observations)[None]
        problem = AnalysisInput(x, x @ H.T, y[None], R[None], numbered_keys(seed, 1), step, outputs)
        x = square_roots(problem)[name].update(problem)
        assert_close(x[0].mean(0), kf.x[:, 0])
        assert_close(covariance(x[0]), kf.P)


def filterpys(x: FloatArray, F: FloatArray, H: FloatArray) -> KalmanFilter:
    """filterpy's filter, started from the sample mean and covariance of an ensemble."""
    kf = KalmanFilter(dim_x=len(F), dim_z=len(H))
    kf.F, kf.H, kf.Q = F, H, np.zeros_like(F)
    kf.x, kf.P = x.mean(0)[:, None], covariance(x)
    return kf
