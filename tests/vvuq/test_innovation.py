"""Readings and their predictions: the innovation statistic, the gate and the sums, against NumPy and chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.vvuq.replicates import Replicates, fading
from twin_runtime.core import FloatArray
from twin_runtime.vvuq.innovation import Comparison, Gate, compare
from twin_runtime.vvuq.memory import TWIN, CheckMemory, Layout
from twin_runtime.vvuq.scores import QUANTILE_90


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
) -> tuple[FloatArray, CheckMemory]:
    """What was kept, and the memory, after one comparison of one reading a sensor."""
    twins, _, readings = predicted.shape
    layout = Layout(readings, 0)
    records = layout.records(layout.fresh(twins))
    sensor = np.tile(np.array([-1 if s in silent else s for s in range(readings)]), (twins, 1))
    comparison = Comparison(predicted, observed, variance, sensor)
    return compare(comparison, 5, 0.9, Gate(gate, 25, np.full(readings, np.inf)), records), records


class TestStatistic:
    @given(st.integers(0, 2**32), st.integers(1, 4), st.integers(2, 40), st.integers(1, 12))
    def test_it_is_that_of_linear_algebra(self, seed: int, twins: int, members: int, readings: int) -> None:
        predicted, observed, variance = problem(seed, twins, members, readings)
        kept, memory = compared(predicted, observed, variance)
        np.testing.assert_array_equal(kept, observed)
        expected = [nis(*each) for each in zip(predicted, observed, variance, strict=True)]
        np.testing.assert_allclose(memory.twins["sum_nis"], expected, rtol=1e-10)
        assert memory.twins["sum_degrees"].tolist() == [readings] * twins

    def test_a_reading_that_is_not_there_is_left_out(self) -> None:
        predicted, observed, variance = problem(1, 1, 20, 4)
        observed[0, 1] = variance[0, 1] = np.nan
        kept, memory = compared(predicted, observed, variance, silent=(1,))
        there = [0, 2, 3]
        expected = nis(predicted[0][:, there], observed[0, there], variance[0, there])
        assert memory.twins[0].sum_nis == pytest.approx(expected, rel=1e-10)
        assert np.isnan(kept[0]).tolist() == [False, True, False, False]
        assert memory.sensors[0]["newest"].tolist() == [5.0, -np.inf, 5.0, 5.0]

    def test_a_reading_that_is_refused_is_left_out_and_counted(self) -> None:
        predicted, observed, variance = problem(2, 1, 20, 3)
        observed[0, 0] += 1000.0
        kept, memory = compared(predicted, observed, variance, gate=4.0)
        assert np.isnan(kept[0]).tolist() == [True, False, False]
        expected = nis(predicted[0][:, 1:], observed[0, 1:], variance[0, 1:])
        assert memory.twins[0].sum_nis == pytest.approx(expected, rel=1e-10)
        assert [memory.twins[0][f"sum_{name}"] for name in ("compared", "assimilated", "outliers")] == [3, 2, 1]
        assert memory.sensors[0]["window_outliers"].tolist() == [1.0, 0.0, 0.0]

    def test_the_interval_is_as_wide_as_the_normal_one(self) -> None:
        predicted, observed, variance = problem(3, 2, 20, 3)
        _, memory = compared(predicted, observed, variance)
        sd = np.sqrt(predicted.var(axis=1, ddof=1) * (1.0 + 1.0 / 20) + variance)
        np.testing.assert_allclose(memory.twins["sum_width"], 2.0 * QUANTILE_90 * sd.sum(axis=1), rtol=1e-12)
        inside = np.abs(observed - predicted.mean(axis=1)) <= QUANTILE_90 * sd
        assert memory.twins["sum_covered"].tolist() == inside.sum(axis=1).tolist()
        assert pytest.approx(stats.norm.ppf(0.95), abs=1e-15) == QUANTILE_90

    @pytest.mark.parametrize("size", [1e160, 1e300, np.inf, np.nan])
    def test_a_forecast_too_wide_to_calculate_with_takes_no_reading(self, size: float) -> None:
        """Its square overflows: every reading would lie within its infinite standard deviation."""
        predicted, observed, variance = problem(4, 2, 10, 2)
        predicted[1, :, 0] *= np.where(np.arange(10) % 2, size, -size)
        kept, memory = compared(predicted, observed, variance, gate=4.0)
        assert np.isnan(kept[1, 0])
        assert np.isfinite(kept[[0, 0, 1], [0, 1, 1]]).all()
        assert all(np.isfinite(memory.twins[name]).all() for name in TWIN.names or ())


class TestWindow:
    def test_old_evidence_fades_and_counts_for_what_it_is_worth(self) -> None:
        """With weights f^k the sums over all time are 1 / (1 - f) ticks, worth (1 + f) / (1 - f) of them."""
        f = 0.9
        twin = Replicates(sensors=3, fading=f, gate=0.0).live(400)
        memory, sensors = twin.records.twins[0], twin.records.sensors[0]
        assert memory.window_degrees == pytest.approx(3 / (1 - f))
        worth = memory.window_degrees**2 / memory.window_degrees_2
        assert worth == pytest.approx(3 * (1 + f) / (1 - f))
        assert memory.window_compared**2 / memory.window_compared_2 == pytest.approx(worth)
        counted = sensors["window_count"] ** 2 / sensors["window_count_2"]
        assert counted == pytest.approx([worth / 3] * 3)
        assert fading(float(worth), 3) == pytest.approx(f)
        assert memory.sum_degrees == 3 * 400

    def test_the_weighted_statistic_varies_as_its_worth_says(self) -> None:
        """Its variance is that of a chi-squared variable with as many degrees of freedom: 2 / worth, to 15 % here.

        Of 1000 replicates the relative standard error of a variance is sqrt(2 / 999) = 4.5 %.
        """
        twins = Replicates(1000, sensors=2, fading=fading(100, 2), gate=0.0, seed=6).live(250)
        mean = twins.records.twins["window_nis"] / twins.records.twins["window_degrees"]
        assert mean.var() == pytest.approx(2.0 / 100.0, rel=0.15)


class TestPerfectTwin:
    """A twin that is right, with chance as its only trouble."""

    @pytest.mark.parametrize("members", [32, 64])
    def test_its_statistic_lies_in_the_chi_squared_band(self, members: int) -> None:
        """4000 degrees of freedom, 99.9 % band: +-0.074; what a finite ensemble adds (1 to 2 %) is well inside."""
        twins = Replicates(100, members=members, gate=0.0, seed=members).live(40)
        degrees = twins.records.twins["sum_degrees"].sum()
        mean = twins.records.twins["sum_nis"].sum() / degrees
        low, high = stats.chi2.ppf([0.0005, 0.9995], degrees) / degrees
        assert low < mean < high

    def test_without_the_correction_for_the_mean_a_small_ensemble_would_be_13_percent_too_sure(self) -> None:
        """With 10 members 1.13 was measured without, for a forecast as uncertain as its readings.

        20 000 degrees of freedom: standard error 0.01. With the factor, what the sample's own variance adds is left.
        """
        twins = Replicates(500, members=10, gate=0.0, seed=8).live(40)
        mean = twins.records.twins["sum_nis"].sum() / twins.records.twins["sum_degrees"].sum()
        assert 1.0 < mean < 1.10

    def test_its_interval_covers_nine_in_ten(self) -> None:
        """20 000 readings: standard error 0.002; with 32 members a normal quantile is 0.5 % short."""
        twins = Replicates(500, members=32, seed=9).live(40)
        coverage = twins.records.twins["sum_covered"].sum() / twins.records.twins["sum_compared"].sum()
        assert coverage == pytest.approx(0.895, abs=0.008)

    def test_the_gate_at_four_refuses_almost_nothing(self) -> None:
        """Beyond 4 standard deviations: 6 in 100 000 by the normal law, some more with 32 members."""
        twins = Replicates(500, members=32, seed=10).live(40)
        assert twins.records.twins["sum_outliers"].sum() <= 12
