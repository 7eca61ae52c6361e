"""Figures by sensor, and when a rank histogram is not flat."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.vvuq.replicates import Replicates
from twin_runtime.core import FloatArray
from twin_runtime.vvuq.diagnostics import diagnosed, flatness, of_sensor

BEYOND_CHANCE = float(stats.chi2.ppf(0.999, 9) / 9)
"""One flat histogram in a thousand is less flat."""


def flat(twins: Replicates) -> FloatArray:
    return np.array([flatness(sums) for sums in twins.records.sensors[:, 0]])


class TestFlatness:
    def test_that_of_a_perfect_twin_is_one_by_chance(self) -> None:
        """Chi-squared with 9 degrees of freedom, over 500 twins: a standard error of 0.021; 64 members add 1 %."""
        twins = Replicates(500, members=64, gate=0.0, seed=30).live(300)
        assert flat(twins).mean() == pytest.approx(1.0, abs=0.1)
        assert (flat(twins) > BEYOND_CHANCE).mean() <= 0.01

    @pytest.mark.parametrize(("scale", "bias"), [(2.0, 0.0), (0.5, 0.0), (1.0, 1.0), (1.0, 10.0)])
    def test_too_narrow_too_wide_and_biased_are_found(self, scale: float, bias: float) -> None:
        twins = Replicates(50, gate=0.0, seed=31).live(300, scale, bias)
        assert (flat(twins) > BEYOND_CHANCE).all()

    def test_readings_that_follow_each_other_count_for_less(self) -> None:
        """An autoregression of 0.9 makes 400 readings worth 21; taken for 400, half of the histograms would be off."""
        twins = Replicates(200, gate=0.0, seed=32)
        innovation = twins.innovations()
        for _ in range(400):
            innovation = 0.9 * innovation + math.sqrt(1.0 - 0.81) * twins.innovations()
            twins.receive(innovation)
        assert (flat(twins) > BEYOND_CHANCE).mean() <= 0.02
        independent = twins.records.sensors[:, 0].copy()
        independent["sum_ranks_lagged"] = 0.0
        assert (np.array([flatness(sums) for sums in independent]) > BEYOND_CHANCE).mean() > 0.4


class TestFigures:
    def test_of_a_twin_that_is_too_sure_of_itself(self) -> None:
        """1000 readings; twice as far off as stated. The standard error of a root mean square is 2.2 %."""
        twins = Replicates(1, sensors=2, members=64, gate=0.0, seed=33).live(1000, scale=2.0)
        figures = of_sensor(twins.records.sensors[0, 1], twins.records.twins[0].sum_updates)
        assert figures["readings"] == sum(figures["rank_histogram"]) == 1000
        assert figures["rmse"] == pytest.approx(2.0 * math.sqrt(2.0), rel=0.1)
        assert figures["spread"] == pytest.approx(math.sqrt(2.0), rel=0.02)
        assert figures["skill"] == pytest.approx(2.0, rel=0.1)
        assert figures["noise_sd"]["stated"] == pytest.approx(1.0)
        assert figures["noise_sd"]["found"] == pytest.approx(2.0, rel=0.1)
        assert figures["degrees_of_freedom"] == pytest.approx(figures["influence"])
        assert figures["rank_histogram"][0] > figures["rank_histogram"][5]

    def test_two_readings_in_every_update_share_its_degrees_of_freedom(self) -> None:
        """A sensor that reads twice a tick has twice its influence in an update."""
        twins = Replicates(1, sensors=1, gate=0.0, seed=34).live(100)
        once = of_sensor(twins.records.sensors[0, 0], 100.0)
        assert of_sensor(twins.records.sensors[0, 0], 50.0)["degrees_of_freedom"] == 2.0 * once["degrees_of_freedom"]

    def test_an_estimate_below_zero_is_none(self) -> None:
        sums = Replicates(1, gate=0.0, seed=35).live(10).records.sensors[0, 0].copy()
        sums.sum_forecast_found = -1.0
        assert of_sensor(sums, 10.0)["forecast_sd"]["found"] is None


class TestSummary:
    def test_a_single_twin_is_reported_by_sensor_and_silent_sensors_are_left_out(self) -> None:
        twin = Replicates(1, sensors=2, seed=36)
        twin.receive(twin.innovations(), sensors=[1])
        reported = diagnosed(twin.records, ["pump"], ["inlet", "outlet"])
        assert reported["diagnostics"].keys() == {"outlet"}
        assert reported["divergences"] == {}

    def test_a_fleet_is_reported_by_twin(self) -> None:
        twins = Replicates(2, seed=37).live(3)
        twins.records.twins[1].sum_diverged = 2.0
        reported = diagnosed(twins.records, ["one", "other"], ["outlet"])
        assert {twin: list(sensors) for twin, sensors in reported["diagnostics"].items()} == {
            "one": ["outlet"],
            "other": ["outlet"],
        }
        assert reported["divergences"] == {"other": 2}

    def test_without_readings_nothing_is_reported(self) -> None:
        twin = Replicates(1)
        found = diagnosed(twin.records, ["pump"], ["outlet"])
        assert found == {"divergences": {}, "replaced": {}, "withheld": {}, "diagnostics": {}}
