"""A replay takes a recording for what it is: in order of time, whatever the order of its readings and their times."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.runs.test_replay import balance
from tests.ward import EPOCH, TICK, at, recorded, ward
from twin_runtime.core import SECOND, RawReading
from twin_runtime.errors import RecordingError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.recorded import in_order
from twin_runtime.runs.replay import replay_recording
from twin_runtime.testing import MemoryRecording

HOUR = 3600 * SECOND
YEAR = 365 * 24 * HOUR


class Unsorted(MemoryRecording):
    """A recording whose readings stand in whatever order they are given, as one of another's making may be."""

    def __init__(self, readings: Iterable[RawReading]) -> None:
        super().__init__(given := list(readings))
        self._given = given

    def readings(self) -> Iterator[RawReading]:
        return iter(self._given)


@pytest.fixture
def assembly() -> Assembly:
    return ward(pause_after="4 s")


def moved(by: int, ticks: range) -> list[RawReading]:
    """Readings of some ticks, all of them moved in time."""
    return [r._replace(time=r.time + by) for r in recorded(ticks.stop) if r.time >= at(ticks.start)]


def replayed(assembly: Assembly, readings: Iterable[RawReading], **options: Any) -> dict[str, Any]:  # noqa: ANN401
    given = list(readings)
    found = replay_recording(assembly, Unsorted(given), **options)
    assert balance(found["readings"]) == 0
    return found


@pytest.mark.parametrize(("begin", "until"), [(None, None), (20, None), (None, 30), (20, 30)])
@pytest.mark.parametrize("far", [False, True], ids=["shuffled", "the last one first"])
def test_a_wrongly_sorted_recording_is_the_sorted_one(
    assembly: Assembly, begin: int | None, until: int | None, far: bool, caplog: pytest.LogCaptureFixture
) -> None:
    section = {"begin": None if begin is None else at(begin), "until": None if until is None else at(until)}
    readings = list(recorded(60))
    mixed = readings[-1:] + readings[:-1] if far else random.Random(1).sample(readings, len(readings))
    found, expected = replayed(assembly, mixed, **section), replayed(assembly, readings, **section)
    assert found["readings"] == expected["readings"]
    assert found["state_hash"] == expected["state_hash"]
    assert found["recording"]["unsorted"] > 50
    assert caplog.text.count("recorded readings stand behind later ones") == 1


def test_a_silence_of_hours_costs_nothing_and_is_told(assembly: Assembly, caplog: pytest.LogCaptureFixture) -> None:
    readings = [*recorded(30), *moved(5 * HOUR, range(30, 60))]
    found = replayed(assembly, readings)
    assert found["readings"]["assimilated"] == len(readings)
    assert found["pauses"] == 1
    assert found["ticks"] < 30 + 170 + 30
    assert found["recording"]["longest_silence"] == pytest.approx(5 * 3600, abs=1)
    assert "the recording has no reading for 5:00:00 from 2020-09-13T12:26:41+00:00 on" in caplog.text


@pytest.mark.parametrize("year", [1975, 1970])
def test_times_before_1980_are_as_good_as_any(assembly: Assembly, year: int, caplog: pytest.LogCaptureFixture) -> None:
    begin = ((year - 1970) * YEAR) // TICK * TICK
    found = replayed(assembly, moved(begin - EPOCH, range(40)), store=None)
    assert (found["ticks"], found["readings"]["assimilated"]) == (40, 80)
    assert found["frontier"] == begin // TICK + 40
    assert caplog.text.count("are the epoch and the unit of its times right?") == 1


@pytest.mark.parametrize("off", [-50 * YEAR, 50 * YEAR])
def test_a_first_stamp_that_is_far_off_costs_no_other_reading(
    assembly: Assembly, off: int, caplog: pytest.LogCaptureFixture
) -> None:
    stray = RawReading("patient-0", "abp", at(0) + off, 80.0)
    found = replayed(assembly, [stray, *recorded(40)])
    assert found["readings"]["late"] == 0
    assert found["readings"]["assimilated"] >= 80  # what is far off may be an outlier in its value, too
    assert found["ticks"] < 300
    assert "twins pause meanwhile" in caplog.text


def test_times_before_1970_are_refused(assembly: Assembly) -> None:
    with pytest.raises(RecordingError, match="begins in 1960-01-04T00:00:00"):
        replayed(assembly, moved(-10 * YEAR - EPOCH, range(3)))


def test_an_empty_recording_is_none() -> None:
    found, readings = in_order(MemoryRecording([]))
    assert (found.readings, list(readings)) == (0, [])
