"""Priors: their values in their own unit, and the errors for what makes no sense."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import physical
from twin_runtime.modelling.variables import Bounded, Fixed, LogNormal, Normal, Prior, State


def test_the_centre_of_a_prior_is_its_median() -> None:
    assert Normal(80.0, 15.0).physical(80.0) == 80.0
    lognormal, bounded, middle = LogNormal(1.5, 0.3), Bounded(0.1, 3.0, median=1.0), Bounded(-2.0, 4.0)
    assert lognormal.physical(lognormal.centre) == pytest.approx(1.5, rel=1e-15)
    assert bounded.physical(bounded.centre) == pytest.approx(1.0, rel=1e-15)
    assert middle.physical(middle.centre) == 1.0
    assert Fixed(0.5) == Prior(Normal(0.5, 1.0).space, 0.5, 0.0)


def test_a_standard_deviation_of_a_lognormal_is_about_a_share() -> None:
    prior = LogNormal(2.0, 0.1)
    assert prior.physical(prior.centre + prior.sd) == pytest.approx(2.0 * math.exp(0.1))


@given(st.floats(-30.0, 30.0))
def test_a_transformed_variable_keeps_to_its_bounds_wherever_the_filter_takes_it(value: float) -> None:
    assert LogNormal(1.0, 1.0).physical(value) > 0.0
    assert -1.0 <= Bounded(-1.0, 2.0).physical(value) <= 2.0


@given(st.floats(0.001, 0.999))
def test_there_and_back(share: float) -> None:
    bounded = Bounded(-1.0, 2.0, median=-1.0 + 3.0 * share)
    assert bounded.physical(bounded.centre) == pytest.approx(-1.0 + 3.0 * share, rel=1e-12, abs=1e-12)
    assert LogNormal(share, 0.1).physical(LogNormal(share, 0.1).centre) == pytest.approx(share, rel=1e-14)


def test_an_ensemble_is_transformed_as_each_value_is() -> None:
    variables = [State(f"v{j}", "1", p) for j, p in enumerate((Normal(1, 2), LogNormal(3, 0.5), Bounded(0, 5, 1)))]
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    values = physical(x, variables)
    for (i, j, k), value in np.ndenumerate(values):
        assert value == pytest.approx(variables[k].prior.physical(float(x[i, j, k])), rel=1e-15)
    assert not np.shares_memory(values, x)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: Normal(1.0, -0.1), "deviation above 0, got -0.1; remedy: give sd > 0, or Fixed(1) for what is known"),
        (lambda: Normal(1.0, 0.0), "a standard deviation above 0, got 0.0; remedy: give sd > 0, or Fixed(1) for what"),
        (lambda: Normal(1.0, math.nan), "a standard deviation above 0, got nan; remedy: give sd > 0, or Fixed(1)"),
        (lambda: Normal(1.0, math.inf), "a standard deviation above 0, got inf; remedy: give sd > 0, or Fixed(1)"),
        (lambda: Normal(math.nan, 1.0), "a mean that is a number, got nan; remedy: give a finite number"),
        (lambda: Fixed(math.inf), "a value that is a number, got inf; remedy: give a finite number"),
        (lambda: LogNormal(math.inf, 1.0), "a median that is a number, got inf; remedy: give a finite number"),
        (
            lambda: LogNormal(80.0, 15.0),
            "the sd of a lognormal prior is that of its logarithm, and 15 is wider than 5; remedy: for 15 of 80 in its "
            "own unit, write LogNormal(80, 0.17)",
        ),
        (lambda: Bounded(0.0, 1.0, sd=20.0), "that of its logit, and 20 is wider than 5; remedy: 1 fills the range"),
        (
            lambda: Bounded(0.0, 1.0, sd=0.0),
            "a standard deviation above 0, got 0.0; remedy: give sd > 0, or Fixed(0.5)",
        ),
        (lambda: Bounded(0.0, math.inf, 1.0), "needs low < median < high, got 0.0, 1.0, inf"),
        (lambda: LogNormal(0.0, 0.3), "needs a positive median, got 0.0; remedy: give a median above 0"),
        (lambda: LogNormal(1.0, -1.0), "a standard deviation above 0, got -1.0; remedy: give sd > 0, or Fixed(1)"),
        (lambda: Bounded(2.0, 1.0), "needs low < median < high, got 2.0, 1.5, 1.0; remedy: order the three numbers"),
        (lambda: Bounded(0.0, 1.0, median=1.0), "low < median < high, got 0.0, 1.0, 1.0; remedy: order the three"),
        (lambda: Bounded(0.0, math.nan), "needs low < median < high, got 0.0, nan, nan; remedy: order the three"),
    ],
)
def test_a_prior_that_makes_no_sense_is_refused_with_its_remedy(made: Callable[[], Prior], expected: str) -> None:
    with pytest.raises(ModelError) as refused:
        made()
    assert expected in str(refused.value)
