"""What a file holds arrives as it is, or the recording is refused with a remedy."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.parquet import read as read_parquet
from twin_adapters.recordings.wfdb import read as read_wfdb
from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError, RecordingError

STREAM = '[[streams]]\nchannel = "x"\nvalue = "x"\nunit = "1"\n'
CSV = STREAM + 'file = "a.csv"\n'
PARQUET = STREAM + 'file = "a.parquet"\n'
ISO = CSV + 'time_unit = "iso"\n'
NANOSECONDS = [1_577_877_441_341_968_059, None, 1_577_877_441_341_968_061]


@pytest.mark.parametrize("text", ["x\n1\n\n3\n\n", "x,y\n1,5\n\n3,6\n", "x,y\r\n1,5\r\n\r\n3,6\r\n"])
def test_a_blank_line_keeps_its_place_in_evenly_spaced_rows(tmp_path: Path, load_mapping: Load, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    recording = load_mapping(CSV + 'period = "4 s"')
    assert [(r.time, r.value) for r in recording.readings()] == [(0, 1.0), (8 * SECOND, 3.0)]


def test_a_blank_line_between_times_is_left_out(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n1,5\n\n2,6\n\n")
    assert [(r.time, r.value) for r in load_mapping(CSV).readings()] == [(SECOND, 5.0), (2 * SECOND, 6.0)]


@pytest.mark.parametrize("period", ['period = "1000 d"\nepoch = 2262-01-01T00:00:00Z', "epoch = 9999-01-01T00:00:00Z"])
def test_evenly_spaced_rows_beyond_what_nanoseconds_can_tell_are_refused(
    tmp_path: Path, load_mapping: Load, period: str
) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 300)
    with pytest.raises(RecordingError, match="beyond the years 1678 to 2262"):
        load_mapping(f'[recording]\nperiod = "1 s"\n{period}\n'.replace('period = "1 s"\nperiod', "period") + CSV)


def test_integer_times_are_exact_beside_missing_ones(tmp_path: Path, load_mapping: Load) -> None:
    pq.write_table(pa.table({"time": NANOSECONDS, "x": [1, 2, 3]}), tmp_path / "a.parquet")
    assert [r.time for r in load_mapping(PARQUET + 'time_unit = "ns"').readings()] == [NANOSECONDS[0], NANOSECONDS[2]]
    (tmp_path / "a.csv").write_text(f"time,x\n{NANOSECONDS[0]},1\nNaN,2\n{NANOSECONDS[2]},3\n")
    assert [r.time for r in load_mapping(CSV + 'time_unit = "ns"').readings()] == [NANOSECONDS[0], NANOSECONDS[2]]


def test_missing_integers_are_missing_values(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,1\n1,NaN\n2,3\n")
    assert [r.value for r in load_mapping(CSV).readings()] == [1.0, 3.0]


def test_nanoseconds_of_a_text_are_kept(tmp_path: Path, load_mapping: Load) -> None:
    texts = ["1970-01-01T00:00:01.123456789Z", "1970-01-01T01:00:01.1234567+01:00"]
    pq.write_table(pa.table({"time": texts, "x": [1, 2]}), tmp_path / "a.parquet")
    times = [r.time for r in load_mapping(PARQUET + 'time_unit = "iso"').readings()]
    assert times == [1_123_456_700, 1_123_456_789]


def test_a_column_asked_for_by_number_is_that_column(tmp_path: Path) -> None:
    nested = pa.array([{"p": 1, "q": 2}] * 2)
    columns = [nested, pa.array([1, 2]), pa.array([3, 4]), pa.array([5, 6])]
    table = pa.Table.from_arrays(columns, names=["n", "x", "x", "n.p"])
    pq.write_table(table, tmp_path / "a.parquet")
    read = read_parquet(tmp_path / "a.parquet", Layout())
    assert [read.numbers(place).tolist() for place in (1, 2, 3)] == [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(RecordingError, match=r"expected one value a row in column 'n', came struct.*flatten"):
        read.numbers(0)


def hour(zone: str, load_mapping: Load) -> list[datetime]:
    recording = load_mapping(ISO + f'zone = "{zone}"')
    return [datetime.fromtimestamp(r.time / SECOND, UTC) for r in recording.readings()]


@pytest.mark.parametrize("zone", ["Europe/Brussels", "+02:00"])
def test_local_times_are_told_in_the_zone_of_the_mapping(tmp_path: Path, load_mapping: Load, zone: str) -> None:
    (tmp_path / "a.csv").write_text("time,x\n2020-07-01 00:00:00,1\n,2\n2020-07-01 01:00:00,3\n")
    assert hour(zone, load_mapping) == [datetime(2020, 6, 30, 22, tzinfo=UTC), datetime(2020, 6, 30, 23, tzinfo=UTC)]
    (tmp_path / "a.csv").write_text("time,x\n2020-07-01 00:00:00,1\n2020-07-01T01:00:00+02:00,3\n")
    assert hour(zone, load_mapping) == [datetime(2020, 6, 30, 22, tzinfo=UTC), datetime(2020, 6, 30, 23, tzinfo=UTC)]


@pytest.mark.parametrize("times", ["2020-07-01", "2020-07-01 00:00:00", "2020-07-01 00:00:00\n2020-07-01T00:00:00Z"])
def test_local_times_without_a_zone_are_refused(tmp_path: Path, load_mapping: Load, times: str) -> None:
    (tmp_path / "a.csv").write_text("time,x\n" + "".join(f"{time},1\n" for time in times.split("\n")))
    with pytest.raises(RecordingError, match=r"row 0: 2020-07-01T00:00:00 has no offset from UTC; remedy: say zone"):
        load_mapping(ISO)


@pytest.mark.parametrize(("time", "often"), [("2020-10-25 02:30:00", "twice"), ("2020-03-29 02:30:00", "never")])
def test_local_times_that_occur_twice_or_never_are_refused(
    tmp_path: Path, load_mapping: Load, time: str, often: str
) -> None:
    (tmp_path / "a.csv").write_text(f"time,x\n2020-01-01 00:00:00,1\n{time},1\n")
    with pytest.raises(RecordingError, match=f"row 1: .* occurs {often} in Europe/Brussels.*with their offset"):
        load_mapping(ISO + 'zone = "Europe/Brussels"')
    assert len(load_mapping(ISO + 'zone = "+01:00"')) == 2


def test_a_zone_that_is_none_is_refused(load_mapping: Load) -> None:
    with pytest.raises(ConfigError, match=r"expected a time zone such as \"Europe/Brussels\".*got 'CET or so'"):
        load_mapping(ISO + 'zone = "CET or so"')


def frames(folder: Path) -> None:
    wfdb.wrsamp(
        "a", fs=10, units=["mmHg", "mV", "mV"], sig_name=["x", "y", "z"], fmt=["16", "16", "16"],
        e_p_signal=[np.arange(5.0), np.arange(20.0), np.arange(15.0)], samps_per_frame=[1, 4, 3], write_dir=str(folder),
    )  # fmt: skip


def test_every_sample_of_a_wfdb_frame_is_kept_at_its_time(tmp_path: Path) -> None:
    frames(tmp_path)
    table = read_wfdb(tmp_path / "a.hea", Layout())
    for name, count in (("x", 1), ("y", 4), ("z", 3)):
        values = table.numbers(name)
        there = ~np.isnan(values)
        np.testing.assert_allclose(values[there], np.arange(5 * count), atol=1e-3)
        np.testing.assert_allclose(table.numbers("time")[there], np.arange(5 * count) / (10 * count), atol=1e-12)


def test_the_unit_of_a_wfdb_header_is_that_of_the_mapping(tmp_path: Path, load_mapping: Load) -> None:
    frames(tmp_path)
    mapping = STREAM + 'file = "a.hea"\n'
    with pytest.raises(RecordingError, match="column 'x' is in 'mmHg', the mapping says 'kPa'; remedy: say unit = 'mm"):
        load_mapping(mapping.replace('unit = "1"', 'unit = "kPa"'))
    assert load_mapping(mapping.replace('unit = "1"', 'unit = "mmHg"')).units == {"x": "mmHg"}
    assert load_mapping(mapping.replace('unit = "1"', 'unit = "millimeter_Hg"')).units == {"x": "millimeter_Hg"}
    assert load_mapping(mapping + 'file_unit = "mmHg"').units == {"x": "1"}


def test_the_unit_in_the_metadata_of_a_parquet_column_is_that_of_the_mapping(
    tmp_path: Path, load_mapping: Load
) -> None:
    schema = pa.schema([pa.field("time", pa.int64()), pa.field("x", pa.int64(), metadata={"unit": "bar"})])
    pq.write_table(pa.table({"time": [0], "x": [1]}, schema=schema), tmp_path / "a.parquet")
    with pytest.raises(RecordingError, match="column 'x' is in 'bar', the mapping says '1'"):
        load_mapping(PARQUET)
