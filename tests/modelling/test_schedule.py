"""A tick is cut so that every reading and every event has its own stop, and inputs are what was measured."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twin_runtime.core import FloatArray
from twin_runtime.modelling.schedule import END, EVENT, OBSERVE, SubSteps, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import InputSignals, Points

DURATION = 1.0
NEVER = np.full((1, 1), np.inf)


def ends(steps: SubSteps) -> FloatArray:
    """When each sub-step ends."""
    return np.cumsum(steps.lengths)


def stops(steps: SubSteps) -> list[tuple[float, int]]:
    """Times and actions of all sub-steps that end with one."""
    return [(float(end), int(action)) for end, action in zip(ends(steps), steps.actions, strict=True) if action != END]


def cut(step: float, times: FloatArray, values: FloatArray, events: list[int], moments: FloatArray) -> SubSteps:
    """``times[input, knot]``, ``events`` 1 for event inputs, ``moments[reading]``."""
    signals = InputSignals(times[None], values[None], np.ones(1))
    points = Points(moments[None], np.zeros((1, moments.size), np.int64))
    room = unfilled(step, DURATION, signals, points)
    made = schedule(step, DURATION, TwinInputs(times, values, np.array(events, np.int64)), moments, room)
    assert np.shares_memory(made.lengths, room.lengths)
    return made


MOMENTS = st.lists(st.integers(0, 99), max_size=8).map(lambda grid: np.sort(np.array(grid, np.float64)) / 100.0)
"""Times in the tick, on a grid so that some coincide."""
STEPS = st.sampled_from([0.013, 0.1, 0.25, 3.0])


@given(STEPS, MOMENTS, MOMENTS, MOMENTS)
def test_every_reading_and_every_event_gets_one_stop_at_its_own_time(
    step: float, readings: FloatArray, beats: FloatArray, kicks: FloatArray
) -> None:
    times = np.full((2, 10), np.inf)
    times[0, : beats.size], times[1, 1 : 1 + kicks.size] = beats, kicks
    times[1, 0] = -0.2  # an event of the tick before
    padded = np.append(readings, [np.inf, np.inf])
    made = cut(step, times, np.ones_like(times), [1, 1], padded)

    reached = stops(made)
    assert np.isclose(made.lengths.sum(), DURATION)
    assert made.lengths.min() >= 0.0
    assert made.lengths.max() <= step * (1.0 + 1e-5)
    assert [action for _, action in reached if action >= OBSERVE] == list(range(readings.size))
    assert [t for t, action in reached if action >= OBSERVE] == pytest.approx(readings.tolist())
    for e, moments in enumerate((beats, kicks)):
        assert [t for t, action in reached if action == EVENT - e] == pytest.approx(moments.tolist())
    # Where they coincide the event comes first: a reading is predicted after the event.
    order = sorted([(t, 1) for t in readings] + [(t, 0) for t in (*beats, *kicks)])
    assert [int(action >= OBSERVE) for _, action in reached] == [kind for _, kind in order]


@given(STEPS, MOMENTS, st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=6, unique=True), st.data())
def test_inputs_at_the_nodes_are_linear_between_their_knots_and_constant_outside(
    step: float, readings: FloatArray, moments: list[float], data: st.DataObject
) -> None:
    knots = np.sort(np.array(moments))
    assume(np.diff(knots).min() > 1e-6)
    values = np.array(data.draw(st.lists(st.floats(-5.0, 5.0), min_size=knots.size, max_size=knots.size)))
    times = np.append(knots, np.inf)[None]
    made = cut(step, times, np.append(values, np.inf)[None], [0], readings)
    inside = knots[(knots > 0.0) & (knots < DURATION)]
    assert np.isclose(ends(made)[:, None], inside).any(axis=0).all()
    for node in range(3):
        moments_of_node = ends(made) - made.lengths * (1.0 - 0.5 * node)
        np.testing.assert_allclose(made.nodes[:, 0, node], np.interp(moments_of_node, knots, values), atol=1e-6)


def test_a_tick_without_stops_is_cut_evenly() -> None:
    made = cut(0.3, NEVER, NEVER, [1], np.empty(0))
    np.testing.assert_allclose(made.lengths, [0.25] * 4)
    assert (made.actions == END).all()


def test_a_step_that_divides_the_tick_is_not_cut_shorter_by_rounding() -> None:
    made = cut(0.1, NEVER, NEVER, [1], np.empty(0))
    assert made.lengths.size == 10


def test_an_event_at_the_end_of_a_tick_belongs_to_the_next() -> None:
    times = np.array([[DURATION, np.inf]])
    assert stops(cut(0.5, times, np.ones_like(times), [1], np.empty(0))) == []
    later = times - DURATION
    assert stops(cut(0.5, later, np.ones_like(times), [1], np.empty(0))) == [(0.0, EVENT)]
