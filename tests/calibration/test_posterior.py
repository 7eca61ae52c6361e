"""Posteriors in the words of a configuration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.calibration.posterior import interval, posteriors, spelled
from twin_runtime.config.against_priors import prior_of
from twin_runtime.modelling.variables import Bounded, LogNormal, Normal, Parameter, Prior

medians = st.floats(0.15, 2.9)
spreads = st.floats(1e-4, 2.0)
made = st.one_of(
    st.builds(Normal, st.floats(-100.0, 100.0), spreads),
    st.builds(LogNormal, medians, spreads),
    st.builds(Bounded, st.just(0.1), st.just(3.0), medians, spreads),
)


@given(made)
def test_what_is_written_is_read_again(prior: Prior) -> None:
    """To nine digits: an error of 1e-9 of a median, and of up to 30 times that in a logit close to a bound."""
    again = prior_of(spelled(prior))
    assert (again.space, again.low, again.high) == (prior.space, prior.low, prior.high)
    assert again.centre == pytest.approx(prior.centre, rel=1e-8, abs=3e-8)
    assert again.sd == pytest.approx(prior.sd, rel=1e-8)


def test_an_interval_is_in_the_variables_own_unit() -> None:
    median, low, high = interval(LogNormal(2.0, 0.1))
    assert median == pytest.approx(2.0)
    assert (low, high) == pytest.approx((2.0 * math.exp(-0.1644854), 2.0 * math.exp(0.1644854)), rel=1e-6)


def test_it_has_the_mean_and_the_spread_of_the_members_in_the_variables_space() -> None:
    members = np.array([[0.0, 1.0], [0.5, 3.0], [1.0, 8.0]])
    variables = [Parameter("a", "m", LogNormal(1.0, 2.0)), Parameter("b", "1", Bounded(0.0, 1.0, sd=3.5))]
    [second, first] = posteriors(variables, [1, 0], members)
    assert (first.name, first.unit, second.name) == ("a", "m", "b")
    assert (first.posterior.centre, first.posterior.sd) == (0.5, 0.5)
    assert (first.kept, second.kept) == pytest.approx((0.25, math.sqrt(13.0) / 3.5))
    assert (second.prior.low, second.posterior.high) == (0.0, 1.0)
