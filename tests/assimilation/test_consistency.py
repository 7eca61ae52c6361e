"""How large errors are against the spread, when everything is linear and normal and the ensemble is small.

The truth is one more draw from where the members come from. All that is known in closed form; thousands of twins are as
many replicates. Four standard errors: a right filter fails one comparison in 16 000, and this file for one seed in 100.
"""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, f, kstest

from twin_runtime.assimilation import AnalysisInput, Assimilator, Ensrf, Etkf
from twin_runtime.assimilation.conformance import covariance
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys

TWINS = 20_000


def drawn(seed: int, twins: int, members: int, states: int) -> tuple[FloatArray, FloatArray]:
    """Truths ``[twin, state]`` and ensembles, of correlated states."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(states, states))
    together = rng.normal(size=(twins, members + 1, states)) @ mixing
    return together[:, 0], np.ascontiguousarray(together[:, 1:])


def assert_mean(values: FloatArray, expected: float) -> None:
    """Within four standard errors."""
    assert abs(values.mean() - expected) < 4.0 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize("members", [3, 10, 32])
def test_errors_of_a_forecast_exceed_its_spread_by_the_root_of_1_plus_1_over_n(members: int) -> None:
    truth, x = drawn(90, TWINS, members, 1)
    errors, spreads = np.square(x.mean(1) - truth)[:, 0], x.var(1, ddof=1)[:, 0]
    assert_mean(errors - (1.0 + 1.0 / members) * spreads, 0.0)


@pytest.mark.parametrize("method", [Etkf(), Ensrf()])
@pytest.mark.parametrize("noise", [0.25, 1.0, 25.0])
@pytest.mark.parametrize("members", [3, 10, 32])
def test_errors_and_spread_of_an_analysis(members: int, noise: float, method: Assimilator) -> None:
    """For a state of unit variance the sample variance s is chi-squared, and everything else a function of it."""
    rng = np.random.default_rng(91)
    x, truth = rng.normal(size=(TWINS, members, 1)), rng.normal(size=(TWINS, 1))
    observed, variance = truth + noise**0.5 * rng.normal(size=(TWINS, 1)), np.full((TWINS, 1), noise)
    analysis = method.update(AnalysisInput(x, x, observed, variance, numbered_keys(1, TWINS), 0))

    def expected(of: int) -> float:
        sample = chi2(members - 1, scale=1.0 / (members - 1))

        def value(s: float) -> float:
            gain = s / (s + noise)
            error = (1.0 - gain) ** 2 * (1.0 + 1.0 / members) + gain**2 * noise
            return float(sample.pdf(s) * (error, (1.0 - gain) * s)[of])

        return float(quad(value, 0.0, np.inf, limit=200)[0])

    assert_mean(np.square(analysis.mean(1) - truth)[:, 0], expected(0))
    assert_mean(analysis.var(1, ddof=1)[:, 0], expected(1))


@pytest.mark.parametrize(("members", "states"), [(10, 3), (20, 3), (32, 8)])
def test_normalised_errors_follow_hotelling(members: int, states: int) -> None:
    """Hotelling 1931 (Ann Math Stat 2:360-378); p = 0.001: a right ensemble fails one time in a thousand."""
    truth, x = drawn(92, 4000, members, states)
    nees = np.empty(len(x))
    for twin, ensemble in enumerate(x):
        away = truth[twin] - ensemble.mean(0)
        nees[twin] = away @ np.linalg.solve(covariance(ensemble), away)
    unit = (1.0 + 1.0 / members) * states * (members - 1) / (members - states)
    assert kstest(nees / unit, f(states, members - states).cdf).pvalue > 0.001
    if members > states + 10:  # else a few twins make the mean
        mean = (1.0 + 1.0 / members) * (members - 1) / (members - states - 2)
        assert_mean(nees / states, mean)
