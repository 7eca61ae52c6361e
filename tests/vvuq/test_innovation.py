"""Readings beside their predictions: the innovation statistic, the gate and the sums, against NumPy and chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.vvuq.replicates import Replicates, fading
from twin_runtime.core import FloatArray
from twin_runtime.vvuq.innovation import QUANTILE_90, compare
from twin_runtime.vvuq.memory import Layout, SensorSlot, Slot


def nis(predicted: FloatArray, observed: FloatArray, variance: FloatArray) -> float:
    """The statistic of one twin by linear algebra: ``predicted[member, reading]``."""
    members = predicted.shape[0]
    covariance = np.atleast_2d(np.cov(predicted.T))
    innovation = observed - predicted.mean(axis=0)
    total = (1.0 + 1.0 / members) * covariance + np.diag(variance)
    return float(innovation @ np.linalg.solve(total, innovation))


def problem(seed: int, twins: int, members: int, readings: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Correlated predictions far from zero, what was observed, and its variance."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(readings, readings))
    predicted = 100.0 + rng.normal(size=(twins, members, readings)) @ mixing
    variance = rng.uniform(0.1, 5.0, (twins, readings))
    return predicted, predicted.mean(axis=1) + rng.normal(size=(twins, readings)), variance


def compared(
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    gate: float = 0.0,
    silent: tuple[int, ...] = (),
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What was kept, the memory and its part by sensor, after one comparison of one reading a sensor."""
    twins, _, readings = predicted.shape
    layout = Layout(readings, 0)
    memory = layout.fresh(twins)
    sensor = np.tile(np.array([-1 if s in silent else s for s in range(readings)]), (twins, 1))
    by_sensor = layout.by_sensor(memory)
    kept = compare(
        predicted, observed, variance, sensor, 5, 0.9, gate, 25, np.full(readings, np.inf), memory, by_sensor
    )
    return kept, memory, by_sensor


class TestStatistic:
    @given(st.integers(0, 2**32), st.integers(1, 4), st.integers(2, 40), st.integers(1, 12))
    def test_it_is_that_of_linear_algebra(self, seed: int, twins: int, members: int, readings: int) -> None:
        predicted, observed, variance = problem(seed, twins, members, readings)
        kept, memory, _ = compared(predicted, observed, variance)
        np.testing.assert_array_equal(kept, observed)
        expected = [nis(*each) for each in zip(predicted, observed, variance, strict=True)]
        np.testing.assert_allclose(memory[:, Slot.SUM_NIS], expected, rtol=1e-10)
        assert memory[:, Slot.SUM_DEGREES].tolist() == [readings] * twins

    def test_a_reading_that_is_not_there_is_left_out(self) -> None:
        predicted, observed, variance = problem(1, 1, 20, 4)
        observed[0, 1] = variance[0, 1] = np.nan
        kept, memory, by_sensor = compared(predicted, observed, variance, silent=(1,))
        there = [0, 2, 3]
        expected = nis(predicted[0][:, there], observed[0, there], variance[0, there])
        assert memory[0, Slot.SUM_NIS] == pytest.approx(expected, rel=1e-10)
        assert np.isnan(kept[0]).tolist() == [False, True, False, False]
        assert by_sensor[0, :, SensorSlot.HEARD].tolist() == [5.0, -np.inf, 5.0, 5.0]

    def test_a_reading_that_is_refused_is_left_out_and_counted(self) -> None:
        predicted, observed, variance = problem(2, 1, 20, 3)
        observed[0, 0] += 1000.0
        kept, memory, by_sensor = compared(predicted, observed, variance, gate=4.0)
        assert np.isnan(kept[0]).tolist() == [True, False, False]
        expected = nis(predicted[0][:, 1:], observed[0, 1:], variance[0, 1:])
        assert memory[0, Slot.SUM_NIS] == pytest.approx(expected, rel=1e-10)
        assert memory[0, [Slot.SUM_COMPARED, Slot.SUM_ASSIMILATED, Slot.SUM_OUTLIERS]].tolist() == [3, 2, 1]
        assert by_sensor[0, :, SensorSlot.WINDOW_OUTLIERS].tolist() == [1.0, 0.0, 0.0]

    def test_the_interval_is_as_wide_as_the_normal_one(self) -> None:
        predicted, observed, variance = problem(3, 2, 20, 3)
        _, memory, _ = compared(predicted, observed, variance)
        sd = np.sqrt(predicted.var(axis=1, ddof=1) * (1.0 + 1.0 / 20) + variance)
        np.testing.assert_allclose(memory[:, Slot.SUM_WIDTH], 2.0 * QUANTILE_90 * sd.sum(axis=1), rtol=1e-12)
        inside = np.abs(observed - predicted.mean(axis=1)) <= QUANTILE_90 * sd
        assert memory[:, Slot.SUM_COVERED].tolist() == inside.sum(axis=1).tolist()
        assert pytest.approx(stats.norm.ppf(0.95), abs=1e-15) == QUANTILE_90

    @pytest.mark.parametrize("size", [1e160, 1e300, np.inf, np.nan])
    def test_a_forecast_too_wide_to_calculate_with_takes_no_reading(self, size: float) -> None:
        """Its square overflows: every reading would lie within its infinite standard deviation."""
        predicted, observed, variance = problem(4, 2, 10, 2)
        predicted[1, :, 0] *= np.where(np.arange(10) % 2, size, -size)
        kept, memory, _ = compared(predicted, observed, variance, gate=4.0)
        assert np.isnan(kept[1, 0])
        assert np.isfinite(kept[[0, 0, 1], [0, 1, 1]]).all()
        assert np.isfinite(memory[:, : len(Slot)]).all()


