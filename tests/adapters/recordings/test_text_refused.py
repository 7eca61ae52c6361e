"""What a text file or its mapping does not say clearly is refused: where, what was expected, what came, the remedy."""

import gzip
import io
import logging
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.parquet import read as read_parquet
from twin_runtime.errors import ConfigError, RecordingError

STREAM = '[[streams]]\nchannel = "x"\nfile = "a.csv"\nunit = "1"\n'
CLOCK = STREAM + 'value = "x"\ntime_unit = "clock"'
X = STREAM + 'value = "x"\n'
EXCEL = io.BytesIO()
with zipfile.ZipFile(EXCEL, "w") as book:
    book.writestr("[Content_Types].xml", "")
TWO = io.BytesIO()
with zipfile.ZipFile(TWO, "w") as book:
    book.writestr("a.csv", "")
    book.writestr("b.csv", "")

REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "no header": (
        "0,5\n1,6\n",
        X,
        r"a\.csv:1: expected the names of the columns, came '0', '5'; remedy: say `header = f",
    ),
    "no header, with dates": (
        "2020-01-01,a,6\n2020-01-02,b,7\n",
        X,
        "expected the names of the columns, came '2020-01-01'",
    ),
    "no header, and one row": ("0,5\n", X, "expected the names of the columns, came '0', '5'"),
    "no header, with a gap": ("0,NA,a\n1,5,b\n", X, "expected the names of the columns, came '0', 'NA', 'a'"),
    "a format that is none": (
        "time,x\n1,5\n",
        X + 'time_format = "%Y %Q"\nzone = "UTC"',
        "`time_format` '%Y %Q' is none: .*strptime",
    ),
    "blanks between columns": ("time  x\n0  5\n", X, r"there are 'time  x'; remedy: .*`delimiter` \(\" \": blanks\)"),
    "a short row": (
        "time,x\n0,5\n1\n",
        X,
        r"a\.csv:3: expected 2 columns as in the first row, came 1: '1'; remedy: mend",
    ),
    "a long row behind a remark": (
        "# remark\ntime,x\n0,5\n#\n1,2,3\n",
        X + 'comment = "#"',
        r"a\.csv:5: expected 2 columns .*came 3: '1', '2', '3'",
    ),
    "a long row behind a cell of two lines": ('time,x\n0,"5\n6"\n1,2,3\n', X, r"a\.csv:4: expected 2 columns"),
    "more names than columns": (
        "time,x,y\n0,5\n",
        X,
        r"a\.csv:2: there are 3 names of columns, and 2 columns.*`columns`",
    ),
    "row names, as R writes them": ("time,x\n1,0,5\n2,1,6\n", X, r"there are 2 names of columns, and 3 columns"),
    "too few names in the mapping": ("0,5,6\n", X + 'columns = ["x"]', "1 names of columns, and 3 columns"),
    "an open quote": ('time,x,y\n0,5,"a\n1,6,b\n', X, r"a\.csv:2: a quote is opened and never closed; remedy: delete"),
    "a decimal comma": (
        "time;x\n0;5,5\n",
        X,
        r"a\.csv:2: expected numbers in column 'x', came '5,5' in row 0.*decimal = \",",
    ),
    "a decimal point": (
        "time;x\n0;5.5\n",
        X + 'decimal = ","',
        "expected numbers in column 'x', came '5.5'.*leave out `dec",
    ),
    "thousands in commas": ('time,x\n0,"1,234.5"\n', X, "expected numbers in column 'x', came '1,234.5'"),
    "a hexadecimal number": ("time,x\n0,0x10\n", X, "expected numbers in column 'x', came '0x10'"),
    "a number too large": ("time,x\n0,1e999\n", X, "expected numbers in column 'x', came '1e999'"),
    "digits of another script": ("time,x\n0,٣\n", X, "expected numbers in column 'x', came '٣'"),
    "words": ("time,x\n0,5\n1,n/c\n2,off\n", X, r'a\.csv:3: .*came \'n/c\' in row 1.*say missing = \["n/c", "off"\]'),
    "a code of no time": (
        "time,x\n0,5\nnever,6\n",
        X,
        r"a\.csv:3: column 'time', row 1: expected numbers \(s\), came 'never'",
    ),
    "two columns of a name": (
        "time,x,x\n0,5,6\n",
        X,
        "there are 2 columns 'x', with the numbers 1, 2; remedy: name one",
    ),
    "an empty file": ("", X, "there is nothing in it"),
    "blank lines": ("\n\n", X, "there is nothing in it"),
    "only names": ("time,x\n", X, "there is not one reading in it"),
    "a web page": ("\n<!DOCTYPE html>\n", X, "expected text, came a web page; remedy: download"),
    "an Excel workbook": (EXCEL.getvalue(), X, "expected text, came an Excel workbook; remedy: save its sheet as CSV"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", X, "came an Excel workbook"),
    "a Parquet file": (b"PAR1....PAR1", X, 'expected text, came a Parquet file; remedy: say `format = "parquet"`'),
    "a packed Parquet file": (gzip.compress(b"PAR1"), X, "came a Parquet file"),
    "half a gzip": (gzip.compress(b"time,x\n0,5\n")[:-9], X, "not a text file"),
    "a zip of two": (
        TWO.getvalue(),
        X,
        "expected one file in it, came 'a.csv', 'b.csv'; remedy: name one of its files",
    ),
    "no such file in a zip": (TWO.getvalue(), X + 'table = "c"', "expected a file 'c' in it, came 'a.csv', 'b.csv'"),
    "another encoding": (
        b"time,x\n0,\xff\n",
        X + 'encoding = "utf-8"',
        r"a\.csv:2: expected text in utf-8, came b'\\xff",
    ),
    "an error of InfluxDB": (
        "#datatype,string,string\n,error,reference\n,no bucket,897\n",
        X,
        r"a\.csv:3: the query failed: no bucket",
    ),
    "a short row of InfluxDB": (
        "#group,true,true\n,time,x\n,1\n",
        X,
        r"a\.csv:3: expected 3 columns as the names above",
    ),
    "a day that is none": (
        "time,x\n31/02/2020,5\n",
        X + 'time_format = "%d/%m/%Y"\nzone = "UTC"',
        r"a\.csv:2: column 'time', row 0: expected a date-time written as '%d/%m/%Y', came '31/02/2020'",
    ),
    "a day too far": (
        "time,x\n01/02/9020,5\n",
        X + 'time_format = "%d/%m/%Y"\nzone = "UTC"',
        "beyond the years 1678 to 2262",
    ),
    "a format without a zone": (
        "time,x\n01/02/2020,5\n",
        X + 'time_format = "%d/%m/%Y"',
        "no offset from UTC; remedy: say z",
    ),
    "no quality that passes": (
        "time,x,q\n0,5,bad\n",
        X + 'quality = "q"\ngood = "ok"',
        r"no row left with q = 'ok'.*'bad'",
    ),
    "no name of a twin": ("time,x,w\n0,5,a b\n", X + 'twin_column = "w"', "expected names of twins .* came 'a b'"),
    "no clock": ("time,x\n0:01:00,5\n12:30,6\n", CLOCK, r"a\.csv:3: .*expected hours:minutes:seconds .*came '12:30'"),
    "a clock at midnight": ("time,x\n23:59:59,5\n0:00:00,6\n", CLOCK, "goes back by more than 12 h.*column of days"),
    "another unit in the header": (
        "time,x\ns,kPa\n0,5\n",
        X + 'header = ["names", "units"]',
        "column 'x' is in 'kPa', the mapping says '1'; remedy: say unit = 'kPa'",
    ),
    "another unit in the name": (
        "time,T [degF]\n0,5\n",
        STREAM.replace('"1"', '"degC"') + 'value = "T [degF]"',
        r"column 'T \[degF\]' is in 'degF', the mapping says 'degC'; remedy: say unit = 'degF'",
    ),
    "a header among the data": (
        "time,x\n0,5\n",
        X + 'columns = ["time", "x"]',
        "a.csv:1: column 'time', row 0: .*came 'time'",
    ),
    "milliseconds as seconds": ("time,x\n1700000000000,5\n", X, r"1\.7e\+12 units from the epoch.*time_unit = \"ms\""),
    "a sheet": ("", X.replace("a.csv", "a.xlsx"), "there is no format 'xlsx'.*save its sheet as CSV"),
    "no file of a pattern": (
        "",
        X.replace("a.csv", "b*.csv"),
        r"no file is called 'b\*\.csv'; remedy: say with --data",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_that_cannot_be_read_is_refused_with_place_and_remedy(
    name: str, tmp_path: Path, load_mapping: Load
) -> None:
    content, mapping, message = REFUSED[name]
    path = tmp_path / ("a.xlsx" if "xlsx" in mapping else "a.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((RecordingError, ConfigError), match=message) as error:
        load_mapping(mapping)
    assert error.value.remedy


def test_a_folder_is_no_file(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(RecordingError, match=r'expected a file, came a folder; remedy: .*`file = "a\.csv/\*\.csv"`'):
        load_mapping(X)


CONTRADICTIONS = {
    "where with period": (
        'period = "1 s"\nwhere = { a = 1 }',
        "`period` counts all rows of the file, `where` takes some",
    ),
    "a twin column with period": ('period = "1 s"\ntwin_column = "a"', "`twin_column` shares them out"),
    "a twin and a twin column": ('twin = "a"\ntwin_column = "a"', "expected `twin` or `twin_column`, got both"),
    "two columns of seconds": ('time = ["a", "b"]', "several columns of times are date-times.*time_format"),
    "a format without a year": ('time_format = "%H:%M"', "`time_format` '%H:%M' has no year; remedy: join it with"),
    "a format of seconds": (
        'time_format = "%Y"\ntime_unit = "ms"',
        "`time_format` reads date-times, `time_unit` is 'ms'",
    ),
    "a quality without what passes": ('quality = "q"', "`quality` names a column and `good` what passes, got one"),
    "what passes without a quality": ("good = 0", "`quality` names a column and `good` what passes, got one"),
    "a header that is none": ('header = ["name"]', r'expected true, false or a list .*"names", "units", "skip"\), got'),
    "an encoding that is none": ('encoding = "utf-9"', 'expected an encoding such as "utf-8"'),
    "no list of words": ("missing = { a = 1 }", "expected a text, a number, true or false, or a list of such"),
    "a mark of two letters": ('decimal = ".."', "decimal: expected '.' or ','"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(name: str, load_mapping: Load) -> None:
    lines, message = CONTRADICTIONS[name]
    with pytest.raises(ConfigError, match=message):
        load_mapping(X + lines)


LAYOUT = {
    "columns": '["time", "x"]',
    "skip": "1",
    "header": "false",
    "comment": '"#"',
    "delimiter": '";"',
    "quote": '"\'"',
    "decimal": '","',
    "encoding": '"utf-16"',
    "table": '"data"',
}
"""A value of each setting that is a format's."""

FORMATS = {"parquet": set[str](), "mos": {"columns", "table"}, "csv": LAYOUT.keys() - {"table"}}
"""The settings of a layout that each format reads; a zip archive apart."""

UNREAD = [
    *((name, f"{name} = {LAYOUT[name]}", form) for form, known in FORMATS.items() for name in LAYOUT.keys() - known),
    ("time", 'period = "1 s"\ntime = "t"', "csv"),
    ("time_unit", 'period = "1 s"\ntime_unit = "s"', "csv"),
    ("zone", 'zone = "UTC"', "csv"),
]


def test_every_setting_of_a_layout_is_tried() -> None:
    assert LAYOUT.keys() == Layout.model_fields.keys()


@pytest.mark.parametrize("place", ["stream", "recording"])
@pytest.mark.parametrize(("name", "lines", "form"), sorted(UNREAD))
def test_a_setting_that_nothing_reads_is_refused(  # what pytest gives
    name: str, lines: str, form: str, place: str, tmp_path: Path, load_mapping: Load
) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,5\n")
    (tmp_path / "a.mos").write_text("#1\ndouble data(1, 2)\n# time x\n0 5\n")
    pq.write_table(pa.table({"time": [0], "x": [5]}), tmp_path / "a.parquet")
    stream = X.replace("a.csv", f"a.{form}")
    text, key = (f"{stream}{lines}", r"streams\[0\]")
    if place == "recording":
        text, key = f"[recording]\n{lines}\n{stream}", "recording"
    with pytest.raises(
        ConfigError, match=rf"test\.recording\.toml:\d+: {key}\.{name}: nothing reads it; remedy: delete"
    ):
        load_mapping(text)


def test_a_unit_of_the_file_is_refused_where_it_gives_none(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,5\n")
    with pytest.raises(
        ConfigError, match=r"streams\[0\]\.file_unit: nothing reads it; remedy: delete it: the file itself"
    ):
        load_mapping(X + 'file_unit = "V"')


def test_a_setting_of_the_recording_is_read_where_one_stream_reads_it(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time;x\n0;5,5\n")
    pq.write_table(pa.table({"time": [0], "x": [5]}), tmp_path / "a.parquet")
    text = '[recording]\ndecimal = ","\nmissing = [-1]\n' + X + X.replace("a.csv", "a.parquet") + 'twin = "b"'
    assert load_mapping(text).value.tolist() == [5.5, 5.0]


@pytest.mark.parametrize("line", ['file = "b.csv"', 'twin = "b"', 'decimal = ","'])
def test_what_every_stream_replaces_is_refused(line: str, tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,5\n")
    own = X + 'twin = "a"\ndecimal = "."\n'
    with pytest.raises(
        ConfigError, match=r"test\.recording\.toml:2: recording\.\w+: nothing reads it; .*gives its own"
    ):
        load_mapping(f"[recording]\n{line}\n{own}")


def test_a_stream_replaces_the_period_and_the_twin_column_of_the_recording(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x,w\n7,5,b\n")
    (tmp_path / "b.csv").write_text("x\n5\n")
    timed = X + 'time = "time"\ntwin = "a"\n'
    read = load_mapping('[recording]\nperiod = "1 s"\n' + timed + X.replace("a.csv", "b.csv") + 'twin = "b"\n')
    assert [(r.twin, r.time) for r in read.readings()] == [("b", 0), ("a", 7_000_000_000)]
    read = load_mapping('[recording]\ntwin_column = "w"\n' + timed + X)
    assert sorted(read.twins) == ["a", "b"]


def test_an_epoch_is_refused_where_every_time_is_a_date_time(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n2020-01-01T00:00:00Z,5\n")
    with pytest.raises(ConfigError, match=r"recording\.epoch: nothing reads it; remedy: delete it: date-times do not"):
        load_mapping("[recording]\nepoch = 2020-01-01T00:00:00Z\n" + X + 'time_unit = "iso"')


def test_words_of_a_constant_are_refused(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,5\n")
    with pytest.raises(
        ConfigError, match=r"streams\[0\]\.missing: nothing reads it; .*a constant has no column of values"
    ):
        load_mapping(STREAM + "constant = 1\nmissing = [-999]")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("5,-999,6,-999", ["-999, 2 times"]),
        ("5,6,9999", ["9999, 1 times"]),
        ("5,6,-32768,1e30", ["-32768, 1", "1e+30, 1"]),
    ],
)
def test_a_code_that_nothing_declares_is_hinted_at(
    values: str, said: list[str], tmp_path: Path, load_mapping: Load, caplog: pytest.LogCaptureFixture
) -> None:
    rows = enumerate(values.split(","))
    (tmp_path / "a.csv").write_text("time,x\n" + "".join(f"{time},{value}\n" for time, value in rows))
    assert len(load_mapping(X)) == len(values.split(","))
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * len(said)
    for record, part in zip(caplog.records, said, strict=True):
        assert f"a.csv: column 'x' holds {part}" in record.getMessage()
        assert "far from all other values (5 to 6)" in record.getMessage()


@pytest.mark.parametrize(
    ("values", "missing"), [("990,998,999", ""), ("5,-999", "missing = []"), ("-999,-999", ""), ("5", "")]
)
def test_no_hint_is_given_where_values_are_near_or_it_is_declared(
    values: str, missing: str, tmp_path: Path, load_mapping: Load, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("time,x\n" + "".join(f"{value},{value}\n" for value in values.split(",")))
    assert len(load_mapping(X + missing)) == len(values.split(","))
    assert not caplog.records


@pytest.mark.parametrize(("time", "unit", "hints"), [("1700000000", "ms", 1), ("1700000000", "s", 0), ("5", "ms", 0)])
def test_a_unit_of_time_that_leads_to_1970_is_hinted_at(
    time: str, unit: str, hints: int, tmp_path: Path, load_mapping: Load, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text(f"time,x\n{time},5\n")
    assert len(load_mapping(X + f'time_unit = "{unit}"')) == 1
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == hints
    assert all("a.csv: column 'time': times such as 1700000000 in ms lie near 1970, in s they" in text for text in said)


def test_values_without_a_time_are_left_out_and_told(
    tmp_path: Path, load_mapping: Load, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("time,x\n0,5\n,6\n,\n")
    assert len(load_mapping(X)) == 1
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "1 values are left out, as their rows have no time"
    ]


def test_large_integers_beside_missing_ones_are_exact(tmp_path: Path) -> None:
    whole = 2**60 + 1
    columns = {"x": pa.array([whole, None], pa.uint64()), "y": pa.array([2**64 - 1, None], pa.uint64())}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    read = read_parquet(tmp_path / "a.parquet", Layout())
    assert read.column("x")[0] == whole
    assert read.numbers("y").tolist()[0] == 2.0**64


def test_nanoseconds_in_float64_have_lost_their_last_digits(tmp_path: Path, load_mapping: Load) -> None:
    pq.write_table(pa.table({"time": [1577877441341968059.0, None], "x": [5, 6]}), tmp_path / "a.parquet")
    with pytest.raises(RecordingError, match="not whole, and do not hold their last digits; remedy: write whole"):
        load_mapping(X.replace("a.csv", "a.parquet") + 'time_unit = "ns"')
