"""Figures of an ensemble, against NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twin_runtime.core import FIGURES, FloatArray
from twin_runtime.vvuq.figures import PriorReference, compare_with_prior, sort_members, summarise

ensembles = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(2, 70), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32),
)


@given(ensembles)
def test_the_figures_are_those_of_numpy(values: FloatArray) -> None:
    figures = summarise(values.copy())
    expected = np.stack(
        [values.mean(axis=1), values.std(axis=1, ddof=1), *np.quantile(values, (0.05, 0.5, 0.95), axis=1)], axis=-1
    )
    assert figures.shape[-1] == len(FIGURES)
    # Sums in another order: a few roundings of the largest value.
    np.testing.assert_allclose(figures, expected, rtol=1e-12, atol=1e-12 * max(1.0, float(np.abs(values).max())))


@given(ensembles)
def test_members_are_sorted_for_each_quantity_by_itself(values: FloatArray) -> None:
    ordered = values[0].copy()
    sort_members(ordered)
    np.testing.assert_array_equal(ordered, np.sort(values[0], axis=0))


def test_quantiles_of_a_normal_ensemble_are_the_normal_ones() -> None:
    """20 000 members: the standard error of the 5 % quantile is sqrt(0.05 x 0.95 / n) / 0.1031 = 0.015; 4 of them."""
    mean, sd, *quantiles = summarise(np.random.default_rng(1).normal(3.0, 1.0, (1, 20_000, 1)))[0, 0]
    assert mean == pytest.approx(3.0, abs=4 / np.sqrt(20_000))
    assert sd == pytest.approx(1.0, abs=4 / np.sqrt(40_000))
    assert quantiles == pytest.approx([3.0 - 1.6449, 3.0, 3.0 + 1.6449], abs=0.06)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_quantity_that_is_not_finite_has_no_figures_and_leaves_the_others_theirs(wrong: float) -> None:
    values = np.random.default_rng(2).normal(size=(2, 9, 3))
    clean = summarise(values.copy())
    values[1, 4, 2] = wrong
    figures = summarise(values.copy())
    assert not np.isfinite(figures[1, 2, :2]).any()
    figures[1, 2] = clean[1, 2]
    assert figures.tobytes() == clean.tobytes()


WALK = [0.3, 0.0, 0.0]


def prior(centre: list[float], sd: list[float], corrected: list[int], parameters: list[int]) -> PriorReference:
    """The prior, and which columns are compared with it."""
    return PriorReference(
        np.array(centre),
        np.array(sd),
        np.array(WALK[: len(sd)]),
        np.array(corrected, np.int64),
        np.array(parameters, np.int64),
    )


class TestComparedWithPrior:
    def test_the_spread_left_is_the_smallest_ratio_of_the_columns_that_are_compared(self) -> None:
        x = np.random.default_rng(3).normal(size=(4, 30, 3)) * [1.0, 0.01, 5.0]
        sd = [2.0, 1.0, 1.0]
        ratios = x.std(axis=1, ddof=1) / sd
        for compared in ([0, 2], [0, 1, 2]):
            left, _ = compare_with_prior(x, prior([0.0] * 3, sd, compared, []), np.zeros((4, 3)))
            np.testing.assert_allclose(left, ratios[:, compared].min(axis=1), rtol=1e-12)

    def test_the_furthest_mean_has_strayed_in_units_of_the_prior(self) -> None:
        x = np.random.default_rng(5).normal([10.0, -3.0, 0.0], size=(4, 30, 3))
        _, strayed = compare_with_prior(
            x, prior([9.0, 0.0, 100.0], [2.0, 0.5, 1.0], [0, 1, 2], [0, 1]), np.zeros((4, 3))
        )
        np.testing.assert_allclose(strayed, np.abs(x.mean(1)[:, 1]) / 0.5, rtol=1e-12)

    def test_a_walk_may_take_a_parameter_anywhere_in_time(self) -> None:
        x = np.random.default_rng(6).normal([10.0, 0.0, 0.0], size=(2, 30, 3))
        _, strayed = compare_with_prior(
            x, prior([0.0] * 3, [0.4, 1.0, 1.0], [], [0]), np.array([[0.0, 0.0, 0.0], [900.0, 70.0, 30.0]])
        )
        expected = x.mean(1)[:, 0] / np.sqrt([0.4**2, 0.4**2 + 1000 * 0.3**2])
        np.testing.assert_allclose(strayed, expected, rtol=1e-12)

    def test_where_nothing_is_compared_nothing_can_collapse_or_stray(self) -> None:
        left, strayed = compare_with_prior(np.zeros((2, 5, 3)), prior([1.0] * 3, [1.0] * 3, [], []), np.zeros((2, 3)))
        assert np.isposinf(left).all()
        assert not strayed.any()

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
    def test_one_member_that_is_not_finite_is_enough_even_in_a_column_that_is_not_compared(self, wrong: float) -> None:
        x = np.random.default_rng(4).normal(size=(3, 8, 2))
        x[1, 5, 1] = wrong
        left, _ = compare_with_prior(x, prior([0.0] * 2, [1.0] * 2, [0], [0]), np.zeros((3, 3)))
        assert np.isnan(left).tolist() == [False, True, False]
