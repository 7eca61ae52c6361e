"""The covariance of innovations, solved by readings and by members: the same numbers, and those of linear algebra."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.covariance import Update, _by_members, _by_readings, scratch, solve

SEEDS = st.integers(0, 2**32)


def problem(seed: int, readings: int, members: int) -> tuple[FloatArray, FloatArray]:
    """Anomalies of N predictions with the innovation behind them, ``[reading, N + 1]``, and the variances of noise."""
    rng = np.random.default_rng(seed)
    deviations = rng.normal(size=(readings, members + 1)) * rng.uniform(0.1, 3.0, (readings, 1))
    deviations[:, :members] -= deviations[:, :members].mean(axis=1, keepdims=True)
    return deviations, rng.uniform(0.1, 5.0, readings)


def expected(deviations: FloatArray, noise: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Statistic, S^-1 d and the diagonal of I - R S^-1, by NumPy."""
    members = deviations.shape[1] - 1
    Y, d = deviations[:, :members], deviations[:, members]
    S = (1.0 + 1.0 / members) * Y @ Y.T / (members - 1) + np.diag(noise)
    solved = np.linalg.solve(S, d)
    return float(d @ solved), solved, 1.0 - noise * np.diag(np.linalg.inv(S))


def update(deviations: FloatArray, noise: FloatArray) -> Update:
    """With nothing solved yet."""
    solved, signal = np.full((2, noise.size), np.nan)
    return Update(deviations, noise, np.arange(noise.size), solved, signal)


def found(deviations: FloatArray, noise: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """The same by ``solve``."""
    readings, members = deviations.shape[0], deviations.shape[1] - 1
    taken = update(deviations, noise)
    return solve(taken, readings, scratch(readings, members)), taken.solved, taken.signal


def same(ours: tuple[float, FloatArray, FloatArray], theirs: tuple[float, FloatArray, FloatArray]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-10, atol=1e-10)


@given(SEEDS, st.integers(1, 60), st.integers(2, 40))
def test_it_is_that_of_linear_algebra(seed: int, readings: int, members: int) -> None:
    same(found(*problem(seed, readings, members)), expected(*problem(seed, readings, members)))


@given(SEEDS, st.integers(1, 40), st.integers(2, 40))
def test_the_two_ways_give_the_same(seed: int, readings: int, members: int) -> None:
    deviations, noise = problem(seed, readings, members)
    scale = (1.0 + 1.0 / members) / (members - 1.0)
    one, other = update(deviations, noise), update(deviations, noise)
    statistics = (
        _by_readings(one, scale, np.empty((readings, readings)), np.empty(readings)),
        _by_members(other, readings, scale, np.empty((members, members)), np.empty((2, members))),
    )
    same((statistics[0], one.solved, one.signal), (statistics[1], other.solved, other.signal))


def test_a_thousand_readings_of_few_members_are_no_harder_to_get_right() -> None:
    same(found(*problem(7, 1000, 32)), expected(*problem(7, 1000, 32)))


@given(SEEDS, st.integers(1, 60), st.integers(2, 40))
def test_readings_cannot_say_more_than_there_are_directions_in_the_ensemble(
    seed: int, readings: int, members: int
) -> None:
    _, _, signal = found(*problem(seed, readings, members))
    assert (signal >= -1e-12).all()
    assert (signal <= 1.0).all()
    assert signal.sum() <= min(readings, members - 1)
