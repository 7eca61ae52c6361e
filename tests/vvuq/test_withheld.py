"""Which sensors are withheld, and what those say of a twin whose predictions are right, too narrow or too wide."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.vvuq.replicates import Replicates
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.runs.validation import independent
from twin_runtime.vvuq.checks import CHECKS, complaining
from twin_runtime.vvuq.evidence import highest_share, lowest_share
from twin_runtime.vvuq.memory import SENSOR, TWIN
from twin_runtime.vvuq.scores import QUANTILE_50, QUANTILE_90, Innovation
from twin_runtime.vvuq.withheld import (
    CONTRADICTS,
    STRETCHES,
    SUPPORTS,
    UNDECIDED,
    Withholding,
    outcome,
    outcome_of,
    score_withheld,
)

KEYS = numbered_keys(5, 40)


class TestWhichAndWhen:
    def test_a_sensor_is_withheld_from_a_twin_once_its_first_readings_were_used(self) -> None:
        used = np.array([[0.0, 9.0], [4.0, 9.0], [5.0, 9.0]])
        withheld = Withholding(always=(0,), first=5).of(KEYS[:3], 7, np.ones((3, 2), np.bool_), used).sensors
        assert withheld.tolist() == [[False, False], [False, False], [True, False]]

    def test_the_declared_share_of_the_time_in_whole_stretches(self) -> None:
        fresh, withholding = np.ones((40, 3), np.bool_), Withholding(0.2, 10)
        drawn = np.array([withholding.of(KEYS, number, fresh).sensors for number in range(1600)])
        assert drawn.any(axis=2).mean() == pytest.approx(0.2, abs=0.015)
        assert drawn.sum(axis=2).max() == 1
        assert drawn.mean(axis=(0, 1)) == pytest.approx([0.2 / 3] * 3, abs=0.015)
        stretches = drawn.reshape(160, 10, 40, 3)
        assert (stretches == stretches[:, :1]).all()

    def test_it_does_not_depend_on_other_twins(self) -> None:
        fresh, withholding = np.ones((40, 2), np.bool_), Withholding(0.5, 3)
        for number in range(100):
            whole = withholding.of(KEYS, number, fresh).sensors
            assert (withholding.of(KEYS[7:9], number, fresh[7:9]).sensors == whole[7:9]).all()

    def test_the_only_sensor_that_speaks_is_never_withheld(self) -> None:
        fresh = np.zeros((40, 3), np.bool_)
        fresh[:, 1] = True
        assert not any(Withholding(0.9, 1).of(KEYS, number, fresh).sensors[:, 1].any() for number in range(200))

    def test_nothing_is_unless_declared(self) -> None:
        assert not Withholding().happens


class TestScores:
    def sums(self, *innovations: Innovation, stretch: int = 3) -> np.void:
        twin, sensor = np.zeros(1, TWIN), np.zeros(1, SENSOR)
        for innovation in innovations:
            score_withheld(innovation, stretch, twin[0], sensor[0])
        assert twin[0]["sum_withheld"] == len(innovations)
        found: np.void = sensor[0]
        return found

    def test_coverage_squares_and_crps_of_single_readings(self) -> None:
        sums = self.sums(*(Innovation(score, 2.0, 1.0, frozen=False) for score in (-0.5, 0.5, 1.0, 2.0)))
        columns = ("", "_square", "_covered_50", "_covered_90")
        assert [sums[f"sum_held{name}"] for name in columns] == [4.0, 5.5, 2.0, 3.0]
        exact = sum(2.0 * _crps(score) for score in (-0.5, 0.5, 1.0, 2.0))
        assert sums["sum_held_crps"] == pytest.approx(exact, rel=1e-12)
        assert pytest.approx(stats.norm.ppf([0.75, 0.95])) == [QUANTILE_50, QUANTILE_90]

    def test_a_frozen_one_says_nothing(self) -> None:
        assert self.sums(Innovation(9.0, 1.0, 0.5, frozen=True))["sum_held"] == 0.0

    @pytest.mark.parametrize(("score", "sd"), [(math.nan, 1.0), (math.inf, 1.0), (0.0, math.inf), (0.0, 1e200)])
    def test_one_that_cannot_be_compared_counts_as_far_off(self, score: float, sd: float) -> None:
        sums = self.sums(Innovation(score, sd, 1.0, frozen=False))
        assert sums["sum_held_square"] == 25.0
        assert np.isfinite([sums[f"stretch_{name}"] for name in ("error", "variance", "noise")]).all()

    def test_a_stretch_counts_once_by_its_mean_and_the_noise_averages(self) -> None:
        """Four readings that are 1 off, with forecast variance 0.25 and noise 1: (1 / sqrt(0.25 + 1 / 4))^2 = 2."""
        twin, sensor, sd = np.zeros(1, TWIN), np.zeros(1, SENSOR), math.sqrt(1.25)
        for stretch in (1, 1, 1, 1, 2):
            score_withheld(Innovation(1.0 / sd, sd, 1.0, frozen=False), stretch, twin[0], sensor[0])
        assert sensor["window_held"][0] == 1.0
        assert sensor["window_held_square"][0] == pytest.approx(2.0)
        assert sensor["window_held_covered"][0] == 1.0


def _crps(z: float) -> float:
    return float(z * (2.0 * stats.norm.cdf(z) - 1.0) + 2.0 * stats.norm.pdf(z) - 1.0 / math.sqrt(math.pi))


class TestLimits:
    @pytest.mark.parametrize("z", [1.645, 3.0])
    @pytest.mark.parametrize("count", [20, 45, 100, 500])
    def test_they_are_those_of_clopper_and_pearson_to_one_percent(self, count: int, z: float) -> None:
        tail = float(stats.norm.sf(z))
        for hits in (0, 1, count // 2, count - 1, count):
            high = 1.0 if hits == count else float(stats.beta.ppf(1.0 - tail, hits + 1, count - hits))
            low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, count - hits + 1))
            assert highest_share(hits / count, count, z) == pytest.approx(high, abs=0.01)
            assert lowest_share(hits / count, count, z) == pytest.approx(low, abs=0.01)

    def test_of_the_tables(self) -> None:
        for hits, count, low, high in ((38, 45, 0.7054, 0.9351), (45, 50, 0.7819, 0.9667), (450, 500, 0.8703, 0.9249)):
            assert lowest_share(hits / count, count, 1.959964) == pytest.approx(low, abs=0.002)
            assert highest_share(hits / count, count, 1.959964) == pytest.approx(high, abs=0.002)


class TestErrorRates:
    """10 000 sensors that were withheld in as many stretches as are remembered, each with its own random numbers."""

    def said(self, spread: float, stretches: int = int(STRETCHES), sensors: int = 10_000) -> FloatArray:
        """What they say where errors are ``spread`` times as large as predicted."""
        scores = np.minimum(np.abs(spread * np.random.default_rng(3).normal(size=(sensors, stretches))), 5.0)
        square, covered = (scores**2).mean(axis=1), (scores <= QUANTILE_90).mean(axis=1)
        return np.array([outcome(s, c, float(stretches)) for s, c in zip(square, covered, strict=True)])

    def test_a_right_twin_is_hardly_ever_contradicted(self) -> None:
        """0.27 % are allowed; it is supported in nine cases of ten."""
        said = self.said(1.0)
        assert (said == CONTRADICTS).mean() <= 0.0027
        assert (said == SUPPORTS).mean() > 0.9

    def test_less_coverage_than_70_percent_is_supported_in_5_percent_at_most(self) -> None:
        spread = QUANTILE_90 / float(stats.norm.ppf(0.85))
        assert (self.said(spread) == SUPPORTS).mean() <= 0.05

    def test_errors_four_times_as_large_are_always_found(self) -> None:
        assert (self.said(4.0) == CONTRADICTS).mean() > 0.999

    def test_predictions_so_wide_that_they_claim_nothing_support_nothing(self) -> None:
        assert set(self.said(0.1).tolist()) == {UNDECIDED}

    def test_few_stretches_decide_nothing_about_a_right_twin(self) -> None:
        assert set(self.said(1.0, 5, 500).tolist()) == {UNDECIDED}

    def test_without_any_it_is_undecided(self) -> None:
        assert outcome_of(np.zeros(1, SENSOR)[0]) == UNDECIDED


class TestIndependent:
    def test_white_innovations_are_worth_as_many(self) -> None:
        offs = np.random.default_rng(1).normal(size=4000)
        assert independent(offs) == pytest.approx(4000, rel=0.1)

    @pytest.mark.parametrize("correlation", [0.5, 0.9])
    def test_those_of_a_first_order_autoregression(self, correlation: float) -> None:
        """Squares of one are correlated with r^2: n (1 - r^2) / (1 + r^2)."""
        rng, offs = np.random.default_rng(2), np.zeros(20_000)
        for k in range(1, offs.size):
            offs[k] = correlation * offs[k - 1] + math.sqrt(1.0 - correlation**2) * rng.normal()
        squared = correlation**2
        assert independent(offs) == pytest.approx(offs.size * (1.0 - squared) / (1.0 + squared), rel=0.1)

    def test_a_constant_error_is_worth_one_or_two(self) -> None:
        assert 1.0 <= independent(np.full(1000, 3.0)) < 2.0

    def test_what_is_missing_does_not_count(self) -> None:
        assert independent(np.full(10, np.nan)) == 0.0
        assert independent(np.zeros(0)) == 0.0
        assert independent(np.zeros(7)) == 7.0


class TestTooWide:
    """400 effective degrees of freedom and 300 twins: the error rates of the checks of the other side are counted."""

    def shares(self, scale: float) -> list[float]:
        """The shares of twins complained of, overstated and overcovered, with errors of this ``scale``."""
        twins = Replicates(300, sensors=2, fading=0.99, seed=11).live(400, scale=scale)
        _, reasons = twins.judge()
        return [float(complaining(CHECKS, reasons, check).mean()) for check in ("overstated", "overcovered")]

    def test_a_right_twin_is_never_called_too_wide(self) -> None:
        assert self.shares(1.0) == [0.0, 0.0]

    def test_spread_twice_too_large_is_allowed(self) -> None:
        """0.14 % may be complained of at that very point, which is none of 300."""
        assert self.shares(0.5)[0] == 0.0

    def test_spread_three_times_too_large_is_found(self) -> None:
        assert self.shares(1.0 / 3.0) == [1.0, 1.0]
