"""Signals between their knots, and ticks without readings."""

import numpy as np

from twin_runtime.modelling.signals import interpolate, no_points


def test_a_signal_jumps_to_its_later_value() -> None:
    times, values = np.array([-np.inf, 0.3, 0.3, np.inf]), np.array([1.0, 1.0, 5.0, np.inf])
    assert [interpolate(times, values, moment) for moment in (-1.0, 0.2999, 0.3, 0.4, 99.0)] == [1, 1, 5, 5, 5]


def test_there_may_be_no_readings() -> None:
    points = no_points(3)
    assert points.times.shape == points.outputs.shape == (3, 0)
