"""Adaptive inflation: it finds how much is needed, forgets it, and leaves alone what no sensor informs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import invgamma

from twin_runtime.assimilation import AdaptiveInflation, AnalysisInput, Etkf, InflationMemory
from twin_runtime.assimilation.adaptive import Innovation, estimated, shape_of
from twin_runtime.assimilation.conformance import of_twins, random_problem
from twin_runtime.core import FloatArray

MEMBERS = 64


@given(st.floats(0.6, 10.0), st.floats(0.05, 0.9))
def test_the_distribution_has_the_mode_and_the_deviation_asked_for(mode: float, sd: float) -> None:
    alpha = shape_of(mode, sd)
    assert invgamma(alpha, scale=mode * (alpha + 1.0)).std() == pytest.approx(sd, rel=1e-6)


@pytest.mark.parametrize("needed", [1.0, 1.5, 2.5])
def test_innovations_tell_how_much_is_needed(needed: float) -> None:
    """Innovations drawn with the variance that an inflation explains, for a spread like the observation's error.

    Over 20 seeds the mean came out 2 % too large at most, with a deviation of 3 %: it fails for one seed in 100.
    """
    rng, mode, sd, found = np.random.default_rng(30), 1.0, 0.6, []
    for innovation in rng.normal(0.0, np.sqrt(needed + 1.0), 10_000):
        mode, sd = estimated(mode, sd, Innovation(1.0, innovation**2, 1.0, MEMBERS), 0.1)
        found.append(mode)
    assert np.mean(found[5000:]) == pytest.approx(needed, rel=0.1)


def surprising(twins: int = 1) -> AnalysisInput:
    """Two states of which one is observed, far from what is predicted; the other has nothing to do with it."""
    problem = random_problem(31, twins, MEMBERS, 2, 1)
    a, b = problem.x[:, :, :1], problem.x[:, :, 1:].copy()
    a = a - a.mean(1, keepdims=True)
    b = b - a * (a * b).sum(1, keepdims=True) / (a * a).sum(1, keepdims=True)
    a, b = a / a.std(1, keepdims=True), b / b.std(1, keepdims=True)
    x, far = np.concatenate([a, b], axis=2), np.full((twins, 1), 5.0)
    return problem._replace(x=x, predicted=a.copy(), observed=far, variance=np.ones((twins, 1)))


def inflated(problem: AnalysisInput, memory: InflationMemory) -> tuple[FloatArray, FloatArray]:
    """The analysis without and with inflation."""
    plain = Etkf().update(problem)
    wider = plain.copy()
    AdaptiveInflation()(problem, wider, memory)
    return plain, wider


def test_a_surprise_widens_what_was_observed_and_nothing_else() -> None:
    problem, memory = surprising(), InflationMemory.unknown(1, 2)
    plain, wider = inflated(problem, memory)
    assert memory.mode[0, 0] > 1.1
    assert wider[0, :, 0].var() == pytest.approx(plain[0, :, 0].var() * memory.mode[0, 0])
    assert wider[:, :, 1].tobytes() == plain[:, :, 1].tobytes()
    np.testing.assert_allclose(wider.mean(1), plain.mean(1), atol=1e-12)


def test_what_is_not_observed_any_more_is_forgotten() -> None:
    problem, memory = surprising(), InflationMemory(np.full((1, 2), 3.0), np.full((1, 2), 0.3))
    for _ in range(50):
        inflated(problem, memory)
    assert memory.mode[0, 0] > 1.1
    assert memory.mode[0, 1] == pytest.approx(1.0, abs=0.02)


def test_a_twin_without_observations_is_left_alone() -> None:
    problem, memory = surprising(twins=2), InflationMemory(*np.full((2, 2, 2), 1.5))
    problem.observed[0] = np.nan
    plain, wider = inflated(problem, memory)
    assert wider[0].tobytes() == plain[0].tobytes()
    assert all((column[0] == 1.5).all() for column in memory)
    assert any((column[1] != 1.5).any() for column in memory)


def test_a_twin_does_not_depend_on_the_others() -> None:
    problem, memory = random_problem(32, 3, 20, 4, 3), InflationMemory.unknown(3, 4)
    _, together = inflated(problem, memory)
    for twin in range(3):
        alone = InflationMemory.unknown(1, 4)
        assert inflated(of_twins(problem, [twin]), alone)[1].tobytes() == together[twin].tobytes()
        assert [column.tobytes() for column in alone] == [column[twin].tobytes() for column in memory]
