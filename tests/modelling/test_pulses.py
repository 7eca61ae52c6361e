"""What an input delivers is what was measured, wherever in a tick its samples lie."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.core import SECOND, FloatArray, Reading
from twin_runtime.engine.inputs import input_signals, no_samples, rules
from twin_runtime.engine.observations import columns
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSamples, InputSignals, Points, no_points
from twin_runtime.modelling.variables import Fixed, Input, Normal, Output, Parameter, Shape, State

START = 1_700_000_000 * SECOND
VALVE, RAMP = range(2)


@physics
def rate(level: float, filled: float, leak: float, valve: float, ramp: float) -> tuple[float, float]:
    """A level with a leak, and the sum of what flows in."""
    return valve + ramp - leak * level, valve + ramp + 0.0 * filled


@physics
def inflow(valve: float, ramp: float) -> float:
    """What flows in now."""
    return valve + ramp


class Vessel(OdeModel):
    """A linear equation, driven by an input that is held and one that is interpolated."""

    name = "vessel"
    table = (
        State("level", "m", Normal(1.0, 0.5)),
        State("filled", "m", Fixed(0.0)),
        Parameter("leak", "1/s", Fixed(2.0)),
    )
    inputs = (Input("valve", "m/s"), Input("ramp", "m/s", shape=Shape.LINEAR, gap=10.0))
    outputs = (Output("inflow", "m/s", inflow),)
    rate = rate
    step = 0.2


class Finer(Vessel):
    """In steps half as long."""

    step = 0.1


class Finest(Vessel):
    """In steps a quarter as long."""

    step = 0.05


def held(*samples: tuple[float, float], ramp: Sequence[tuple[float, float]] = ()) -> InputSignals:
    """The inputs over a second in which these samples come: seconds and values."""
    given = [
        Reading(0, channel, START + round(t * SECOND), value, 0.0)
        for channel, row in ((VALVE, samples), (RAMP, ramp))
        for t, value in row
    ]
    nothing = InputSamples(*np.full((2, 1, 2), np.nan))
    return input_signals(rules(Vessel.inputs), nothing, columns(given, START), no_samples(1, 2), START)


def after(model: OdeModel, signals: InputSignals, level: float = 1.0, points: Points | None = None) -> FloatArray:
    """Level and sum of the inflow after a second; the predictions, where there are ``points``."""
    x = np.array([[[level, 0.0, 2.0]]])
    points = points or no_points(1)
    predicted = np.empty((1, 1, points.times.shape[1]))
    model.advance(x, 1.0, signals, points, predicted, np.empty(1))
    row: FloatArray = predicted[0, 0] if predicted.size else x[0, 0]
    return row


def exact(begin: float, end: float, height: float, level: float = 1.0, leak: float = 2.0) -> float:
    """The level after a second with a pulse from ``begin`` to ``end``."""
    risen = math.exp(-leak * (1.0 - end)) - math.exp(-leak * (1.0 - begin))
    return level * math.exp(-leak) + height / leak * risen


MOMENTS = st.integers(1, SECOND - 1).map(lambda nanoseconds: nanoseconds / SECOND)


@given(MOMENTS, MOMENTS, st.floats(-100.0, 100.0))
def test_a_pulse_of_any_place_and_width_is_delivered_whole(one: float, other: float, height: float) -> None:
    begin, end = sorted((one, other))
    filled = after(Vessel(), held((begin, height), (end, 0.0)))[1] if begin < end else 0.0
    assert filled == pytest.approx(height * (end - begin), rel=1e-9, abs=1e-9)


@given(MOMENTS, MOMENTS)
def test_a_pulse_gives_the_level_of_the_closed_form(one: float, other: float) -> None:
    """RK4 leaves (leak * step)^5 / 120 a sub-step: 9e-5 at most of a height of 3, less where it is damped."""
    begin, end = sorted((one, other))
    if begin < end:
        level = after(Vessel(), held((begin, 3.0), (end, 0.0)))[0]
        assert level == pytest.approx(exact(begin, end, 3.0), abs=4e-4)


def test_the_fourth_order_is_kept_across_jumps() -> None:
    """Over pulses of all places and widths, for the errors of one may cancel."""
    pulses = [(begin, begin + width) for begin in (0.0123, 0.111, 0.333, 0.477) for width in (0.0031, 0.15, 0.444)]
    errors = [
        sum(abs(after(model(), held((begin, 3.0), (end, 0.0)))[0] - exact(begin, end, 3.0)) for begin, end in pulses)
        for model in (Vessel, Finer, Finest)
    ]
    assert math.log2(errors[0] / errors[2]) / 2.0 == pytest.approx(4.0, abs=0.5)
    assert errors[2] < 1e-5


@given(st.lists(MOMENTS, min_size=1, max_size=30, unique=True), st.data())
def test_an_interpolated_input_is_delivered_whole(moments: list[float], data: st.DataObject) -> None:
    times = sorted(moments)
    values = data.draw(st.lists(st.floats(-5.0, 5.0), min_size=len(times), max_size=len(times)))
    ramp = list(zip(times, values, strict=True))
    known = sum(0.5 * (a + b) * (t - s) for (s, a), (t, b) in itertools.pairwise(ramp))
    filled = after(Vessel(), held(ramp=ramp))[1]
    assert filled == pytest.approx(known + values[-1] * (1.0 - times[-1]), abs=1e-9)


def test_a_reading_at_a_jump_sees_what_comes_after_it() -> None:
    points = Points(np.array([[0.2, 0.5, 0.5, 0.8]]), np.zeros((1, 4), np.int64))
    assert after(Vessel(), held((0.5, 3.0), (0.8, 1.0)), points=points).tolist() == [0.0, 3.0, 3.0, 1.0]


def test_a_thousand_samples_are_a_thousand_steps() -> None:
    """The cost grows with the samples, not with their square: 1 kHz on a tick of a second is delivered whole."""
    samples = [((k + 0.5) / 1000.0, float(k % 7)) for k in range(1000)]
    total = sum(value for _, value in samples) / 1000.0 - 0.5 * samples[-1][1] / 1000.0
    assert after(Vessel(), held(*samples))[1] == pytest.approx(total, rel=1e-12)
