"""Text files as loggers, spreadsheets and databases export them, each by a mapping of a few lines."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.adapters.recordings.conftest import Load
from twin_runtime.core import SECOND


class Export(NamedTuple):
    """What is in a file, what its mapping says besides channel and file, and the readings: seconds and value."""

    content: str | bytes
    mapping: str
    readings: list[tuple[float, float]]
    unit: str = "1"


TOA5 = """"TOA5","Bob's9K","CR5000","1048575","1.00","EXPLDAT.DLD","4339","Temp"
"TIMESTAMP","RECORD","RefTemp_Avg","TC_Avg(1)"
"TS","RN","degC","degC"
"","","Avg","Avg"
"1995-09-19 14:31:43.84",458,29.94,25.6
"1995-09-19 14:31:43.85",459,29.93,"NAN"
"1995-09-19 14:31:43.86",460,29.92,25.5
"""
ACTIGRAPH = """------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 date format FORMAT ------
Serial Number: CLE2B20130055
Start Time 09:30:00
Start Date DAY
Epoch Period (hh:mm:ss) EPOCH
Download Time 11:57:28
Download Date DAY
Current Memory Address: 0
Current Battery Voltage: 4.21     Mode = 12
--------------------------------------------------
"""
INFLUX = """#group,false,false,true,true,false,false,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string\r
#default,_result,,,,,,,\r
,result,table,_start,_stop,_time,_value,_field,room\r
,,0,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,1970-01-01T00:00:01Z,21.5,temp,kitchen\r
,,0,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,1970-01-01T00:00:02.5Z,,temp,kitchen\r
\r
#group,false,false,true,true,false,false,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,boolean,string,string\r
#default,_result,,,,,,kitchen,\r
,result,table,_start,_stop,_time,_value,room,_field\r
,,1,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,1970-01-01T00:00:03Z,true,,door\r
,,1,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,1970-01-01T00:00:04Z,false,hall,door\r
"""
HOMEASSISTANT = """entity_id,state,last_changed
sensor.kitchen,21.4,1970-01-01T00:00:01.000Z
binary_sensor.door,off,1970-01-01T00:00:01.500Z
sensor.kitchen,unavailable,1970-01-01T00:00:02.000Z
sensor.kitchen,21.6,1970-01-01T00:00:03.000Z
binary_sensor.door,on,1970-01-01T00:00:04.000Z
"""


def zipped(**files: str) -> bytes:
    """A zip archive of files, and of what macOS adds."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in (files | {"__MACOSX/._a": "x"}).items():
            archive.writestr(name, text)
    return packed.getvalue()


def actigraph(day: str, form: str, epoch: str) -> str:
    """What ActiGraph writes above its data."""
    return ACTIGRAPH.replace("DAY", day).replace("FORMAT", form).replace("EPOCH", epoch)


PLAIN = [(1.0, 5.5), (2.0, 6.5)]
NINE = 9.5 * 3600
ISO = 'time_unit = "iso"'
TEXT = "time,x\n1,5.5\n2,6.5\n"

