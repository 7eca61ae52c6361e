"""The segment of a recording by which a twin is calibrated: whose readings, from when to when, and how many."""

import pytest

from tests.ward import EPOCH, at, pressure, recorded, ward
from twin_runtime.calibration import Segment, segment_of
from twin_runtime.core import RawReading
from twin_runtime.errors import ConfigError, RecordingError
from twin_runtime.testing import MemoryRecording

TICKS = 50
"""Two seconds with one reading of pressure and flow in each tick."""


def segment(patients: int = 1, twin: str | None = None, **options: int) -> Segment:
    return segment_of(ward(patients), MemoryRecording(recorded(TICKS, patients)), twin, **options)


def flows(found: Segment) -> int:
    """Samples of the flow that act in some tick: knots behind the last sample before it."""
    return sum(int((signals.times[0, 0] >= 0.0).sum() > 0) for signals, _ in found)


def test_every_tick_has_its_inputs_and_its_readings_as_often_as_it_is_asked() -> None:
    found = segment()
    assert (len(found), found.readings, found.refused) == (TICKS, TICKS, {})
    for _ in range(2):
        assert [observations.value.shape for _, observations in found] == [(1, 1)] * TICKS
    assert flows(found) == TICKS


def test_only_the_readings_of_the_twin_count() -> None:
    found = segment(3, "patient-1")
    assert (found.twin, found.row, found.readings) == ("patient-1", 1, TICKS)


def test_sensors_can_be_thinned_and_inputs_are_not() -> None:
    found = segment(every=7)
    assert found.readings == 8
    assert flows(found) == TICKS


def test_a_section_can_be_chosen() -> None:
    found = segment(begin=at(10), until=at(30))
    assert (found.readings, len(found)) == (20, 20)
    assert (found.begin, found.end) == (at(10.5), at(29.5))


def test_what_the_door_refuses_and_what_comes_twice_is_counted() -> None:
    wild = RawReading("patient-0", "abp", at(3.6), 1000.0)
    twice = RawReading("patient-0", "abp", at(4.5), pressure(4))
    found = segment_of(ward(), MemoryRecording([*recorded(TICKS), wild, twice]))
    assert found.readings == TICKS
    assert found.refused == {"out-of-range": 1, "duplicate": 1}


def test_of_several_twins_one_must_be_chosen() -> None:
    with pytest.raises(ConfigError, match=r"expected one twin, got 2: .*remedy: choose one: --twin patient-0"):
        segment(2)


def test_a_twin_that_is_not_there_is_reported() -> None:
    with pytest.raises(ConfigError, match="there is no twin 'patient-9'; remedy: did you mean patient-1 or patient-0"):
        segment(2, "patient-9")


def test_a_segment_without_readings_is_reported() -> None:
    with pytest.raises(RecordingError, match="no reading of a sensor of twin 'patient-0' lies in that segment; remedy"):
        segment(until=EPOCH)
