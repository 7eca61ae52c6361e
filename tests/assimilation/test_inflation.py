"""Inflation: how much, about what, and never where nothing was observed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation import AnalysisInput, Etkf, Inflation, InflationMemory
from twin_runtime.assimilation.conformance import assert_close, random_problem
from twin_runtime.core import FloatArray

problems = st.builds(
    random_problem,
    seed=st.integers(0, 2**32),
    twins=st.integers(1, 3),
    members=st.integers(2, 30),
    states=st.integers(1, 150),
    observations=st.integers(1, 4),
)
shares = st.floats(0.0, 1.0)


def inflate(inflation: Inflation, problem: AnalysisInput, analysis: FloatArray) -> None:
    """Inflate in place; nothing is remembered."""
    inflation(problem, analysis, InflationMemory.unknown(len(analysis), 0))


def updated(problem: AnalysisInput, inflation: Inflation) -> tuple[FloatArray, FloatArray]:
    """The analysis without and with inflation."""
    plain = Etkf().update(problem)
    inflated = plain.copy()
    inflate(inflation, problem, inflated)
    return plain, inflated


@given(problems, shares)
def test_relaxation_mixes_the_spreads_and_keeps_the_mean(problem: AnalysisInput, share: float) -> None:
    plain, inflated = updated(problem, Inflation(rtps=share))
    expected = share * problem.x.std(1) + (1 - share) * plain.std(1)
    assert_close(inflated.std(1), expected)
    assert_close(inflated.mean(1), plain.mean(1))


@given(problems)
def test_full_relaxation_restores_the_prior_spread(problem: AnalysisInput) -> None:
    _, inflated = updated(problem, Inflation(rtps=1.0))
    assert_close(inflated.std(1), problem.x.std(1))


@given(problems, st.floats(1.0, 2.0))
def test_a_factor_multiplies_the_anomalies_up_to_the_spread_of_the_forecast(
    problem: AnalysisInput, factor: float
) -> None:
    plain, inflated = updated(problem, Inflation(factor))
    mean, taken = plain.mean(1, keepdims=True), problem.x.std(1, keepdims=True) / plain.std(1, keepdims=True)
    assert_close(inflated, mean + np.clip(taken, 1.0, factor) * (plain - mean))


@given(problems, st.floats(1.0, 2.0), shares, shares)
def test_nothing_gets_more_spread_than_its_forecast_had(
    problem: AnalysisInput, factor: float, rtps: float, rtpp: float
) -> None:
    _, inflated = updated(problem, Inflation(factor, rtps, rtpp))
    assert np.all(inflated.std(1) <= problem.x.std(1) * (1 + 1e-12))


@given(problems, shares)
def test_relaxation_of_the_perturbations_mixes_the_anomalies(problem: AnalysisInput, share: float) -> None:
    plain, inflated = updated(problem, Inflation(rtpp=share))
    before, mean = problem.x - problem.x.mean(1, keepdims=True), plain.mean(1, keepdims=True)
    assert_close(inflated, mean + share * before + (1 - share) * (plain - mean))


@given(problems)
def test_the_defaults_do_nothing(problem: AnalysisInput) -> None:
    plain, inflated = updated(problem, Inflation())
    assert inflated.tobytes() == plain.tobytes()


@given(problems)
def test_a_twin_without_observations_is_left_alone(problem: AnalysisInput) -> None:
    problem.observed[0] = np.nan
    _, inflated = updated(problem, Inflation(1.5, 0.5, 0.5))
    assert inflated[0].tobytes() == problem.x[0].tobytes()


def test_relaxation_leaves_what_the_update_left() -> None:
    """A column that no sensor informs keeps its bits, whatever the share."""
    problem = random_problem(seed=8, twins=1, members=16, states=3, observations=1)
    analysis = problem.x.copy()
    analysis[:, :, 0] *= 0.5
    before = analysis.copy()
    inflate(Inflation(rtps=0.37, rtpp=0.2), problem, analysis)
    assert analysis[:, :, 1:].tobytes() == before[:, :, 1:].tobytes()
    assert analysis[:, :, 0].std() > before[:, :, 0].std()


@pytest.mark.parametrize("inflation", [Inflation(1.1), Inflation(rtps=0.5), Inflation(rtpp=0.5)])
def test_a_collapsed_column_stays_as_it_is(inflation: Inflation) -> None:
    problem = random_problem(seed=9, twins=1, members=8, states=2, observations=1)
    problem.x[:, :, 1] = 0.1
    _, inflated = updated(problem, inflation)
    assert np.all(inflated[:, :, 1] == 0.1)
