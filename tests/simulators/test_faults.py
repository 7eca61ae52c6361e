"""Each fault does what it is named for, to the channel and at the time that are configured."""

import tomllib

import numpy as np
import pytest

from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError
from twin_simulators.asset import Signal, sample_times
from twin_simulators.faults import (
    FAULT,
    Bias,
    Delay,
    Drift,
    Dropout,
    Duplicates,
    Fault,
    Jitter,
    Loss,
    Noise,
    Outage,
    Ramp,
    Replayed,
    Scale,
    Spikes,
    Stuck,
    parse_fault,
)
from twin_simulators.packets import Packets

TIMES = sample_times(100.0, SECOND // 100)
CLEAN = Packets.of(Signal("abp", "mmHg", TIMES, np.sin(TIMES / SECOND)))


def after(fault: Fault, packets: Packets = CLEAN) -> tuple[Packets, int]:
    return fault.apply(packets, np.random.default_rng(7))


def test_noise_has_the_given_spread_and_leaves_times_alone() -> None:
    noisy, touched = after(Noise(sd=2.0))
    assert np.std(noisy.value - CLEAN.value) == pytest.approx(2.0, rel=0.03)
    assert np.array_equal(noisy.stamp, CLEAN.stamp)
    assert touched == len(CLEAN)


def test_a_bias_begins_at_its_configured_time() -> None:
    biased, touched = after(Bias(size=5.0, start="40 s"))
    late = CLEAN.measured >= 40 * SECOND
    np.testing.assert_allclose(biased.value - CLEAN.value, np.where(late, 5.0, 0.0))
    assert touched == late.sum()


def test_spikes_stand_out_from_a_few_samples() -> None:
    spiked, touched = after(Spikes(share=0.01, size=80.0))
    off = spiked.value - CLEAN.value
    assert set(np.round(off)) == {-80.0, 0.0, 80.0}
    assert np.count_nonzero(off) == touched == pytest.approx(100, abs=40)


def test_a_stuck_sensor_repeats_its_value_and_recovers() -> None:
    stuck, touched = after(Stuck(start="10 s", length="2 s"))
    inside = (CLEAN.measured >= 10 * SECOND) & (CLEAN.measured < 12 * SECOND)
    assert set(stuck.value[inside]) == {CLEAN.value[1000]}
    np.testing.assert_array_equal(stuck.value[~inside], CLEAN.value[~inside])
    assert touched == 200


def test_noise_may_begin_and_end() -> None:
    noisy, touched = after(Noise(sd=2.0, start="10 s", length="20 s"))
    inside = (CLEAN.measured >= 10 * SECOND) & (CLEAN.measured < 30 * SECOND)
    np.testing.assert_array_equal(noisy.value != CLEAN.value, inside)
    assert touched == 2000


def test_a_ramp_grows_from_nothing_and_ends() -> None:
    ramp, touched = after(Ramp(rate=0.5, start="10 s", length="20 s"))
    seconds = CLEAN.measured / SECOND
    inside = (seconds >= 10) & (seconds < 30)
    np.testing.assert_allclose(ramp.value - CLEAN.value, np.where(inside, 0.5 * (seconds - 10), 0.0), atol=1e-12)
    assert touched == 2000


def test_a_scaled_sensor_multiplies() -> None:
    scaled, touched = after(Scale(factor=1.1, start="10 s", length="20 s"))
    inside = (CLEAN.measured >= 10 * SECOND) & (CLEAN.measured < 30 * SECOND)
    np.testing.assert_allclose(scaled.value, np.where(inside, 1.1, 1.0) * CLEAN.value)
    assert touched == 2000


def test_what_is_replayed_is_what_was_measured_before_with_the_stamps_of_now() -> None:
    again, touched = after(Replayed(ago="5 s", start="10 s", length="20 s"))
    np.testing.assert_array_equal(again.value[1000:3000], CLEAN.value[500:2500])
    np.testing.assert_array_equal(again.value[3000:], CLEAN.value[3000:])
    np.testing.assert_array_equal(again.stamp, CLEAN.stamp)
    assert touched == 2000
    from_the_start, _ = after(Replayed(ago="5 s", start="0 s", length="2 s"))
    assert set(from_the_start.value[:200]) == {CLEAN.value[0]}


def test_a_window_comes_again() -> None:
    stuck, _ = after(Stuck(start="10 s", length="1 s", every="30 s"))
    repeats = np.flatnonzero(np.diff(stuck.value) == 0) / 100
    assert sorted({int(second) for second in repeats}) == [10, 40, 70]


def test_a_dropout_leaves_a_hole() -> None:
    rest, touched = after(Dropout(start="20 s", length="500 ms"))
    gap = np.max(np.diff(rest.measured))
    assert touched == len(CLEAN) - len(rest) == 50
    assert gap == SECOND // 100 * 51


def test_an_outage_delivers_everything_late() -> None:
    held, touched = after(Outage(start="50 s", length="3 s"))
    late = held.send > held.measured
    assert touched == late.sum() == 300
    assert set(held.send[late]) == {53 * SECOND}
    assert len(held) == len(CLEAN)


def test_jitter_moves_stamps_and_not_the_sending() -> None:
    jittery, _ = after(Jitter(sd="2 ms"))
    assert np.std(jittery.stamp - CLEAN.stamp) == pytest.approx(2e6, rel=0.03)
    assert np.array_equal(jittery.send, CLEAN.send)


def test_a_drifting_clock_gains_and_may_start_behind() -> None:
    drifted, _ = after(Drift(ppm=50, offset=-0.1))
    assert drifted.stamp[0] == -SECOND // 10
    assert drifted.stamp[5000] - CLEAN.stamp[5000] == -SECOND // 10 + 50 * 50 * 1000


def test_delayed_packets_overtake_each_other_and_keep_their_stamps() -> None:
    delayed, touched = after(Delay(mean="50 ms", least="10 ms", share=0.5))
    waiting = delayed.send - CLEAN.send
    assert touched == np.count_nonzero(waiting) == pytest.approx(5000, rel=0.05)
    assert waiting[waiting > 0].min() >= 10_000_000
    assert waiting[waiting > 0].mean() == pytest.approx(60e6, rel=0.05)
    assert np.any(np.diff(delayed.send) < 0)
    assert np.array_equal(delayed.stamp, CLEAN.stamp)


def test_lost_packets_leave_gaps_in_the_sequence() -> None:
    rest, touched = after(Loss(share=0.1))
    assert touched == len(CLEAN) - len(rest) == pytest.approx(1000, rel=0.15)
    assert len(np.unique(rest.sequence)) == len(rest)


def test_duplicates_are_the_same_reading_sent_again() -> None:
    doubled, touched = after(Duplicates(share=0.1, after="1 s"))
    copies = doubled.take(np.arange(len(CLEAN), len(doubled)))
    assert touched == len(copies)
    np.testing.assert_array_equal(copies.value, CLEAN.value[copies.sequence])
    np.testing.assert_array_equal(copies.stamp, CLEAN.stamp[copies.sequence])
    assert np.mean(copies.send - copies.measured) == pytest.approx(SECOND, rel=0.15)


def test_faults_meet_each_other_in_any_order() -> None:
    doubled, _ = after(Duplicates(share=0.5))
    stuck, touched = after(Stuck(start="10 s", length="2 s"), doubled)
    held = stuck.value[(stuck.measured >= 10 * SECOND) & (stuck.measured < 12 * SECOND)]
    assert set(held) == {CLEAN.value[1000]}
    assert touched == len(held)


def test_nothing_can_happen_to_no_packets() -> None:
    nothing = CLEAN.take(np.arange(0))
    assert after(Stuck(start="1 s", length="1 s"), nothing) == (nothing, 0)


def test_a_fault_is_a_table_in_a_file() -> None:
    table = tomllib.loads('kind = "delay"\nchannel = "abp"\nmean = "50 ms"')
    assert FAULT.validate_python(table) == Delay(channel="abp", mean="50 ms")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("abp:loss,share=0.01", Loss(channel="abp", share=0.01)),
        ("delay, mean=50ms, least=5 ms", Delay(mean="50 ms", least="5 ms")),
        ("dropout,start=1 min,length=2 s,every=5 min", Dropout(start="60 s", length="2 s", every="300 s")),
        ("drift,offset=-0.5", Drift(offset=-0.5)),
    ],
)
def test_a_fault_is_a_word_on_the_command_line(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("los,share=0.01", "Input tag 'los'"),
        ("loss", "share: Field required"),
        ("loss,share=2", "share: Input should be less than or equal to 1"),
        ("loss,share=nan", "share: Input should be a finite number"),
        ("delay,mean=soon", "expected a duration"),
        ("delay,mean=20", "expected a duration with its unit"),
        ("delay,mean=1 s,colour=red", "colour: Extra inputs"),
        ("", "Input tag ''"),
    ],
)
def test_a_mistake_in_a_fault_reports_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_fault(text)
    assert "remedy: write [channel:]kind" in str(caught.value)
