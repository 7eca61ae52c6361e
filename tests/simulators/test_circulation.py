"""The simulated circulation against the closed-form periodic solution and against a general ODE solver."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twin_runtime.core import FloatArray
from twin_simulators.circulation import Circulation, Ejections, Vessels, Waveform

PERIOD, EJECTION, STROKE_VOLUME = 0.8, 0.3, 70.0
VESSELS = Vessels(impedance=0.05, resistance=1.0, compliance=1.5)


def regular_beats(waveform: Waveform = "half-sine") -> Ejections:
    opens = np.arange(-60, 10, dtype=np.float64) * PERIOD
    return Ejections(opens, EJECTION, np.full(len(opens), STROKE_VOLUME), waveform)


def one_beat() -> FloatArray:
    return np.linspace(0, PERIOD, 80_001)


def test_regular_beats_reach_the_published_pressures() -> None:
    pressure = Circulation(VESSELS, regular_beats(), initial=90).pressure(one_beat())
    assert pressure.max() == pytest.approx(113.6361, abs=5e-5)
    assert pressure.min() == pytest.approx(73.2659, abs=5e-5)
    assert np.trapezoid(pressure, one_beat()) / PERIOD == pytest.approx(91.8750, abs=5e-5)


@pytest.mark.parametrize("waveform", ["half-sine", "raised-cosine"])
def test_every_waveform_ejects_the_stroke_volume_and_gives_the_same_mean_pressure(waveform: Waveform) -> None:
    circulation = Circulation(VESSELS, regular_beats(waveform), initial=90)
    mean = np.trapezoid(circulation.pressure(one_beat()), one_beat()) / PERIOD
    assert np.trapezoid(circulation.flow(one_beat()), one_beat()) == pytest.approx(STROKE_VOLUME, rel=1e-6)
    assert mean == pytest.approx((0.05 + 1.0) * STROKE_VOLUME / PERIOD, rel=1e-6)


def test_irregular_beats_and_a_step_of_resistance_agree_with_a_general_solver() -> None:
    vessels = Vessels(0.06, 1.1, 1.4, distal_pressure=5.0, step_at=2.5, step_factor=0.7)
    beats = Ejections(np.array([0.0, 0.7, 1.6, 2.4, 3.3]), 0.3, np.array([70.0, 60.0, 80.0, 75.0, 65.0]))
    circulation = Circulation(vessels, beats, initial=80.0)
    times = np.linspace(0.01, 4.0, 400)

    def rate(t: float, stored: FloatArray) -> FloatArray:
        now = np.array([t])
        flow = circulation.flow(now)
        return np.asarray((flow - (stored - 5.0) / vessels.resistance_at(now)) / 1.4)

    stored = solve_ivp(rate, (0.0, 4.0), [80.0], t_eval=times, rtol=1e-9, atol=1e-9, max_step=0.005).y[0]
    np.testing.assert_allclose(circulation.pressure(times), stored + 0.06 * circulation.flow(times), atol=1e-3)


def test_the_pressure_has_no_jump_where_the_valve_closes_or_the_resistance_changes() -> None:
    vessels = Vessels(0.05, 1.0, 1.5, step_at=0.5, step_factor=0.6)
    circulation = Circulation(vessels, regular_beats(), initial=90)
    before, after = (circulation.pressure(np.array([EJECTION, 0.5]) + side) for side in (-1e-9, 1e-9))
    np.testing.assert_allclose(before, after, atol=1e-5)
