"""Liu and West's shrinkage: parameters that stand still keep many values, and their mean and their spread."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tank import START, Tank, gauge, tanks
from twin_runtime.assimilation import AnalysisInput, ParticleFilter
from twin_runtime.assimilation.conformance import assert_close, covariance
from twin_runtime.assimilation.shrinkage import shrink
from twin_runtime.core import FloatArray
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.random import numbered_keys

LEAK = 1
"""The column of the tank's leak."""


def ensembles(seed: int, twins: int, members: int, variables: int) -> FloatArray:
    """Correlated members far from zero, in very different units."""
    rng = np.random.default_rng(seed)
    drawn: FloatArray = 10.0 + rng.normal(size=(twins, members, variables)) @ rng.normal(size=(variables, variables))
    return drawn * np.logspace(-3, 3, variables)


def shrunk(x: FloatArray, discount: FloatArray | float, tick: int = 0, seed: int = 1) -> FloatArray:
    after: FloatArray = x.copy()
    shrink(after, np.broadcast_to(discount, x.shape[2:]), numbered_keys(seed, len(x)), tick)
    return after


def of(x: FloatArray) -> FloatArray:
    """Members in units of their standard deviations."""
    deviations: FloatArray = (x - x.mean(axis=0)) / x.std(axis=0)
    return deviations


@given(st.integers(1, 5), st.integers(0, 30), st.floats(0.51, 0.999), st.integers(0, 9))
def test_mean_and_covariance_are_kept(variables: int, more: int, discount: float, seed: int) -> None:
    x = ensembles(seed, 2, 2 * variables + 2 + more, variables)
    after = shrunk(x, discount, tick=seed)
    for before, ensemble in zip(x, after, strict=True):
        scale = before.std(axis=0)
        assert_close(ensemble.mean(axis=0) / scale, before.mean(axis=0) / scale)
        assert_close(covariance(ensemble / scale), covariance(before / scale))


@given(st.integers(1, 4), st.floats(0.51, 0.999))
def test_members_keep_as_much_of_themselves_as_the_discount_leaves(variables: int, discount: float) -> None:
    """The correlation of a parameter with itself a tick before is a = (3 d - 1) / (2 d), exactly."""
    [x] = ensembles(3, 1, 40, variables)
    [after] = shrunk(x[None], discount)
    correlation = (of(x) * of(after)).mean(axis=0)
    np.testing.assert_allclose(correlation, (3.0 * discount - 1.0) / (2.0 * discount), rtol=1e-9)


def test_where_discounts_differ_the_variances_are_kept() -> None:
    [x] = ensembles(4, 1, 40, 3)
    [after] = shrunk(x[None], np.array([0.6, 1.0, 0.95]))
    np.testing.assert_allclose(after.std(axis=0), x.std(axis=0), rtol=1e-9)
    assert after[:, 1].tobytes() == x[:, 1].tobytes()
    assert abs(np.corrcoef(after.T)[0, 2]) < abs(np.corrcoef(x.T)[0, 2])


def test_what_is_drawn_anew_is_normal() -> None:
    """40 000 members, half of them at each of two values: with d = 0.55 only a tenth of what they were is left in them.

    The kurtosis of two values is 1, that of a normal distribution is 3, and its own error here is 0.025.
    """
    x = np.repeat([-1.0, 1.0], 20_000)[None, :, None]
    after = of(shrunk(x, 0.55)[0])[:, 0]
    a = (3 * 0.55 - 1) / (2 * 0.55)
    expected = 3.0 - 2.0 * a**4
    assert (after**4).mean() == pytest.approx(expected, abs=5 * 0.025)
    assert (after**3).mean() == pytest.approx(0.0, abs=5 * np.sqrt(15 / 40_000))


