"""MATLAB's files: those that scipy ships as MATLAB wrote them, and some that scipy writes."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.mat import read
from twin_adapters.recordings.wfdb import read as read_wfdb
from twin_runtime.errors import RecordingError

SHIPPED = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
X = np.linspace(0, 1, 5)


def shipped(name: str) -> Path:
    if not (SHIPPED / name).is_file():
        pytest.skip("scipy is installed without the files of its tests")
    return SHIPPED / name


def write(folder: Path, **variables: object) -> Path:
    scipy.io.savemat(folder / "a.mat", variables)
    return folder / "a.mat"


def test_vectors_and_columns_of_matrices_are_named_as_in_matlab(tmp_path: Path) -> None:
    table = read(
        write(tmp_path, t=X, y=np.column_stack([X, -X]), z=np.vstack([X + 1, X + 2]), fs=10.0, cal=np.eye(2)), Layout()
    )
    assert table.names == ["t", "y(:,1)", "y(:,2)", "z(1,:)", "z(2,:)", "time"]
    np.testing.assert_array_equal(table.numbers("y(:,2)"), -X)
    np.testing.assert_array_equal(table.numbers("z(2,:)"), X + 2)


def test_structures_and_arrays_of_them_are_tables(tmp_path: Path) -> None:
    runs = {"long": {"t": X, "p": X + 1}, "short": {"t": X[:3]}}
    path = write(tmp_path, run=runs, events=[{"time": 1.0, "dose": 2.0}, {"time": 3.0, "dose": 4.0}])
    assert read(path, Layout()).names == ["run.long.t", "run.long.p"]
    assert read(path, Layout(table="run.short")).names == ["run.short.t"]
    assert read(path, Layout(table="events")).numbers("events.dose").tolist() == [2.0, 4.0]
    with pytest.raises(RecordingError, match=r"there is no variable 'x'; there are 'run\.long\.t'.*; remedy"):
        read(path, Layout(table="x"))


@pytest.mark.parametrize("rate", [{"fs": 250.0}, {"info": {"SampleRate": 250}}, {"Fs": 250, "signal": {"fs": 250.0}}])
def test_a_sampling_rate_is_a_column_of_times(tmp_path: Path, rate: dict[str, object]) -> None:
    table = read(write(tmp_path, val=np.arange(12.0).reshape(2, 6), **rate), Layout())
    assert (table.names, table.units) == (["val(1,:)", "val(2,:)", "time"], {2: "s"})
    np.testing.assert_array_equal(table.numbers("time"), np.arange(6) / 250)


@pytest.mark.parametrize("rate", [{"fs": 0.0}, {"fs": 250.0, "srate": 100.0}, {"fs": "fast"}, {"offset": 250.0}])
def test_what_is_no_one_rate_is_none(tmp_path: Path, rate: dict[str, object]) -> None:
    assert read(write(tmp_path, val=np.arange(12.0).reshape(2, 6), **rate), Layout()).names == ["val(1,:)", "val(2,:)"]


def test_texts_choose_rows(tmp_path: Path, load_mapping: Load) -> None:
    write(tmp_path, t=[0.0, 1.0, 2.0], x=[1, 2, 3], who=np.array(["a", "b", "a"], dtype=np.object_))
    mapping = '[[streams]]\nchannel = "x"\nfile = "a.mat"\nvalue = "x"\nunit = "1"\ntime = "t"\nwhere = { who = "a" }'
    assert [r.value for r in load_mapping(mapping).readings()] == [1.0, 3.0]


def test_version_7_3_as_matlab_writes_it() -> None:
    table = read(shipped("testhdf5_7.4_GLNX86.mat"), Layout())
    assert table.names == ["testdouble"]
    np.testing.assert_allclose(table.numbers("testdouble"), np.pi / 4 * np.arange(9))


def test_structures_of_version_7_3(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["run/t"], file["run/y"] = X[None, :], np.vstack([X, -X])
        file["title"] = np.array([[72], [105]], dtype=np.uint16)
        file["title"].attrs["MATLAB_class"] = np.bytes_(b"char")
    with (tmp_path / "a.mat").open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(512))
    table = read(tmp_path / "a.mat", Layout())
    assert table.names == ["run.t", "run.y(:,1)", "run.y(:,2)"]
    np.testing.assert_array_equal(table.numbers("run.y(:,2)"), -X)


def test_numbers_of_a_big_endian_machine_are_read() -> None:
    table = read(shipped("big_endian.mat"), Layout(table="floats"))
    assert [table.numbers(place).tolist() for place in range(2)] == [[2, 3], [3, 4]]
    assert table.column(0).dtype.isnative


@pytest.mark.parametrize(
    "name",
    ["malformed1", "debigged_m4", "bad_miuint32", "bad_miutf8_array_name", "corrupted_zlib_checksum",
     "corrupted_zlib_data"],
)  # fmt: skip
def test_damaged_files_are_refused(name: str) -> None:
    with pytest.raises(RecordingError, match=rf"{name}\.mat: not a MATLAB file: .*; remedy"):
        read(shipped(f"{name}.mat"), Layout())


@pytest.mark.parametrize("cut", [150, 300])
def test_files_that_were_cut_short_are_refused(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, t=np.arange(100.0))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(RecordingError, match=r"a\.mat: .*; remedy"):
        read(path, Layout())


def test_a_file_without_arrays_says_how_a_table_is_saved() -> None:
    with pytest.raises(RecordingError, match=r"expected arrays of numbers, came none; remedy: .*table2struct"):
        read(shipped("parabola.mat"), Layout())


def test_a_datenum_is_a_time(tmp_path: Path, load_mapping: Load) -> None:
    write(tmp_path, when=[737791.5, 737791.75], x=[1, 2])  # datenum(2020, 1, 1, 12, 0, 0) and 6 h later
    mapping = '[[streams]]\nchannel = "x"\nfile = "a.mat"\nvalue = "x"\nunit = "1"\ntime = "when"\n'
    times = [r.time for r in load_mapping(mapping + 'time_unit = "datenum"').readings()]
    assert times == [1_577_880_000 * 10**9, 1_577_901_600 * 10**9]


def test_a_signal_file_of_wfdb_is_a_matlab_file_too(recording: Callable[[str], Path]) -> None:
    folder = recording("wfdb")
    table, record = read(folder / "a103l.mat", Layout()), read_wfdb(folder / "a103l.hea", Layout())
    assert (table.rows, table.names) == (record.rows, ["val(1,:)", "val(2,:)", "val(3,:)"])
    np.testing.assert_allclose(table.numbers(0) / 7247, record.numbers("II"), atol=1e-3)
