"""NetCDF files, as xarray writes them, and a radiosonde of the ARM programme."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.netcdf import read
from twin_runtime.core import SECOND
from twin_runtime.errors import RecordingError

NOON = pd.Timestamp("2020-01-01T12:00:00").value
ENGINES = ["h5netcdf", "scipy"]
Engine = pytest.mark.parametrize("engine", ENGINES)


def write(folder: Path, engine: str, **options: object) -> Path:
    times = pd.date_range("2020-01-01T12:00", periods=4, freq="1min")
    variables = {
        "flux": ("time", [1.5, np.nan, 2.5, 3.5], {"units": "W m-2", "long_name": "Downwelling flux"}),
        "soil": (("time", "depth"), np.arange(8.0).reshape(4, 2), {"units": "Celsius"}),
        "area": ((), 3.0),
    }
    data = xr.Dataset(variables, coords={"time": times, "depth": [0.5, 2.0]})
    packed = {"soil": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 5.0, "_FillValue": -9999}}
    path = folder / "a.nc"
    data.to_netcdf(path, engine=engine, encoding=packed, **options)  # type: ignore[call-overload]
    return path


@Engine
def test_variables_along_time_are_columns(tmp_path: Path, engine: str) -> None:
    table = read(write(tmp_path, engine), Layout())
    assert sorted(table.names) == ["flux", "soil[depth=0.5]", "soil[depth=2.0]", "time"]
    about = {name: (table.units.get(place), table.titles.get(place)) for place, name in enumerate(table.names)}
    assert about["flux"] == ("W/m^2", "Downwelling flux")
    assert about["soil[depth=0.5]"] == ("degC", None)
    np.testing.assert_array_equal(table.numbers("flux"), [1.5, np.nan, 2.5, 3.5])
    np.testing.assert_allclose(table.numbers("soil[depth=2.0]"), [1, 3, 5, 7], atol=1e-9)


@Engine
def test_times_are_instants(tmp_path: Path, load_mapping: Load, engine: str) -> None:
    write(tmp_path, engine)
    mapping = '[[streams]]\nchannel = "x"\nfile = "a.nc"\nvalue = "flux"\nunit = "W/m^2"\ntime_unit = "iso"'
    readings = [(r.time - NOON, r.value) for r in load_mapping(mapping).readings()]
    assert readings == [(0, 1.5), (120 * SECOND, 2.5), (180 * SECOND, 3.5)]


def test_a_table_is_a_dimension_or_a_group(tmp_path: Path) -> None:
    write(tmp_path, "h5netcdf")
    assert read(tmp_path / "a.nc", Layout(table="depth")).rows == 2
    write(tmp_path, "h5netcdf", group="raw/day")
    assert read(tmp_path / "a.nc", Layout(table="raw/day")).rows == 4
    with pytest.raises(RecordingError, match="came none; remedy: name its group"):
        read(tmp_path / "a.nc", Layout())


@Engine
def test_what_is_no_table_is_refused(tmp_path: Path, engine: str) -> None:
    path = write(tmp_path, engine)
    with pytest.raises(RecordingError, match="no dimension and no group 'x'; the dimensions are time, depth; remedy"):
        read(path, Layout(table="x"))


def axis(folder: Path, units: str, first: float) -> Path:
    xr.Dataset({"x": ("time", [1.0, 2.0])}, {"time": ("time", [first, first + 1], {"units": units})}).to_netcdf(
        folder / "a.nc", engine="scipy"
    )
    return folder / "a.nc"


def test_an_offset_of_the_time_axis_counts(tmp_path: Path) -> None:
    times = read(axis(tmp_path, "hours since 2020-01-01 06:00:00 -6:00", 0), Layout()).column("time")
    assert int(times[0].astype(np.int64)) == NOON


@pytest.mark.parametrize(("units", "first"), [("months since 2000-01-01", 0), ("days since 1900-01-01", 200_000)])
def test_times_that_cannot_be_told_are_refused(tmp_path: Path, units: str, first: float) -> None:
    with pytest.raises(RecordingError, match=f"its times cannot be read: unable to decode time units '{units}'.*cdo"):
        read(axis(tmp_path, units, first), Layout())


def test_a_field_is_refused_when_it_is_read(tmp_path: Path) -> None:
    data = xr.Dataset({"sst": (("time", "y", "x"), np.zeros((2, 40, 40))), "mean": ("time", [1.0, 2.0])})
    data.to_netcdf(tmp_path / "a.nc", engine="scipy")
    table = read(tmp_path / "a.nc", Layout(table="time"))
    assert list(table.numbers("mean")) == [1.0, 2.0]
    with pytest.raises(RecordingError, match="came 40 y x 40 x; remedy: cut"):
        table.numbers("sst")


@Engine
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, engine: str) -> None:
    path = write(tmp_path, engine)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RecordingError, match=r"a\.nc: .*; remedy: "):
        read(path, Layout()).numbers("flux")


def test_a_radiosonde_is_read_as_it_is(recording: Callable[[str], Path]) -> None:
    table = read(recording("weather") / "sgp_sonde_20190101.nc", Layout())
    assert table.rows == 4176
    assert table.numbers("tdry")[0] == pytest.approx(-3.3)
    assert str(table.column("time")[0]) == "2019-01-01T05:32:00.000000000"
