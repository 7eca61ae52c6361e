"""Forecasts of readings scored: closed forms, and what a perfect twin scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.vvuq.replicates import FORECAST, NOISE, Replicates
from twin_runtime.core import FloatArray
from twin_runtime.vvuq.scores import expected_rank, normal_crps

TWINS, TICKS = 200, 200


@pytest.fixture(scope="module")
def perfect() -> Replicates:
    """40 000 readings of perfect twins, each followed by one that is as good, of a second sensor."""
    return Replicates(TWINS, sensors=2, members=64, gate=0.0, seed=20).live(TICKS)


def mean(twins: Replicates, column: str) -> float:
    """The mean of a sum over all readings of all twins and sensors."""
    return float(twins.records.sensors[column].sum() / twins.records.sensors["sum_readings"].sum())


class TestCrps:
    @pytest.mark.parametrize(("error", "score"), [(0.0, 0.2336949773), (1.0, 0.6024413576), (-1.0, 0.6024413576)])
    def test_of_a_standard_normal_forecast_it_is_that_of_the_tables(self, error: float, score: float) -> None:
        assert normal_crps(error, 1.0) == pytest.approx(score, abs=1e-10)

    @given(st.floats(-5.0, 5.0), st.floats(0.01, 100.0))
    def test_it_is_the_squared_distance_of_the_distributions(self, error: float, sd: float) -> None:
        """Its definition: the integral of (F(t) - 1[t >= y])^2, by the trapezoidal rule on either side of y."""
        below, above = np.linspace(-12.0, error, 20_001), np.linspace(error, 12.0, 20_001)
        integral = np.trapezoid(stats.norm.cdf(below) ** 2, below) + np.trapezoid(stats.norm.sf(above) ** 2, above)
        assert normal_crps(error * sd, sd) == pytest.approx(integral * sd, rel=1e-5)

    def test_a_perfect_twin_scores_its_spread_over_the_root_of_pi(self, perfect: Replicates) -> None:
        """A score varies by 0.7 of its mean: over 80 000 readings within 1 %, four standard errors."""
        sd = np.sqrt(FORECAST + NOISE)
        assert mean(perfect, "sum_crps") == pytest.approx(sd / np.sqrt(np.pi), rel=0.01)


def rank(members: FloatArray, reading: float, noise_sd: float) -> float:
    """Ours, of members far from zero."""
    deviations = np.append(members - members.mean(), reading - members.mean())
    return expected_rank(deviations, noise_sd, np.empty(members.size))


class TestRank:
    @given(st.integers(0, 2**32), st.integers(2, 64), st.floats(0.01, 10.0), st.floats(-20.0, 20.0))
    def test_it_is_the_mean_probability_of_the_members_with_noise_to_lie_below(
        self, seed: int, count: int, noise_sd: float, reading: float
    ) -> None:
        members = np.random.default_rng(seed).normal(size=count)
        stretched = members.mean() + (members - members.mean()) * np.sqrt((count + 1.0) / (count - 1.0))
        expected = stats.norm.cdf((reading - stretched) / noise_sd).mean()
        assert rank(members, reading, noise_sd) == pytest.approx(expected, abs=3e-7)

    def test_it_is_what_drawing_the_noise_gives_on_average(self) -> None:
        """The rank among 50 members with noise drawn 2000 times: a standard error of 0.0016 at the most."""
        rng = np.random.default_rng(21)
        members = rng.normal(size=50)
        drawn = members.mean() + (members - members.mean()) * np.sqrt(51.0 / 49.0) + rng.normal(size=(2000, 50))
        for reading in (-2.0, 0.0, 1.0):
            assert rank(members, reading, 1.0) == pytest.approx((drawn < reading).mean(), abs=0.007)

    def test_a_reading_beyond_all_members_is_first_or_last(self) -> None:
        members = np.arange(5.0)
        assert rank(members, 1e9, 1e-3) == 1.0
        assert rank(members, -1e9, 1e-3) == 0.0

    def test_ranks_of_a_perfect_twin_are_spread_evenly(self, perfect: Replicates) -> None:
        """80 000 readings, 8000 a bin: four standard deviations are 340; 64 members add 1 % to the outer bins."""
        counts = perfect.records.sensors["ranked"].sum(axis=(0, 1))
        assert counts.sum() == 2 * TWINS * TICKS
        np.testing.assert_allclose(counts, counts.sum() / 10, atol=420)


class TestUpdate:
    """Half of what a reading of a perfect twin says is new: forecast and noise have the same variance."""

    def test_a_perfect_twin_finds_the_variances_that_it_states(self, perfect: Replicates) -> None:
        """Products of innovations vary by 1.4 times their mean: over 80 000 within 2 %, four standard errors."""
        assert mean(perfect, "sum_noise") == pytest.approx(NOISE)
        assert mean(perfect, "sum_forecast") == pytest.approx(FORECAST, rel=0.03)
        assert mean(perfect, "sum_noise_found") == pytest.approx(NOISE, rel=0.03)
        assert mean(perfect, "sum_forecast_found") == pytest.approx(FORECAST, rel=0.05)

    def test_what_is_found_adds_up_to_the_variance_of_the_innovations_and_no_more_can_be_known(self) -> None:
        """Innovations twice too large: forecast and noise are both found four times too large, whichever it was."""
        twins = Replicates(TWINS, members=64, gate=0.0, seed=22).live(TICKS, scale=2.0)
        noise, forecast = mean(twins, "sum_noise_found"), mean(twins, "sum_forecast_found")
        assert noise + forecast == pytest.approx(mean(twins, "sum_square"), rel=1e-12)
        assert noise == pytest.approx(4.0 * NOISE, rel=0.05)
        assert forecast == pytest.approx(4.0 * FORECAST, rel=0.05)

    def test_half_of_every_reading_is_signal(self, perfect: Replicates) -> None:
        assert mean(perfect, "sum_signal") == pytest.approx(0.5, abs=0.01)