def test_parameters_that_are_known_or_depend_on_each_other_stay_so() -> None:
    [x] = ensembles(5, 1, 30, 3)
    x[:, 1], x[:, 2] = 4.0, 2.0 * x[:, 0] + 1.0
    [after] = shrunk(x[None], 0.9)
    np.testing.assert_allclose(after[:, 1], 4.0, rtol=1e-12)
    np.testing.assert_allclose(after[:, 2], 2.0 * after[:, 0] + 1.0, rtol=1e-9)
    np.testing.assert_allclose(after[:, 0].std(), x[:, 0].std(), rtol=1e-9)


def test_a_twin_does_not_depend_on_the_others_and_ticks_differ() -> None:
    x = ensembles(6, 3, 12, 4)
    together, alone = shrunk(x, 0.9), x[1:2].copy()
    shrink(alone, np.full(4, 0.9), numbered_keys(1, 3)[1:2], 0)
    assert alone.tobytes() == together[1:2].tobytes()
    different = {shrunk(x, 0.9, tick, seed).tobytes() for tick in (0, 1) for seed in (1, 2)}
    assert len(different) == 4


def test_in_a_long_silence_the_spread_neither_grows_nor_collapses() -> None:
    x = ensembles(7, 1, 20, 2)
    after = x
    for number in range(5000):
        after = shrunk(after, 0.95, number)
    np.testing.assert_allclose(after.std(axis=1), x.std(axis=1), rtol=1e-6)
    np.testing.assert_allclose(after.mean(axis=1), x.mean(axis=1), atol=1e-6 * x.std(axis=1).max())


def test_a_particle_filter_keeps_many_values_of_a_parameter_and_finds_what_bayes_finds() -> None:
    """A mean is read 200 times, in 20 replicates: the posterior's standard deviation is (1 + 200 / 4)^-1/2.

    Plain copies end with few of their values. The mean of 470 values that are worth about
    half of them has an error of 1/15 sd, and resampling adds to it: the bound is a third of an sd, in the mean square.
    """
    rng, members, replicates, readings = np.random.default_rng(8), 500, 20, 200
    x = rng.normal(size=(replicates, members, 1))
    values = rng.normal(size=(replicates, 1)) + 2.0 * rng.normal(size=(replicates, readings))
    plain, moved, variance = x, x, np.full((replicates, 1), 4.0)
    for k in range(readings):
        given = AnalysisInput(plain, plain, values[:, k : k + 1], variance, numbered_keys(1, replicates), k)
        plain = ParticleFilter(0.0).update(given)
        moved = shrunk(moved, 0.99, k)
        moved = ParticleFilter(0.0).update(given._replace(x=moved, predicted=moved))
    assert max(len(np.unique(ensemble)) for ensemble in plain) < 0.2 * members
    assert min(len(np.unique(ensemble)) for ensemble in moved) > 0.8 * members
    sd = (1.0 + readings / 4.0) ** -0.5
    exact = values.sum(axis=1) / 4.0 * sd**2
    assert np.sqrt(np.mean((moved.mean(axis=1)[:, 0] - exact) ** 2)) < sd / 3.0
    assert moved.std(axis=1).mean() == pytest.approx(sd, rel=0.1)


def test_the_tick_shrinks_where_it_would_walk() -> None:
    """Resampling leaves copies; what a shrunk leak is, is another number for every member in the next tick."""
    still = replace(
        tanks(1, members=40),
        model=Tank(walk={"leak": 0.0}),
        method=ParticleFilter(0.0),
        discount=np.array([1, 0.98, 1]),
    )
    state, rows = still.start(), np.arange(1)
    for number in range(20):
        state, _ = tick(still, state, START + number, [gauge(number, 1.0)], rows)
    copied = replace(still, discount=None)
    lost = copied.start()
    for number in range(20):
        lost, _ = tick(copied, lost, START + number, [gauge(number, 1.0)], rows)
    assert len(np.unique(state.x[0, :, LEAK])) > 2 * len(np.unique(lost.x[0, :, LEAK]))
