"""``twin recording``: what is in a file, whatever its format, and a mapping that reads it."""

import json
from collections.abc import Callable
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import wfdb
import xarray as xr
from typer.testing import CliRunner

from tests.conftest import REPOSITORY
from twin_adapters.commands import recording
from twin_adapters.recordings import load
from twin_runtime.cli.app import app
from twin_runtime.core import SECOND, FloatArray
from twin_runtime.errors import ConfigError, RecordingError

X: FloatArray = np.sin(np.arange(200) / 9).astype(np.float64)
T = np.arange(200) / 10


def csv(folder: Path) -> Path:
    rows = "".join(f"{t},{x},a\n" for t, x in zip(T.tolist(), X.tolist(), strict=True))
    (folder / "a.csv").write_text("time_s,x,who\n" + rows)
    return folder / "a.csv"


def parquet(folder: Path) -> Path:
    times = pd.date_range("2020-01-01T12:00", periods=200, freq="100ms", tz="UTC")
    field = pa.field("x", pa.float64(), metadata={"unit": "bar"})
    schema = pa.schema([pa.field("when", pa.timestamp("ns", tz="UTC")), field])
    pq.write_table(pa.table({"when": pa.array(times), "x": X}, schema=schema), folder / "a.parquet")
    return folder / "a.parquet"


def mos(folder: Path) -> Path:
    rows = "\n".join(f"{t} {x}" for t, x in zip(T.tolist(), X.tolist(), strict=True))
    (folder / "a.mos").write_text(f"#1\ndouble data(200, 2)\n# time x\n{rows}\n")
    return folder / "a.mos"


def hea(folder: Path) -> Path:
    wfdb.wrsamp("a", 10, ["mmHg"], ["x"], p_signal=X[:, None], fmt=["16"], write_dir=str(folder))
    return folder / "a.hea"


def edf(folder: Path) -> Path:
    edfio.Edf([edfio.EdfSignal(X, 10, label="x", physical_dimension="mmHg")]).write(folder / "a.edf")
    return folder / "a.edf"


def netcdf(folder: Path) -> Path:
    times = pd.date_range("2020-01-01T12:00", periods=200, freq="100ms")
    xr.Dataset({"x": ("time", X, {"units": "W m-2", "long_name": "Flux"})}, {"time": times}).to_netcdf(
        folder / "a.nc", engine="scipy"
    )
    return folder / "a.nc"


def mat(folder: Path) -> Path:
    scipy.io.savemat(folder / "a.mat", {"t": T, "y": np.column_stack([X, -X])})
    return folder / "a.mat"


def fhir(folder: Path) -> Path:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]}
    lines = [
        {
            "resourceType": "Observation",
            "code": code,
            "effectiveDateTime": f"2020-01-01T12:{minute:02}:00Z",
            "valueQuantity": {"value": 60 + minute, "code": "/min"},
        }
        for minute in range(60)
    ]
    (folder / "a.ndjson").write_text("\n".join(map(json.dumps, lines)))
    return folder / "a.ndjson"


FORMATS: dict[Callable[[Path], Path], tuple[int, str, bool]] = {
    csv: (200, "1", False),
    parquet: (200, "bar", True),
    mos: (200, "1", False),
    hea: (200, "mmHg", False),
    edf: (200, "mmHg", False),
    netcdf: (200, "W/m^2", True),
    mat: (400, "1", False),
    fhir: (60, "1/min", True),
}
"""A file of each format: how many numbers are in it, the unit of its first column, and whether it tells the date."""
Each = pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)


