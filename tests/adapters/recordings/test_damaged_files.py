"""Whatever is left of a file of each format, its reader reads it or says which file it is and what to do."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import edfio
import h5py
import numpy as np
import pytest
import scipy.io
import wfdb
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.mapping import Place
from twin_runtime.errors import ConfigError, RecordingError, TwinError

X = np.linspace(0.0, 1.0, 40)


def edf(path: Path) -> None:
    notes = [edfio.EdfAnnotation(1.0, None, "x")]
    edfio.Edf([edfio.EdfSignal(X, 10, label="x")], annotations=notes).write(path)


def bdf(path: Path) -> None:
    edfio.Bdf([edfio.BdfSignal(X, 10, label="x")]).write(path)


def classic(path: Path) -> None:
    dataset().to_netcdf(path, engine="scipy")


def netcdf4(path: Path) -> None:
    dataset().to_netcdf(path, engine="h5netcdf")


def dataset() -> xr.Dataset:
    return xr.Dataset({"x": ("time", X)}, {"time": ("time", X, {"units": "hours since 2020-01-01"})})


def mat(path: Path) -> None:
    scipy.io.savemat(path, {"t": X, "s": {"x": X, "word": "a"}}, do_compression=True)


def mat73(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["t"], file["s/x"] = X[None, :], X[None, :]


def fhir(path: Path) -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    one = {"resourceType": "Observation", "code": code, "effectiveDateTime": "2020-01-01T12:00:00Z"}
    wave = {"valueSampledData": {"origin": {"value": 1, "code": "mV"}, "period": 4, "dimensions": 1, "data": "1 2 E"}}
    entries = [{"resource": one | {"valueQuantity": {"value": 60, "code": "/min"}}}, {"resource": one | wave}]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))


def segments(path: Path) -> None:
    for name in ("one", "two"):
        wfdb.wrsamp(name, 10, ["mV"], ["x"], p_signal=X[:, None], fmt=["16"], write_dir=str(path.parent))
    path.write_text("a/3 1 10 90\none 40\n~ 10\ntwo 40\n")


WHOLE: dict[Callable[[Path], None], str] = {
    edf: "edf",
    bdf: "bdf",
    classic: "nc",
    netcdf4: "nc",
    mat: "mat",
    mat73: "mat",
    fhir: "json",
    segments: "hea",
}
"""A sound file of each format, and its suffix."""
Each = pytest.mark.parametrize("write", WHOLE, ids=lambda write: write.__name__)


def read_all(path: Path) -> TwinError | None:
    """Read every column; returns the error, if that is one of ours which names the file and a remedy."""
    try:
        table = open_table(path, Place(file=path.name))
        for place in range(len(table.names)):
            assert len(table.column(place)) == table.rows
    except (RecordingError, ConfigError) as error:
        if error.remedy and str(path.parent) in error.where:
            return error
        raise
    return None


@Each
def test_a_sound_file_is_read(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / f"a.{WHOLE[write]}"
    write(path)
    assert read_all(path) is None


@Each
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused(write: Callable[[Path], None], part: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{WHOLE[write]}"
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert read_all(path) is not None


@Each
@settings(max_examples=10)
@given(data=st.data())
def test_damage_raises_nothing_but_errors_of_ours(write: Callable[[Path], None], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"a.{WHOLE[write]}"
        write(path)
        whole = bytearray(path.read_bytes())
        for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=6)):
            whole[place] = data.draw(st.integers(0, 255))
        path.write_bytes(whole)
        read_all(path)
