"""The iterative ensemble smoother: every member at the minimum of its own cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calibration.linear import cubic, integrated, linear
from twin_runtime.assimilation.conformance import assert_close
from twin_runtime.calibration import EsMda, Ies, Smoother
from twin_runtime.calibration.gram_matrices import Observed, gram_matrices
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.random import numbered_keys

FAR = Observed(np.array([5.0]), np.array([0.25]), numbered_keys(1, 1)[0])
"""A reading that a standard normal x explains only at 3 sd: the slope of the cubic model is 4 times steeper there."""


@given(st.integers(3, 12), st.integers(1, 20), st.integers(1, 40), st.integers(0, 5))
def test_of_a_linear_model_one_full_step_is_the_answer(members: int, variables: int, readings: int, seed: int) -> None:
    """It is that of one assimilation, which converges to Bayes' rule; and a second step finds nothing better."""
    problem = linear(seed, variables, readings)
    x = problem.prior(np.random.default_rng(seed), members)
    once = EsMda(1).smooth(x, problem.forward, problem.observed(seed)).members
    assert_close(Ies(1).smooth(x, problem.forward, problem.observed(seed)).members, once)
    assert_close(Ies(5).smooth(x, problem.forward, problem.observed(seed)).members, once)


def test_shorter_steps_lead_there_too() -> None:
    problem = linear(2)
    x = problem.prior(np.random.default_rng(2), 20)
    once = EsMda(1).smooth(x, problem.forward, problem.observed(1)).members
    halves = Ies(60, length=0.5, tolerance=0.0).smooth(x, problem.forward, problem.observed(1)).members
    np.testing.assert_allclose(halves, once, atol=1e-6)


def test_a_settled_search_does_not_run_the_model_again() -> None:
    problem, runs = linear(4), []

    def forward(members: FloatArray) -> FloatArray:
        runs.append(len(members))
        return problem.forward(members)

    Ies(50).smooth(problem.prior(np.random.default_rng(4), 20), forward, problem.observed(1))
    assert len(runs) == 3


class TestCubic:
    """One assimilation extrapolates the slope at the prior, and overshoots; iterations find the way."""

    x = np.random.default_rng(11).normal(size=(400, 1))

    def after(self, smoother: Smoother) -> tuple[float, float, float]:
        """Mean and standard deviation of the posterior, and the misfit of its members."""
        smoothed = smoother.smooth(self.x, cubic, FAR)
        return float(smoothed.members.mean()), float(smoothed.members.std()), smoothed.misfits[-1].of_members

    def test_iterations_fit_better_than_one_assimilation_and_are_nearer_to_bayes(self) -> None:
        mean, sd = integrated(cubic, FAR)
        once, steps, iterated = (self.after(smoother) for smoother in (EsMda(1), EsMda(8), Ies(20)))
        for better in (steps, iterated):
            assert better[2] < 0.5 * once[2]
            assert abs(better[0] - mean) < 0.25 * abs(once[0] - mean)
        assert iterated[0] == pytest.approx(mean, abs=0.2 * sd)
        assert iterated[1] == pytest.approx(sd, rel=0.2)

    def test_the_cost_never_rises(self) -> None:
        costs = []
        for runs in range(1, 8):
            smoothed = Ies(runs, tolerance=0.0).smooth(self.x, cubic, FAR)
            moved = ((smoothed.members - self.x) ** 2).sum(axis=1) / self.x.var(ddof=1)
            costs.append(float((moved + gram_matrices(smoothed.predicted, FAR).squares).mean()))
        assert costs == sorted(costs, reverse=True)
        assert costs[-1] < costs[0]


class TestDivergingMembers:
    def test_those_of_the_prior_are_left_out_and_counted(self) -> None:
        x = np.random.default_rng(12).normal(size=(40, 1))
        limit = float(np.sort(x[:, 0])[-4])
        smoothed = Ies().smooth(x, lambda m: np.where(m > limit, np.nan, m), FAR._replace(value=np.array([-1.0])))
        assert smoothed.dropped == 3
        assert np.isfinite(smoothed.members).all()

    def test_a_step_on_which_a_member_diverges_is_tried_again_at_half_its_length(self) -> None:
        x = np.random.default_rng(13).normal(size=(40, 1))

        def forward(members: FloatArray) -> FloatArray:
            return np.where(members > 3.0, np.nan, members)

        smoothed = Ies(20).smooth(x, forward, FAR)
        assert smoothed.dropped == 0
        assert np.isfinite(smoothed.predicted).all()
        assert 2.0 < smoothed.members.max() <= 3.0
        assert smoothed.misfits[-1].of_members < smoothed.misfits[0].of_members

    def test_too_few_that_are_left_are_an_error(self) -> None:
        x = np.random.default_rng(14).normal(size=(40, 1))
        with pytest.raises(ModelError, match="members diverged"):
            Ies().smooth(x, lambda m: np.where(m > -1.0, np.nan, m), FAR)
