"""Readings as messages: every reading once, in messages that the runtime takes."""

from hypothesis import given
from hypothesis import strategies as st

from twin_adapters.commands.packets import packets
from twin_runtime.core import RawReading
from twin_runtime.ingest.decode import decode

START = 1_700_000_000_000_000_000
TOPICS = {("a", "x"): "a/x", ("a", "y"): "a/y"}
UNITS = {"x": "m", "y": "1"}

Steps = st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from("xy"), st.floats(-1e9, 1e9)), min_size=1)


def recorded(steps: list[tuple[int, str, float]]) -> list[RawReading]:
    counts, time, readings = {"x": 0, "y": 0}, START, []
    for step, channel, value in steps:
        time += step
        readings.append(RawReading("a", channel, time, value, counts[channel]))
        counts[channel] += 1
    return readings


@given(Steps, st.integers(0, 3 * 10**9))
def test_batches_hold_every_reading_once_and_fall_due_with_their_last(
    steps: list[tuple[int, str, float]], window: int
) -> None:
    readings, received, due = recorded(steps), [], 0
    for message, count in packets(readings, TOPICS, UNITS, window):
        samples = decode(message.payload)
        assert len(samples) == count
        assert message.arrival == samples[-1].time
        assert message.arrival >= due
        due = message.arrival
        channel = message.topic[-1]
        for sample in samples:
            assert sample.time is not None
            assert sample.sequence is not None
            assert sample.unit == UNITS[channel]
            received.append(RawReading("a", channel, sample.time, sample.value, sample.sequence))
    order = {reading: place for place, reading in enumerate(readings)}
    assert sorted(received, key=order.__getitem__) == readings


def test_a_long_window_makes_several_messages_of_a_size_that_the_runtime_takes() -> None:
    readings = recorded([(8_000_000, "x", 1 / 3)] * 20_000)
    counts = [len(decode(message.payload)) for message, _ in packets(readings, TOPICS, UNITS, 10**12)]
    assert sum(counts) == 20_000
    assert max(counts) == 1000
