"""What drives a model between the samples of its inputs."""

import itertools

import numpy as np
import pytest

from twin_runtime.core import SECOND, Reading
from twin_runtime.engine.inputs import input_signals, keep_newest, no_samples, rules
from twin_runtime.engine.observations import columns
from twin_runtime.modelling.signals import InputSamples, InputSignals, interpolate
from twin_runtime.modelling.variables import Input, Shape

START = 1_700_000_000 * SECOND
INPUTS = (
    Input("flow", "mL/s", default=7.0, shape=Shape.LINEAR, gap=0.5),
    Input("infusion", "mL/h", default=3.0, shape=Shape.HOLD),
    Input("beat", "1", shape=Shape.EVENT),
)
FLOW, INFUSION, BEAT = range(3)
NOTHING = InputSamples(*np.full((2, 1, 3), np.nan))


def sample(channel: int, seconds: float, value: float, twin: int = 0) -> Reading:
    """A sample so many seconds after the start of the tick."""
    return Reading(twin, channel, START + round(seconds * SECOND), value, 0.0)


def driven(
    *samples: Reading, last: InputSamples = NOTHING, after: InputSamples | None = None, twins: int | None = None
) -> InputSignals:
    """The inputs over the tick that follows ``last``."""
    behind = no_samples(len(last.time), len(INPUTS)) if after is None else after
    return input_signals(rules(INPUTS), last, columns(samples, START), behind, START)


def remembered(*samples: Reading) -> InputSamples:
    """The newest sample of every input after some came."""
    last = InputSamples(NOTHING.time.copy(), NOTHING.value.copy())
    keep_newest(last, columns(samples, START), START)
    return last


def at(signals: InputSignals, signal: int, *moments: float, twin: int = 0) -> list[float]:
    """The values of an input at some times of the tick."""
    return [interpolate(signals.times[twin, signal], signals.values[twin, signal], moment) for moment in moments]


def test_the_default_serves_until_the_first_sample_has_come() -> None:
    assert at(driven(), FLOW, 0.0, 99.0) == [7.0, 7.0]
    first = driven(sample(FLOW, 0.4, 100.0), sample(INFUSION, 0.2, 50.0))
    assert at(first, FLOW, 0.0, 0.399, 0.4, 9.0) == [7.0, 7.0, 100.0, 100.0]
    assert at(first, INFUSION, 0.0, 0.199, 0.2, 9.0) == [3.0, 3.0, 50.0, 50.0]


def test_a_held_input_keeps_its_last_value_however_close_the_next_sample_is() -> None:
    signals = driven(
        sample(INFUSION, 0.2, 50.0), sample(INFUSION, 0.21, 20.0), last=remembered(sample(INFUSION, -3, 9))
    )
    assert at(signals, INFUSION, 0.0, 0.19, 0.2, 0.205, 0.21, 5.0) == [9.0, 9.0, 50.0, 50.0, 20.0, 20.0]


def test_a_linear_input_is_interpolated_from_the_sample_before_the_tick() -> None:
    signals = driven(sample(FLOW, 0.1, 30.0), sample(FLOW, 0.3, 50.0), last=remembered(sample(FLOW, -0.1, 10.0)))
    assert at(signals, FLOW, 0.0, 0.1, 0.2, 0.3, 0.9) == pytest.approx([20.0, 30.0, 40.0, 50.0, 50.0], abs=1e-4)


def test_a_linear_input_is_interpolated_to_the_first_sample_behind_the_tick() -> None:
    after = no_samples(1, 3)
    after.time[0, FLOW], after.value[0, FLOW] = 0.5, 60.0
    signals = driven(sample(FLOW, 0.1, 20.0), after=after)
    assert at(signals, FLOW, 0.1, 0.3, 0.5) == pytest.approx([20.0, 40.0, 60.0])


def test_across_too_long_a_gap_the_last_value_is_held() -> None:
    signals = driven(sample(FLOW, 0.3, 50.0), last=remembered(sample(FLOW, -0.3, 10.0)))
    assert at(signals, FLOW, 0.0, 0.299, 0.3) == [10.0, 10.0, 50.0]
    just = driven(sample(FLOW, 0.25, 60.0), last=remembered(sample(FLOW, -0.25, 10.0)))
    assert at(just, FLOW, 0.0) == pytest.approx([35.0], abs=1e-4)


def test_an_event_has_times_and_leaves_nothing_behind() -> None:
    signals = driven(sample(BEAT, 0.2, 1.0), sample(BEAT, 0.9, 1.0), last=remembered(sample(BEAT, -0.5, 1.0)))
    times = signals.times[0, BEAT]
    assert times[np.isfinite(times)].tolist() == [0.2, 0.9]


def test_the_signals_do_not_depend_on_the_order_in_which_samples_came() -> None:
    samples = [sample(FLOW, 0.1, 1.0), sample(FLOW, 0.2, 2.0), sample(INFUSION, 0.15, 3.0), sample(BEAT, 0.05, 1.0)]
    in_order, newest_sorted = driven(*samples), remembered(*samples)
    for order in itertools.permutations(samples):
        assert [a.tobytes() for a in driven(*order)] == [a.tobytes() for a in in_order]
        assert [a.tobytes() for a in remembered(*order)] == [a.tobytes() for a in newest_sorted]


def test_each_twin_has_its_own_inputs() -> None:
    pairs = zip(NOTHING, remembered(sample(FLOW, -0.1, 10.0)), strict=True)
    last = InputSamples(*(np.concatenate(pair) for pair in pairs))
    signals = driven(sample(FLOW, 0.0, 40.0, twin=0), sample(FLOW, 0.1, 30.0, twin=1), last=last)
    assert at(signals, FLOW, 0.0, twin=0) == [40.0]
    assert at(signals, FLOW, 0.0, twin=1) == pytest.approx([20.0], abs=1e-4)
    assert signals.known.tolist() == [1.0, 1.0]


def test_the_newest_sample_is_remembered_by_input() -> None:
    last = remembered(sample(FLOW, 0.1, 1.0), sample(FLOW, 0.2, 2.0), sample(INFUSION, 0.15, 3.0))
    assert last.value[0].tolist()[:2] == [2.0, 3.0]
    # Times since the epoch are kept as floats: to a quarter of a microsecond.
    np.testing.assert_allclose(last.time[0, :2] - START, [0.2 * SECOND, 0.15 * SECOND], atol=256.0)
    assert np.isnan([last.time[0, BEAT], last.value[0, BEAT]]).all()