class TestWindow:
    def test_old_evidence_fades_and_counts_for_what_it_is_worth(self) -> None:
        """With weights f^k the sums over all time are 1 / (1 - f) ticks, worth (1 + f) / (1 - f) of them."""
        f = 0.9
        twin = Replicates(sensors=3, fading=f, gate=0.0).live(400)
        memory, by_sensor = twin.memory[0], twin.by_sensor[0]
        assert memory[Slot.WINDOW_DEGREES] == pytest.approx(3 / (1 - f))
        worth = memory[Slot.WINDOW_DEGREES] ** 2 / memory[Slot.WINDOW_DEGREES_2]
        assert worth == pytest.approx(3 * (1 + f) / (1 - f))
        assert memory[Slot.WINDOW_COMPARED] ** 2 / memory[Slot.WINDOW_COMPARED_2] == pytest.approx(worth)
        counted = by_sensor[:, SensorSlot.WINDOW_COUNT] ** 2 / by_sensor[:, SensorSlot.WINDOW_COUNT_2]
        assert counted == pytest.approx([worth / 3] * 3)
        assert fading(float(worth), 3) == pytest.approx(f)
        assert memory[Slot.SUM_DEGREES] == 3 * 400

    def test_the_weighted_statistic_varies_as_its_worth_says(self) -> None:
        """Its variance is that of a chi-squared variable with as many degrees of freedom: 2 / worth, to 15 % here.

        Of 1000 replicates the relative standard error of a variance is sqrt(2 / 999) = 4.5 %.
        """
        twins = Replicates(1000, sensors=2, fading=fading(100, 2), gate=0.0, seed=6).live(250)
        mean = twins.memory[:, Slot.WINDOW_NIS] / twins.memory[:, Slot.WINDOW_DEGREES]
        assert mean.var() == pytest.approx(2.0 / 100.0, rel=0.15)


class TestPerfectTwin:
    """A twin that is right, with chance as its only trouble."""

    @pytest.mark.parametrize("members", [32, 64])
    def test_its_statistic_lies_in_the_chi_squared_band(self, members: int) -> None:
        """4000 degrees of freedom, 99.9 % band: +-0.074; what a finite ensemble adds (1 to 2 %) is well inside."""
        twins = Replicates(100, members=members, gate=0.0, seed=members).live(40)
        degrees = twins.memory[:, Slot.SUM_DEGREES].sum()
        mean = twins.memory[:, Slot.SUM_NIS].sum() / degrees
        low, high = stats.chi2.ppf([0.0005, 0.9995], degrees) / degrees
        assert low < mean < high

    def test_without_the_correction_for_the_mean_a_small_ensemble_would_be_13_percent_too_sure(self) -> None:
        """With 10 members 1.13 was measured without, for a forecast as uncertain as its readings.

        20 000 degrees of freedom: standard error 0.01. With the factor, what the sample's own variance adds is left.
        """
        twins = Replicates(500, members=10, gate=0.0, seed=8).live(40)
        mean = twins.memory[:, Slot.SUM_NIS].sum() / twins.memory[:, Slot.SUM_DEGREES].sum()
        assert 1.0 < mean < 1.10

    def test_its_interval_covers_nine_in_ten(self) -> None:
        """20 000 readings: standard error 0.002; with 32 members a normal quantile is 0.5 % short."""
        twins = Replicates(500, members=32, seed=9).live(40)
        coverage = twins.memory[:, Slot.SUM_COVERED].sum() / twins.memory[:, Slot.SUM_COMPARED].sum()
        assert coverage == pytest.approx(0.895, abs=0.008)

    def test_the_gate_at_four_refuses_almost_nothing(self) -> None:
        """Beyond 4 standard deviations: 6 in 100 000 by the normal law, some more with 32 members."""
        twins = Replicates(500, members=32, seed=10).live(40)
        assert twins.memory[:, Slot.SUM_OUTLIERS].sum() <= 12
