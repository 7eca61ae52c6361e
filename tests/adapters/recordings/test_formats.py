"""Each format reads what an independent writer wrote."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.csv import read as read_csv
from twin_adapters.recordings.mos import read as read_mos
from twin_adapters.recordings.parquet import read as read_parquet
from twin_adapters.recordings.wfdb import read as read_wfdb
from twin_runtime.errors import RecordingError

PLAIN = Layout()
X = np.array([0.1, 2.5e-9, -3.0, np.nan])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_its_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["a quoted, strange; name", "x", "note"])
        writer.writerows([[1, repr(x), 'said "no", twice'] for x in X.tolist()])
    table = read_csv(path, PLAIN)
    assert list(table.names) == ["a quoted, strange; name", "x", "note"]
    np.testing.assert_array_equal(table.numbers("x"), X)
    np.testing.assert_array_equal(table.numbers(0), [1.0] * 4)


def test_csv_without_a_header_has_columns_by_number_or_by_the_names_of_the_mapping(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,10\n1,11\n")
    np.testing.assert_array_equal(read_csv(path, Layout(header=False)).numbers(1), [10.0, 11.0])
    np.testing.assert_array_equal(read_csv(path, Layout(columns=("t", "x"))).numbers("x"), [10.0, 11.0])


def test_csv_starts_behind_a_byte_order_mark_and_tells_columns_of_one_name_by_number(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbftime,x,x\r\n0,1,2\r\n")
    table = read_csv(path, PLAIN)
    assert (table.numbers("time").tolist(), table.numbers(1).tolist(), table.numbers(2).tolist()) == ([0], [1], [2])
    with pytest.raises(RecordingError, match="there are 2 columns 'x', with the numbers 1, 2; remedy: name"):
        table.numbers("x")


def test_csv_with_text_among_the_numbers_reports_which_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,x\n0,1.5\n1,1.6 bar\n")
    with pytest.raises(RecordingError, match=r"expected numbers in column 'x', came '1.6 bar' in row 1"):
        read_csv(path, PLAIN).numbers("x")


def test_csv_with_ragged_rows_reports_which(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,x\n0,1\n1,2,3\n")
    with pytest.raises(
        RecordingError, match=r"a\.csv:3: expected 2 columns as in the first row, came 3: .*mend that row"
    ):
        read_csv(path, PLAIN)


def test_csv_that_is_a_modelica_table_reports_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("#1\ndouble a(1, 1)\n0\n")
    with pytest.raises(RecordingError, match='this is a Modelica table; remedy: say `format = "mos"`'):
        read_csv(path, PLAIN)


def test_iso_times_have_their_own_offset_or_that_of_the_zone(tmp_path: Path, load_mapping: Load) -> None:
    mapping = '[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"\ntime_unit = "iso"\nzone = "UTC"'
    (tmp_path / "a.csv").write_text("time,x\n1970-01-01 00:00:02,1\n1970-01-01 00:00:03,1\n")
    assert [r.time for r in load_mapping(mapping).readings()] == [2_000_000_000, 3_000_000_000]
    (tmp_path / "a.csv").write_text("time,x\n1970-01-01T00:00:02.123456789Z,1\n1970-01-01T01:00:03+01:00,1\n")
    assert [r.time for r in load_mapping(mapping).readings()] == [2_123_456_789, 3_000_000_000]
    pq.write_table(
        pa.table({"time": ["1970-01-01T01:00:00.5+01:00", None, "1970-01-01 00:00:09"], "x": [1, 2, 3]}),
        tmp_path / "b.parquet",
    )
    texts = load_mapping(mapping.replace("a.csv", "b.parquet"))
    assert [(r.time, r.value) for r in texts.readings()] == [(500_000_000, 1.0), (9_000_000_000, 3.0)]


def test_parquet_columns_of_many_types_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "double": pa.array([1.5, None]),
        "float": pa.array([1.5, None], pa.float32()),
        "int": pa.array([1, None], pa.int16()),
        "bool": pa.array([True, None]),
        "decimal": pa.array([1, None], pa.decimal128(5, 2)),
        "nothing": pa.array([None, None], pa.null()),
    }
    pq.write_table(pa.table(columns), path, row_group_size=1)
    table = read_parquet(path, PLAIN)
    assert list(table.names) == list(columns)
    first = {name: table.numbers(name) for name in columns}
    np.testing.assert_array_equal(list(first.values()), [[1.5, np.nan]] * 2 + [[1.0, np.nan]] * 3 + [[np.nan] * 2])


def test_parquet_keeps_integer_nanoseconds_and_time_stamps_exact(tmp_path: Path, load_mapping: Load) -> None:
    stamps = [1_577_877_441_341_968_059, 1_577_877_441_341_968_061]
    pq.write_table(
        pa.table({"ns": stamps, "ts": pa.array(stamps, pa.timestamp("ns", tz="Europe/Brussels")), "x": [1, 2]}),
        tmp_path / "a.parquet",
    )
    stream = '[[streams]]\nchannel = "x"\nfile = "a.parquet"\nvalue = "x"\nunit = "1"\n'
    assert [r.time for r in load_mapping(stream + 'time = "ns"\ntime_unit = "ns"').readings()] == stamps
    assert [r.time for r in load_mapping(stream + 'time = "ts"\ntime_unit = "iso"').readings()] == stamps


def test_what_is_not_parquet_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("time,x\n0,1\n")
    with pytest.raises(RecordingError, match="not a Parquet file"):
        read_parquet(path, PLAIN)


def test_wfdb_signals_come_by_name_in_physical_units(tmp_path: Path) -> None:
    signals = np.column_stack([np.linspace(60, 120, 50), np.linspace(-1, 1, 50)])
    signals[10, 0] = np.nan
    wfdb.wrsamp(
        "beat", fs=125, units=["mmHg", "mV"], sig_name=["ABP", "II"], p_signal=signals, fmt=["16", "16"],
        write_dir=str(tmp_path),
    )  # fmt: skip
    table = read_wfdb(tmp_path / "beat.hea", PLAIN)
    assert list(table.names) == ["time", "ABP", "II"]
    np.testing.assert_array_equal(table.numbers("time"), np.arange(50) / 125)
    np.testing.assert_allclose(table.numbers("ABP"), signals[:, 0], atol=60 / 2**15)
    np.testing.assert_allclose(table.numbers("II"), signals[:, 1], atol=2 / 2**15)


def test_wfdb_without_its_signal_file_reports_it(tmp_path: Path) -> None:
    wfdb.wrsamp("a", fs=1, units=["V"], sig_name=["x"], p_signal=np.ones((3, 1)), fmt=["16"], write_dir=str(tmp_path))
    (tmp_path / "a.dat").unlink()
    with pytest.raises(RecordingError, match=r"its signals cannot be read.*beside its header"):
        read_wfdb(tmp_path / "a.hea", PLAIN).numbers("x")
    (tmp_path / "a.hea").write_text("<html>")
    with pytest.raises(RecordingError, match="not a WFDB header"):
        read_wfdb(tmp_path / "a.hea", PLAIN)


MODELICA = """#1
# measured on a Monday
double first(2, 3)   # two rows
0, 1.5, 2
1 , 2.5 , 3e0
float second(3,2)
#seconds\tT/out
0\t10
1\t11; 2
12
"""


def test_modelica_tables_take_any_separator_and_several_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.mos"
    path.write_text(MODELICA)
    first, second = read_mos(path, Layout(columns=("t", "x", "y"))), read_mos(path, Layout(table="second"))
    assert (first.rows, first.numbers("x").tolist(), first.numbers("y").tolist()) == (2, [1.5, 2.5], [2.0, 3.0])
    assert (second.rows, list(second.names), second.numbers("T/out").tolist()) == (
        3,
        ["seconds", "T/out"],
        [10, 11, 12],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,x\n0,1\n", r"expected a line such as `double data\(100, 4\)`"),
        ("#1\ndouble a(2, 2)\n0 1\n2\n", "expected 2 rows of 2 numbers, came 3 words"),
        ("#1\ndouble a(1, 2)\n0 warm\n", "expected 1 rows of 2 numbers.*'warm'"),
    ],
)
def test_a_modelica_table_that_contradicts_its_header_is_reported(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.mos"
    path.write_text(text)
    with pytest.raises(RecordingError, match=message):
        read_mos(path, PLAIN)


def test_a_modelica_table_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "a.mos"
    path.write_text(MODELICA)
    with pytest.raises(RecordingError, match="expected a table 'third', came 'first', 'second'"):
        read_mos(path, Layout(table="third"))
