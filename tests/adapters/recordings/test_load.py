"""From a mapping and its files to readings in the order of their event times."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings.times import event_times
from twin_runtime.core import SECOND, RawReading, Recording
from twin_runtime.durations import NANOSECONDS
from twin_runtime.errors import RecordingError

NEW_YEAR = 1_577_836_800 * SECOND
"""2020-01-01T00:00:00Z."""


def write_csv(path: Path, *rows: tuple[object, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def test_streams_are_merged_by_time_and_then_by_twin_and_channel(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "slow.csv", ("time", "level"), (0.5, 10), (0.25, 20))
    write_csv(tmp_path / "beats.csv", ("time",), (0.5,), (0.125,))
    recording: Recording = load_mapping("""
        [recording]
        twin = "tank"
        epoch = 2020-01-01T00:00:00Z
        [[streams]]
        channel = "level"
        file = "slow.csv"
        value = "level"
        unit = "m"
        [[streams]]
        channel = "beat"
        file = "beats.csv"
        constant = 1.0
        unit = "1"
    """)
    assert list(recording.readings()) == [
        RawReading("tank", "beat", NEW_YEAR + 125_000_000, 1.0, 0),
        RawReading("tank", "level", NEW_YEAR + 250_000_000, 20.0, 0),
        RawReading("tank", "level", NEW_YEAR + 500_000_000, 10.0, 1),
        RawReading("tank", "beat", NEW_YEAR + 500_000_000, 1.0, 1),
    ]
    assert (recording.start, recording.end) == (NEW_YEAR + 125_000_000, NEW_YEAR + 500_000_000)


def test_readings_of_one_signal_at_one_time_stay_in_the_order_of_the_file(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "a.csv", ("time", "x"), (1, 5), (1, 3), (1, 4))
    recording = load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"')
    assert [reading.value for reading in recording.readings()] == [5.0, 3.0, 4.0]


def test_missing_values_and_times_are_left_out_and_an_empty_column_leaves_nothing(
    tmp_path: Path, load_mapping: Load
) -> None:
    write_csv(tmp_path / "a.csv", ("time", "x", "dead"), (0, 1, "NaN"), (1, "", "NaN"), ("", 3, ""), (3, 4, ""))
    recording = load_mapping("""
        [recording]
        file = "a.csv"
        [[streams]]
        channel = "x"
        value = "x"
        unit = "1"
        [[streams]]
        channel = "dead"
        value = "dead"
        unit = "1"
    """)
    assert [(r.channel, r.time, r.value) for r in recording.readings()] == [("x", 0, 1.0), ("x", 3 * SECOND, 4.0)]
    assert recording.channels == ("x", "dead")


def test_one_file_can_hold_several_assets(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "all.csv", ("time", "who", "x"), (0, "b", 1), (0, "a", 2), (1, "a", 3))
    recording = load_mapping("""
        [recording]
        file = "all.csv"
        [[streams]]
        twin = "a"
        channel = "x"
        value = "x"
        unit = "1"
        where = { who = "a" }
        [[streams]]
        twin = "b"
        channel = "x"
        value = "x"
        unit = "1"
        where = { who = "b" }
    """)
    assert [(r.twin, r.value, r.sequence) for r in recording.readings()] == [("a", 2, 0), ("b", 1, 0), ("a", 3, 1)]


def test_rows_that_no_condition_meets_are_an_error_that_lists_the_values(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "all.csv", ("time", "who", "x"), (0, "b", 1), (0, "a", 2))
    with pytest.raises(RecordingError, match=r"no row left with who = 'c'.*that column holds 'b', 'a'"):
        load_mapping("""
            [[streams]]
            channel = "x"
            file = "all.csv"
            value = "x"
            unit = "1"
            where = { who = "c" }
        """)


def test_evenly_spaced_rows_need_no_column_of_times(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "a.csv", ("x",), (1,), (2,), (3,))
    recording = load_mapping("""
        [recording]
        epoch = 2020-01-01T00:00:00Z
        period = "4 s"
        [[streams]]
        channel = "x"
        file = "a.csv"
        value = "x"
        unit = "1"
    """)
    assert [reading.time - NEW_YEAR for reading in recording.readings()] == [0, 4 * SECOND, 8 * SECOND]


def test_a_section_keeps_sequence_numbers_and_includes_its_start_only(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "a.csv", ("time", "x"), *((second, second) for second in range(10)))
    recording = load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"')
    section = recording.between(3 * SECOND, 6 * SECOND)
    assert [(r.value, r.sequence) for r in section.readings()] == [(3.0, 3), (4.0, 4), (5.0, 5)]
    assert (len(section), section.start, section.end) == (3, 3 * SECOND, 5 * SECOND)
    with pytest.raises(RecordingError, match="no reading lies in that section; remedy: it lasts 9 s in all"):
        recording.between(20 * SECOND, 30 * SECOND)


def test_a_recording_without_any_reading_is_an_error(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "a.csv", ("time", "x"), (0, ""))
    with pytest.raises(RecordingError, match="there is not one reading in it"):
        load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"')


@given(st.floats(-80_000, 80_000), st.sampled_from(sorted(NANOSECONDS)))
def test_times_are_rounded_once_to_the_nearest_nanosecond(value: float, unit: str) -> None:
    time = int(event_times(np.array([value]), unit, NEW_YEAR)[0]) - NEW_YEAR
    assert abs(time - Fraction(value) * NANOSECONDS[unit]) <= Fraction(51, 100)


def test_times_beyond_what_nanoseconds_can_tell_are_refused() -> None:
    with pytest.raises(ValueError, match="beyond the years 1678 to 2262"):
        event_times(np.array([0.0, 1e6]), "d", NEW_YEAR)


@given(st.integers(0, 2**61))
def test_integer_nanoseconds_pass_unchanged(time: int) -> None:
    assert event_times(np.array([time]), "ns", 0).tolist() == [time]


def test_what_is_not_a_time_is_reported(tmp_path: Path, load_mapping: Load) -> None:
    write_csv(tmp_path / "a.csv", ("time", "x"), ("2020-01-01 00:00:00", 1))
    with pytest.raises(RecordingError, match=r"column 'time': expected numbers \(s\), came .*say time_unit = \"iso\""):
        load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"')
    write_csv(tmp_path / "a.csv", ("time", "x"), (1.5, 1))
    with pytest.raises(RecordingError, match=r"expected date-times \(time_unit = \"iso\"\), came 1.5"):
        load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"\ntime_unit = "iso"')
