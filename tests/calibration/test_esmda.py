"""ES-MDA: many small assimilations of the same readings make one large one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calibration.linear import linear, slopes
from twin_runtime.assimilation import AnalysisInput, Enkf
from twin_runtime.assimilation.conformance import assert_close
from twin_runtime.calibration import EsMda
from twin_runtime.calibration.esmda import leading
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.random import numbered_keys


@given(st.integers(1, 20), st.floats(1.0, 5.0))
def test_the_inverse_coefficients_sum_to_one(steps: int, decrease: float) -> None:
    coefficients = EsMda(steps, decrease).coefficients
    assert (1.0 / coefficients).sum() == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(coefficients[:-1] / coefficients[1:], decrease)


@given(st.integers(2, 12), st.integers(1, 5), st.integers(1, 40), st.integers(0, 5))
def test_one_step_is_the_ensemble_kalman_filter_with_perturbed_observations(
    members: int, variables: int, readings: int, seed: int
) -> None:
    problem = linear(seed, variables, readings)
    x = problem.prior(np.random.default_rng(seed), members)
    predicted = problem.forward(x)
    read = problem.value[None], problem.variance[None]
    theirs = Enkf().update(AnalysisInput(x[None], predicted[None], *read, numbered_keys(seed, 5)[4:], 0))[0]
    assert_close(EsMda(1).smooth(x, problem.forward, problem.observed(seed, 4)).members, theirs)


@pytest.mark.parametrize("decrease", [1.0, 2.0])
def test_any_number_of_steps_converges_to_bayes_like_one_over_the_root_of_the_members(decrease: float) -> None:
    """Of 200 replicates of two variables that matter each error is known to 4 %, and the slope to 0.04.

    A slope through three sizes evenly apart would not be known better: the one in the middle has no weight. Smaller
    ensembles have errors of second order, 1 / N, that each step adds to.
    """
    for slope in slopes(EsMda(4, decrease), linear(4), [64, 256], replicates=200):
        assert abs(slope + 0.5) < 0.1


class TestEnergy:
    """Three variables move the predictions in three directions."""

    problem = linear(5, variables=3, readings=30)
    x = problem.prior(np.random.default_rng(5), 20)

    def after(self, energy: float) -> FloatArray:
        return EsMda(2, energy=energy).smooth(self.x, self.problem.forward, self.problem.observed(1)).members

    def test_directions_that_carry_none_can_be_left_out(self) -> None:
        np.testing.assert_allclose(self.after(1.0 - 1e-9), self.after(1.0), atol=1e-6)

    def test_what_is_left_out_learns_nothing(self) -> None:
        """With the largest direction alone, the members move along a line in the first step, and in the second."""
        gained = self.after(0.01) - self.x
        assert np.linalg.matrix_rank(gained, tol=1e-9) <= 2
        assert np.linalg.matrix_rank(self.after(1.0) - self.x, tol=1e-9) == 3

    def test_the_fewest_directions_are_taken_that_carry_the_share(self) -> None:
        gram = np.diag([1.0, 5.0, 3.0, 1.0])
        for energy, sizes in ((0.49, [5.0]), (0.51, [3.0, 5.0]), (0.79, [3.0, 5.0]), (0.95, [1.0, 1.0, 3.0, 5.0])):
            np.testing.assert_allclose(leading(gram, energy)[0], sizes)


def test_the_misfit_is_reported_of_the_prior_and_after_every_step() -> None:
    problem = linear(6)
    x = problem.prior(np.random.default_rng(6), 50)
    smoothed = EsMda(3).smooth(x, problem.forward, problem.observed(1))
    assert len(smoothed.misfits) == 4
    plain = ((problem.value - problem.forward(x).mean(axis=0)) ** 2 / problem.variance).mean()
    assert smoothed.misfits[0].of_mean == pytest.approx(plain)
    assert smoothed.misfits[-1].of_members < smoothed.misfits[0].of_members
    assert_close(smoothed.predicted, problem.forward(smoothed.members))


class TestDivergingMembers:
    """A model that has no answer where the first variable is too large."""

    problem = linear(7)

    def forward(self, members: FloatArray, limit: float) -> FloatArray:
        return np.where(members[:, :1] > limit, np.nan, self.problem.forward(members))

    def smoothed(self, limit: float) -> int:
        x = self.problem.prior(np.random.default_rng(7), 40)
        limit = float(np.quantile(x[:, 0], limit))
        smoothed = EsMda(2).smooth(x, lambda members: self.forward(members, limit), self.problem.observed(1))
        assert np.isfinite(smoothed.members).all()
        assert len(smoothed.members) == 40 - smoothed.dropped
        return smoothed.dropped

    def test_they_are_left_out_and_counted(self) -> None:
        assert self.smoothed(0.8) >= 8

    def test_too_few_that_are_left_are_an_error(self) -> None:
        with pytest.raises(ModelError, match=r"24 of 40 members diverged.*remedy: narrow the priors"):
            self.smoothed(0.4)


def test_readings_that_no_member_moves_teach_nothing() -> None:
    problem = linear(8)
    x = problem.prior(np.random.default_rng(8), 10)
    smoothed = EsMda().smooth(x, lambda members: np.ones((len(members), 6)), problem.observed(1))
    assert_close(smoothed.members, x)
