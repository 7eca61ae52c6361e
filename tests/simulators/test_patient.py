"""A simulated patient is plausible, reproducible, and behaves as its properties demand."""

import numpy as np
import pytest
from pydantic import ValidationError

from twin_runtime.core import SECOND, FloatArray
from twin_simulators.asset import Signal, Simulation
from twin_simulators.patient import Patient


def signal(run: Simulation, channel: str) -> Signal:
    return next(signal for signal in run.signals if signal.channel == channel)


def mean_pressure(run: Simulation, begin: float, end: float) -> float:
    abp = signal(run, "abp")
    return float(abp.values[(abp.times >= begin * SECOND) & (abp.times < end * SECOND)].mean())


def periods(run: Simulation) -> FloatArray:
    return np.diff(signal(run, "r_peak").times) / SECOND


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    first, again, other = (Patient().simulate(20, seed) for seed in (1, 1, 2))
    for left, right in zip(first.signals, again.signals, strict=True):
        np.testing.assert_array_equal(left.times, right.times)
        np.testing.assert_array_equal(left.values, right.values)
    assert not np.array_equal(signal(first, "abp").values, signal(other, "abp").values)


@pytest.mark.parametrize("seed", range(8))
def test_individuals_are_adults_of_the_normal_range(seed: int) -> None:
    patient = Patient.individual(seed)
    pressure = signal(patient.simulate(60, seed), "abp").values
    assert 45 < pressure.min() < 100
    assert 60 < pressure.mean() < 125
    assert 85 < pressure.max() < 165
    assert 50 <= patient.stroke_volume <= 100
    assert patient == Patient.individual(seed)


def test_a_heart_without_variability_beats_like_a_clock() -> None:
    steady = Patient(heart_rate=75, sinus_arrhythmia=0, mayer_wave=0, beat_noise=0, stroke_variation=0)
    run = steady.simulate(60, seed=1)
    np.testing.assert_allclose(periods(run), 0.8, atol=1e-8)
    assert signal(run, "abp").values.max() == pytest.approx(113.6361, abs=0.05)
    assert signal(run, "abp").values.min() == pytest.approx(73.2659, abs=0.4)  # samples miss the cusp


def test_the_period_varies_from_beat_to_beat_around_its_mean() -> None:
    beats = periods(Patient(heart_rate=60).simulate(300, seed=4))
    assert beats.mean() == pytest.approx(1.0, abs=0.02)
    assert 0.02 < beats.std() < 0.06


def test_the_aortic_valve_opens_after_each_r_peak_and_its_delay() -> None:
    run = Patient(pre_ejection=0.12).simulate(10, seed=3)
    flow = signal(run, "flow")
    onsets = flow.times[1:][(flow.values[:-1] == 0) & (flow.values[1:] > 0)] / SECOND
    for peak in signal(run, "r_peak").times[1:-1] / SECOND:
        assert np.min(np.abs(onsets - peak - 0.12)) <= 0.008


def test_vasodilation_lowers_resistance_and_pressure_at_the_given_time() -> None:
    run = Patient(step_at=30, step_factor=0.7).simulate(60, seed=1)
    assert run.truth.at(29.9)["resistance"] == 1.0
    assert run.truth.at(30.1)["resistance"] == 0.7
    assert mean_pressure(run, 45, 60) == pytest.approx(mean_pressure(run, 5, 30) * 0.75 / 1.05, rel=0.03)


def test_the_truth_lines_up_with_what_a_perfect_sensor_measures() -> None:
    run = Patient().simulate(5, seed=1)
    np.testing.assert_array_equal(run.truth.values["pressure"], signal(run, "abp").values)
    assert run.truth.units["resistance"] == "mmHg*s/mL"


def test_an_ejection_longer_than_a_beat_is_refused() -> None:
    with pytest.raises(ValidationError, match="shortest beat"):
        Patient(heart_rate=150, ejection_time=0.38)