@Each
def test_the_mapping_that_it_prints_reads_the_file(
    write: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording(write(tmp_path), toml=True)
    (tmp_path / "a.recording.toml").write_text(capsys.readouterr().out)
    loaded = load(tmp_path / "a.recording.toml")
    count, unit, dated = FORMATS[write]
    assert (len(loaded), next(iter(loaded.units.values()))) == (count, unit)
    assert (loaded.start > 10**18) == dated


@Each
def test_it_describes_every_format(
    write: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path)
    recording(path, json=True)
    found = json.loads(capsys.readouterr().out)
    first = found["channels"][0]
    assert sum(channel["values"] for channel in found["channels"]) == FORMATS[write][0]
    step = 60 * SECOND if write is fhir else SECOND // 10
    assert (first["median_step"], first["even"], first["gaps"]) == (step, True, 0)
    recording(path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}: ")
    assert any(line.split()[:1] == [first["name"]] for line in lines)


def test_gaps_missing_values_and_limits_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 31, 32, 33, 34, 35]
    rows = "".join(f"{time},{'' if time == 3 else time * time}\n" for time in times)
    (tmp_path / "a.csv").write_text("t [min],x\n" + rows)
    recording(tmp_path / "a.csv", json=True)
    [x] = json.loads(capsys.readouterr().out)["channels"]
    assert (x["missing"], x["gaps"], x["longest_gap"]) == (1, 2, 21 * 60 * SECOND)
    assert (x["lowest"], x["highest"], x["first"], x["last"]) == (0, 35 * 35, 0, 35 * 60 * SECOND)
    recording(tmp_path / "a.csv")
    assert "every 1 min  2, to 21 min" in capsys.readouterr().out


GUESSES = {
    "timestamp,x\n1577880000,1\n1577880001,2\n": ("timestamp", "s", "since 1970"),
    "x,ts\n1,1577880000000\n2,1577880001000\n": ("ts", "ms", "since 1970"),
    "a,b\n1577880000000000,1\n1577880001000000,2\n": ("a", "us", "since 1970"),
    "Time [min],x\n0,1\n1,2\n": ("Time [min]", "min", "its name says so"),
    "time_in_h,x\n0,1\n1,2\n": ("time_in_h", "h", "its name says so"),
    "datenum,x\n737791.5,1\n737791.6,2\n": ("datenum", "datenum", "MATLAB's days"),
    "when,x\n2020-01-01T12:00:00+01:00,1\n2020-01-01T12:01:00+01:00,2\n": ("when", "iso", "date-times"),
    "n,x\n0,1\n1,1\n": ("n", "s", "grows from row to row"),
    "runtime,time\n5,1\n4,2\n": ("time", "s", "nothing says"),
}