EXPORTS = {
    "lines above the header": Export(f"Logger 7\nserial 12, v2\n\n{TEXT}", "skip = 3", PLAIN),
    "remarks above the header": Export(f"# Logger 7\n# a, b, c\n\n{TEXT}", "", PLAIN),
    "names in a remark": Export("# of Monday\n# time, x\n1,5.5\n2,6.5\n", "", PLAIN),
    "names in a remark of numpy": Export("# time x\n1 5.5\n2 6.5\n", 'delimiter = " "', PLAIN),
    "remarks among the data": Export("time,x\n1,5.5\n% moved, to, B\n2,6.5\n%end", 'comment = "%"', PLAIN),
    "a delimiter that is told": Export("sep=;\ntime;x\n1;5.5\n2;6.5\n", "", PLAIN),
    "a told delimiter that no count shows": Export("sep=:\ntime:x\n1:5.5\n2:6.5\n", "", PLAIN),
    "a decimal comma": Export("time;x\n1;5,5\n2;6,5\n", 'decimal = ","', PLAIN),
    "a decimal comma without a header": Export("1,0;5,5\n2,0;6,5\n", 'decimal = ","\nheader = false', PLAIN),
    "a decimal comma that is not told": Export("1;5\n2;6\n", "header = false", [(1.0, 5.0), (2.0, 6.0)]),
    "a comma in a name": Export("time;x, in;y\n1;5.5;0\n2;6.5;0\n", 'value = "x, in"', PLAIN),
    "units": Export("time,x\ns,[bar]\n1,5.5\n2,6.5\n", 'header = ["names", "units"]', PLAIN, "bar"),
    "units in names, and remarks": Export(
        "time,x [kPa],y(1)\n1,5.5,0\n2,6.5,0\n", 'value = "x [kPa]"\nfile_unit = "kPa"', PLAIN, "bar"
    ),
    "units in a logger's spelling": Export(
        "time,x,y\ns,Deg C,-\n1,5.5,0\n2,6.5,0\n", 'header = ["names", "units"]', PLAIN, "degC"
    ),
    "a dash for a unit": Export("time,x\ns,-\n1,5.5\n2,6.5\n", 'header = ["names", "units"]', PLAIN),
    "a unit with brackets in it": Export(
        "time,x\ns,mm[Hg]\n1,5.5\n2,6.5\n", 'header = ["names", "units"]', PLAIN, "mmHg"
    ),
    "a unit behind a name": Export("time,x (°C)\n1,5.5\n2,6.5\n", 'value = "x (°C)"', PLAIN, "degC"),
    "a number in brackets is no unit": Export("time,x(1)\n1,5.5\n2,6.5\n", 'value = "x(1)"', PLAIN, "degC"),
    "names in two lines": Export(
        "time,Inlet,,Outlet\n,T,m,T\n1,0,5.5,0\n2,0,6.5,0\n", 'header = ["names", "names"]\nvalue = "Inlet m"', PLAIN
    ),
    "a name over two lines": Export('time,"x\n[bar]"\n1,5.5\n2,6.5\n', 'value = "x [bar]"', PLAIN),
    "a delimiter at the end of every row": Export("time,x\n1,5.5,\n2,6.5,\n", "", PLAIN),
    "a delimiter at the end of the header": Export("time,x,\n1,5.5\n2,6.5\n", "", PLAIN),
    "columns of blanks": Export("  time    x\n  1.0   5.5\n 2.0  6.5  \n", 'delimiter = " "', PLAIN),
    "plus signs and exponents": Export("time,x\n+1,+5.5E+00\n2,.65e1\n", "", PLAIN),
    "blanks around cells": Export("time , x\n 1 , 5.5 \n 2, 6.5\n", "", PLAIN),
    "quoted numbers": Export('"time","x"\n"1","5.5"\n"2","6.5"\n', "", PLAIN),
    "old line ends": Export("time,x\r1,5.5\r2,6.5\r", "", PLAIN),
    "UTF-8 with a mark": Export(TEXT.encode("utf-8-sig"), "", PLAIN),
    "UTF-16": Export(TEXT.encode("utf-16"), "", PLAIN),
    "UTF-16 without a mark": Export(TEXT.encode("utf-16-be"), "", PLAIN),
    "Windows-1252": Export("time,T °C\n1,5.5\n2,6.5\n".encode("cp1252"), 'value = "T °C"', PLAIN),
    "a declared encoding": Export("time,x\n1,5.5\n2,6.5\n".encode("cp037"), 'encoding = "cp037"', PLAIN),
    "gzip": Export(gzip.compress(TEXT.encode()), "", PLAIN),
    "bzip2": Export(bz2.compress(TEXT.encode()), "", PLAIN),
    "xz": Export(lzma.compress(TEXT.encode()), "", PLAIN),
    "zip": Export(zipped(a=TEXT), "", PLAIN),
    "one of several files in a zip": Export(zipped(a="", b=TEXT), 'table = "b"', PLAIN),
    "words and codes of no value": Export(
        "time,x\n1,5.5\n1.2,-999.00\n1.4,off line\n1.6,NULL\n2,6.5\n", 'missing = [-999, "off line"]', PLAIN
    ),
    "a code written as a text": Export("time,x\n1,5.5\n1.2,-999\n2,6.5\n", 'missing = ["-999"]', PLAIN),
    "words that are numbers": Export("time,x\n1,open\n2,shut\n", "words = { open = 5.5, shut = 6.5 }", PLAIN),
    "a column of quality": Export(
        "time,x,q\n1,5.5,Good\n1.5,9,Bad\n2,6.5,192\n", 'quality = "q"\ngood = ["Good", 192]', PLAIN
    ),
    "a quality among evenly spaced rows": Export(
        "x,q\n0,1\n5.5,0\n6.5,0\n", 'period = "1 s"\nquality = "q"\ngood = 0', PLAIN
    ),
    "rows of several values": Export("time,x,u\n1,5.5,a\n1,0,b\n2,6.5,c\n", 'where = { u = ["a", "c"] }', PLAIN),
    "a name that looks like a number": Export(
        "time,x,id\n1,5.5,007\n2,6.5,007\n2,0,7\n", 'where = { id = "007" }', PLAIN
    ),
    "day and time in two columns": Export(
        "Date,Time,x\n1970-01-01,00:00:01,5.5\n1970-01-01,00:00:02,6.5\n",
        f'time = ["Date", "Time"]\n{ISO}\nzone = "UTC"',
        PLAIN,
    ),
    "days as they are written in Europe": Export(
        "time;x\n01.01.1970 01:00:01;5,5\n01.01.1970 01:00:02;6,5\n",
        'decimal = ","\ntime_format = "%d.%m.%Y %H:%M:%S"\nzone = "Europe/Brussels"',
        PLAIN,
    ),
    "days as they are written in America": Export(
        "d,t,x\n1/1/1970,12:00:01.000 AM,5.5\n1/1/1970,12:00:02.000 AM,6.5\n",
        'time = ["d", "t"]\ntime_format = "%m/%d/%Y %I:%M:%S.%f %p"\nzone = "UTC"',
        PLAIN,
    ),
    "days that look like numbers": Export(
        "time,x\n19700101,5.5\n", 'time_format = "%Y%m%d"\nzone = "UTC"', [(0.0, 5.5)]
    ),
    "hours, minutes and seconds": Export("time,x\n0:00:01,5.5\n00:00:02.000,6.5\n", 'time_unit = "clock"', PLAIN),
    "names that look like numbers": Export("time,5\n1,5.5\n2,6.5\n", 'value = "5"', PLAIN),
    "minutes and seconds": Export("time,x\n0:01.0,5.5\n00:02.000,6.5\n", 'time_unit = "clock"', PLAIN),
    "PhysioNet": Export(
        "'Elapsed time','x'\n'hh:mm:ss.mmm','bar'\n'0:01.000',5.500\n'0:02.000',6.500\n'1:00:00.000',-\n",
        'quote = "\'"\nheader = ["names", "units"]\ntime = "Elapsed time"\ntime_unit = "clock"\nmissing = "-"',
        PLAIN,
        "bar",
    ),
    "HOBO": Export(
        '"Plot Title: 2"\n"#","Date Time, GMT-05:00","x, \u00b0C (LGR S/N: 7)","End"\n'
        "1,12/31/69 07:00:01 PM,5.5,\n2,12/31/69 07:00:02 PM,6.5,Logged\n",
        'skip = 1\ntime = "Date Time, GMT-05:00"\ntime_format = "%m/%d/%y %I:%M:%S %p"\nzone = "-05:00"\n'
        'value = "x, \u00b0C (LGR S/N: 7)"',
        PLAIN,
    ),
    "USGS": Export(
        "# a\tremark\n#\nsite\tdatetime\tx\n15s\t20d\t14n\n01\t1970-01-01 00:00:01\t5.5\n"
        "01\t1970-01-01 00:00:02\t6.5\n",
        f'header = ["names", "skip"]\ntime = "datetime"\n{ISO}\nzone = "UTC"\nwhere = {{ site = "01" }}',
        PLAIN,
    ),
    "a household's power": Export(
        "Date;Time;x\n1/1/1970;00:00:01;5.500\n1/1/1970;00:00:01;?\n1/1/1970;00:00:02;6.500\n",
        'time = ["Date", "Time"]\ntime_format = "%d/%m/%Y %H:%M:%S"\nzone = "UTC"\nmissing = "?"',
        PLAIN,
    ),
    "TOA5 under other names": Export(
        TOA5,
        f'columns = ["time", "n", "ref", "x"]\n{ISO}\nzone = "UTC"',
        [(811_521_103.84, 25.6), (811_521_103.86, 25.5)],
        "degC",
    ),
    "nothing but numbers for names": Export("7,5\n1,5.5\n2,6.5\n", 'header = true\ntime = "7"\nvalue = "5"', PLAIN),
    "names instead of those of the file": Export(
        "t,t\n1,5.5\n2,6.5\n", 'header = true\ncolumns = ["time", "x"]', PLAIN
    ),
    "an offset in a format": Export(
        "time,x\n01/01/1970 01:00:01 +0100,5.5\n,1\n01/01/1970 00:00:02 +0000,6.5\n",
        'time_format = "%d/%m/%Y %H:%M:%S %z"',
        PLAIN,
    ),
    "days of Excel": Export(
        "time,x\n25569.5,5.5\n", 'time_unit = "d"\n[recording]\nepoch = 1899-12-30T00:00:00Z', [(43200.0, 5.5)]
    ),
    "TOA5": Export(
        TOA5,
        f'time = "TIMESTAMP"\n{ISO}\nzone = "UTC"\nvalue = "TC_Avg(1)"',
        [(811_521_103.84, 25.6), (811_521_103.86, 25.5)],
        "degC",
    ),
    "TOACI1": Export(
        '"TOACI1","CR10","T"\n"TMSTAMP","x"\n"1970-01-01 00:00:01",5.5\n"1970-01-01 00:00:02",6.5\n',
        f'time = "TMSTAMP"\n{ISO}\nzone = "UTC"',
        PLAIN,
    ),
    "ActiGraph, counts with names": Export(
        actigraph("2/1/1970", "M/d/yyyy", "00:00:10") + "Axis1,Axis2,Axis3\n5,0,1\n6,0,2\n",
        f'value = "Axis1"\n{ISO}\nzone = "UTC"',
        [(31 * 86400 + NINE, 5.0), (31 * 86400 + NINE + 10, 6.0)],
    ),
    "ActiGraph, raw without names": Export(
        actigraph("2/1/1970", "dd/MM/yyyy at 30 Hz  Filter Normal", "00:00:00") + "0.5,0.1,0\n0.6,0.1,0\n",
        f'header = false\ntime = 3\nvalue = 0\n{ISO}\nzone = "UTC"',
        [(86400 + NINE, 0.5), (86400 + NINE + 0.033333333, 0.6)],
    ),
    "ActiGraph with times": Export(
        actigraph("2/1/1970", "dd/MM/yyyy at 30 Hz", "00:00:00") + "Timestamp,x\n1/1/1970 00:00:01.000,5.5\n",
        'time = "Timestamp"\ntime_format = "%d/%m/%Y %H:%M:%S.%f"\nzone = "UTC"',
        [(1.0, 5.5)],
    ),
    "InfluxDB": Export(
        INFLUX,
        f'value = "_value"\ntime = "_time"\n{ISO}\nwhere = {{ _field = "temp", room = "kitchen" }}',
        [(1.0, 21.5)],
    ),
    "InfluxDB, true and false, and defaults": Export(
        INFLUX,
        f'value = "_value"\ntime = "_time"\n{ISO}\nwhere = {{ _field = "door", room = "kitchen" }}',
        [(3.0, 1.0)],
    ),
    "Home Assistant": Export(
        HOMEASSISTANT,
        f'value = "state"\ntime = "last_changed"\n{ISO}\nmissing = ["unavailable", "unknown"]\n'
        'where = { entity_id = "sensor.kitchen" }',
        [(1.0, 21.4), (3.0, 21.6)],
    ),
    "Home Assistant, a door": Export(
        HOMEASSISTANT,
        f'value = "state"\ntime = "last_changed"\n{ISO}\nwords = {{ on = 1, off = 0 }}\n'
        'where = { entity_id = "binary_sensor.door" }',
        [(1.5, 0.0), (4.0, 1.0)],
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_read_as_it_is(name: str, tmp_path: Path, load_mapping: Load) -> None:
    content, mapping, readings, unit = EXPORTS[name]
    (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    given = {"value": 'value = "x"', "time": ""}
    if "header = false" in mapping and "time =" not in mapping:
        given = {"value": "value = 1", "time": "time = 0"}
    lines = [line for key, line in given.items() if f"\n{key} = " not in f"\n{mapping}"]
    stream = "\n".join(['[[streams]]\nchannel = "x"\nfile = "a.csv"', f'unit = "{unit}"', *lines, mapping])
    read = load_mapping(stream)
    assert [(r.time, r.value) for r in read.readings()] == [(round(time * SECOND), value) for time, value in readings]


@pytest.mark.parametrize("name", ["day.csv.gz", "day.tsv.xz", "day.txt.zip", "day.zip"])
def test_the_format_of_a_packed_file_is_that_of_the_suffix_before(
    name: str, tmp_path: Path, load_mapping: Load
) -> None:
    (tmp_path / name).write_bytes(gzip.compress(TEXT.encode()))
    assert len(load_mapping(f'[[streams]]\nchannel = "x"\nfile = "{name}"\nunit = "1"\nvalue = "x"')) == 2


def test_files_of_one_layout_are_one_recording(tmp_path: Path, load_mapping: Load) -> None:
    for day in (1, 2):
        (tmp_path / f"log-{day}.csv").write_text(f"time,x\n{day},{day}\n{day}.5,{day}\n")
    read = load_mapping('[[streams]]\nchannel = "x"\nfile = "log-*.csv"\nunit = "1"\nvalue = "x"')
    assert [(r.time / SECOND, r.sequence) for r in read.readings()] == [(1.0, 0), (1.5, 1), (2.0, 2), (2.5, 3)]
    read = load_mapping(f'[[streams]]\nchannel = "x"\nfile = "{tmp_path}/log-?.csv"\nunit = "1"\nvalue = "x"')
    assert len(read) == 4


def test_a_column_names_the_twin_of_each_row(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,who,x\n1,b,5\n2,7,6\n3,b,7\n4,,\n")
    read = load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nunit = "1"\nvalue = "x"\ntwin_column = "who"')
    assert read.twins == ("b", "7")
    assert [(r.twin, r.value, r.sequence) for r in read.readings()] == [("b", 5, 0), ("7", 6, 0), ("b", 7, 1)]


def test_rows_of_a_file_of_many_blocks_are_all_there(tmp_path: Path, load_mapping: Load) -> None:
    rows = 400_000
    (tmp_path / "a.csv").write_text("time,x\n" + "".join(f"{row},{row}.5\n" for row in range(rows)))
    read = load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nunit = "1"\nvalue = "x"')
    assert (len(read), read.value[-1], read.end) == (rows, rows - 0.5, (rows - 1) * SECOND)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_as_exact_as_they_are_written(unit: str, tmp_path: Path, load_mapping: Load) -> None:
    digits = {"s": 9, "ms": 6, "us": 3, "ns": 0}[unit]
    times = [1_700_000_000_123_456_789, 1_700_000_000_123_456_791, 1_700_000_001_000_000_000]
    written = [f"{time // 10**digits},{time % 10**digits:0{digits}d}" for time in times]
    text = "".join(f"{time};5\n" for time in [written[0], "", "1,5", *written[1:]])
    (tmp_path / "a.csv").write_text("time;x\n" + text)
    mapping = (
        f'[[streams]]\nchannel = "x"\nfile = "a.csv"\nunit = "1"\nvalue = "x"\ndecimal = ","\ntime_unit = "{unit}"'
    )
    assert [r.time for r in load_mapping(mapping).readings()][1:] == times
