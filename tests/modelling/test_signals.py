"""Signals between their knots, and ticks without readings."""

import numpy as np
import pytest

from twin_runtime.modelling.signals import interpolate, mean_between, no_points


def test_a_signal_jumps_to_its_later_value() -> None:
    times, values = np.array([-np.inf, 0.3, 0.3, np.inf]), np.array([1.0, 1.0, 5.0, np.inf])
    assert [interpolate(times, values, moment) for moment in (-1.0, 0.2999, 0.3, 0.4, 99.0)] == [1, 1, 5, 5, 5]


def test_the_mean_of_a_signal_holds_all_that_lies_between_its_knots() -> None:
    times, values = np.array([-np.inf, 0.2, 0.3, 0.4, np.inf]), np.array([1.0, 1.0, 5.0, 1.0, np.inf])
    assert mean_between(times, values, 0.0, 1.0) == pytest.approx(1.0 + 4.0 * 0.1)
    assert mean_between(times, values, 0.25, 0.3) == pytest.approx(4.0)
    assert mean_between(times, values, 0.3, 0.3) == 5.0
    assert mean_between(times, values, 2.0, 3.0) == 1.0
    held = np.array([-np.inf, 0.5, np.inf]), np.array([1.0, 3.0, np.inf])
    assert mean_between(*held, 0.0, 1.0) == pytest.approx(2.0)


def test_there_may_be_no_readings() -> None:
    points = no_points(3)
    assert points.times.shape == points.outputs.shape == (3, 0)