@pytest.mark.parametrize("text", GUESSES)
def test_the_column_of_times_is_guessed_with_a_reason(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(text)
    recording(tmp_path / "a.csv", json=True)
    found = json.loads(capsys.readouterr().out)
    column, unit, reason = GUESSES[text]
    assert (found["time_column"], found["time_unit"]) == (column, unit)
    assert reason in found["time_reason"]


def test_times_without_a_zone_are_told_to_need_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("time,x\n2020-07-01 12:00:00,1\n2020-07-01 12:00:10,2\n")
    recording(tmp_path / "a.csv")
    assert "zone: these times have none" in capsys.readouterr().out
    recording(tmp_path / "a.csv", settings=['zone = "Europe/Brussels"'])
    assert "from 2020-07-01T10:00:00.000Z" in capsys.readouterr().out


def test_a_file_without_times_asks_for_a_period(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("x,y\n3,1\n1,2\n2,5\n")
    recording(tmp_path / "a.csv")
    assert "times: no column looks like one" in capsys.readouterr().out
    recording(tmp_path / "a.csv", settings=['period = "4 s"'], toml=True)
    (tmp_path / "a.recording.toml").write_text(capsys.readouterr().out)
    assert load(tmp_path / "a.recording.toml").end == 8 * SECOND


def test_a_mapping_without_streams_says_how_its_file_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("n,x,who\n1,5,a\n2,6,b\n3,7,a\n")
    (tmp_path / "m.toml").write_text('[recording]\nfile = "a.csv"\nwhere = { who = "a" }\ntime = "n"\n')
    recording(tmp_path / "m.toml")
    assert f"{tmp_path / 'a.csv'}: 2 rows" in capsys.readouterr().out
    recording(tmp_path / "m.toml", toml=True)
    (tmp_path / "a.recording.toml").write_text(capsys.readouterr().out)
    assert [r.value for r in load(tmp_path / "a.recording.toml").readings()] == [5, 7]


def test_a_picture_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    recording(csv(tmp_path), plot=picture)
    assert picture.stat().st_size > 5000
    assert f"drawn into {picture}" in capsys.readouterr().out


def test_a_mapping_is_described_by_its_channels(recording_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mapping = REPOSITORY / "deploy" / "examples" / "surgery-patient.recording.toml"
    recording(mapping, data=recording_folder)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [
        "patient-1",
        "abp",
        "mmHg",
        "156096",
        "125.002",
        "Hz",
        "1,",
        "to",
        "264",
        "ms",
        "43.6875",
        "128.062",
    ] in lines


UNITS = {
    "Current [A]": 'unit = "A"  # as its name says',
    "flow (L/min)": 'unit = "L/min"  # as its name says',
    "Temperature [C]": 'unit = "degC"  # as its name says',
    "x (left)": 'unit = "1"  # the file gives none: put it here',
    "x": 'unit = "1"  # the file gives none: put it here',
}


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_taken_from_a_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(f"time,{name},empty\n0,1,\n1,2,\n")
    recording(tmp_path / "a.csv", toml=True)
    text = capsys.readouterr().out
    assert UNITS[name] in text
    assert text.count("[[streams]]") == 1


def test_a_temperature_in_c_is_no_charge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = xr.Dataset({"tdry": ("time", X, {"units": "C", "long_name": "Dry bulb temperature"})}, {"time": T})
    data.to_netcdf(tmp_path / "a.nc", engine="scipy")
    recording(tmp_path / "a.nc", toml=True)
    (tmp_path / "a.recording.toml").write_text(capsys.readouterr().out)
    assert load(tmp_path / "a.recording.toml").units == {"tdry": "degC"}


@pytest.fixture
def recording_folder(replay: Path) -> Path:
    if not (replay / "surgery-patient").is_dir():
        pytest.skip("the recording 'surgery-patient' is not here (expected in ../shared/replay beside the repository)")
    return replay / "surgery-patient"


def test_what_cannot_be_done_is_reported(tmp_path: Path) -> None:
    path = csv(tmp_path)
    with pytest.raises(RecordingError, match=r"there is no file 'b\.csv'"):
        recording(tmp_path / "b.csv")
    with pytest.raises(ConfigError, match=r"--set: not TOML: .*; remedy: write it as in a mapping"):
        recording(path, settings=["time = x"])
    with pytest.raises(ConfigError, match=r"recording\.tiem|tiem"):
        recording(path, settings=['tiem = "x"'])
    with pytest.raises(RecordingError, match="there is no column 'x y'"):
        recording(path, settings=['time = "x y"'])
    with pytest.raises(ConfigError, match=r"cannot be written: .*; remedy: name a file such as picture\.png"):
        recording(path, plot=tmp_path / "a.xyz")
    (tmp_path / "m.toml").write_text('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"\ntime = 0\n')
    with pytest.raises(ConfigError, match="it is a mapping already"):
        recording(tmp_path / "m.toml", toml=True)
    with pytest.raises(ConfigError, match="a mapping says all itself"):
        recording(tmp_path / "m.toml", settings=["time = 1"])
    (tmp_path / "m.toml").write_text('[recording]\nfile = "a.csv"\n[[stream]]\nchannel = "x"\n')
    with pytest.raises(ConfigError, match="stream: unknown key; remedy: did you mean streams"):
        recording(tmp_path / "m.toml")


def test_times_that_only_begin_well_are_told_with_their_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"2020-07-01T12:00:{place:02}Z,{place}\n" for place in range(55))
    (tmp_path / "a.csv").write_text(f"when,x\n{rows}yesterday,1\n")
    recording(tmp_path / "a.csv")
    out = capsys.readouterr().out
    assert "expected a date-time" in out
    assert "times: no column looks like one" in out
    with pytest.raises(RecordingError, match=r"a\.csv.*row 55"):
        recording(tmp_path / "a.csv", settings=['time = "when"', 'time_unit = "iso"'])


def test_a_file_lies_below_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv(tmp_path)
    recording(Path("a.csv"), data=tmp_path)
    assert "200 rows" in capsys.readouterr().out


def test_its_help_teaches() -> None:
    result = CliRunner().invoke(app, ["recording", "--help"])
    assert result.exit_code == 0
    assert "Example: twin recording night.edf --plot night.png" in result.stdout.replace("`", "")
