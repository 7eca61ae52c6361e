"""Whatever a file holds, its reader reads it or raises an error of ours that names the file and a remedy."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import load
from twin_runtime.errors import RecordingError, TwinError


def _parquet(folder: Path) -> bytes:
    path = folder / "whole.parquet"
    columns = {"time": list(range(20)), "x": np.linspace(0, 1, 20), "text": ["a"] * 20, "day": ["2020-01-01"] * 20}
    pq.write_table(pa.table(columns), path, write_page_checksum=True)
    return path.read_bytes()


def _header(folder: Path) -> bytes:
    signal = np.linspace(0, 1, 20)[:, None]
    wfdb.wrsamp("a", fs=10, units=["V"], sig_name=["x"], p_signal=signal, fmt=["16"], write_dir=str(folder))
    return (folder / "a.hea").read_bytes()


def _csv(folder: Path) -> bytes:
    del folder
    return b"time,x,text,day\n" + b"".join(b"%d,%d.5,a,2020-01-01 00:00:%02d\n" % (i, i, i) for i in range(20))


def _mos(folder: Path) -> bytes:
    del folder
    return b"#1\ndouble data(3, 4)\n# time x text day\n0 1 2 3\n1 2 3 4\n2 3 4 5\n"


WHOLE: dict[str, Callable[[Path], bytes]] = {"parquet": _parquet, "hea": _header, "csv": _csv, "mos": _mos}
"""A sound file of each format, by its suffix."""

WAYS = ("", 'time_unit = "iso"', 'time = "day"\ntime_unit = "iso"\nzone = "UTC"', "time = 1", 'period = "1 s"')


class Refused(Exception):
    """A file was refused as it should be."""


def _load(mapping: Path) -> None:
    try:
        load(mapping)
    except TwinError as error:
        if error.remedy and "a." in error.where:
            raise Refused from error
        raise


@pytest.mark.parametrize("suffix", WHOLE)
@given(data=st.data())
def test_damaged_files_raise_nothing_but_errors_of_ours(suffix: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = bytearray(WHOLE[suffix](folder))
        for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
            whole[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
        (folder / f"a.{suffix}").write_bytes(whole[:cut])
        way, value = data.draw(st.sampled_from(WAYS)), data.draw(st.sampled_from(("x", "text", "day", "time")))
        mapping = folder / "a.recording.toml"
        mapping.write_text(f'[[streams]]\nchannel = "x"\nfile = "a.{suffix}"\nvalue = "{value}"\nunit = "V"\n{way}')
        with suppress(Refused):
            _load(mapping)


@pytest.mark.parametrize("suffix", WHOLE)
@given(content=st.binary(max_size=200))
def test_any_bytes_raise_nothing_but_errors_of_ours(suffix: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"a.{suffix}").write_bytes(content)
        mapping = folder / "a.recording.toml"
        mapping.write_text(f'[[streams]]\nchannel = "x"\nfile = "a.{suffix}"\nvalue = 0\ntime = 0\nunit = "1"')
        with suppress(TwinError):
            load(mapping)


HEADERS = {
    "several segments": "a/2 1 10 40\nb 20\nc 20\n",
    "no length and no signals": "a 0 10\n",
    "no rate": "a 1 0 20\na.dat 16 200/V 16 0 0 0 0 x\n",
    "no signals": "a 0 10 20\n",
    "an unknown format": "a 1 10 20\na.dat 999 200/V 16 0 0 0 0 x\n",
    "more samples than there are": "a 1 10 999\na.dat 16 200/V 16 0 0 0 0 x\n",
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_wfdb_header_that_describes_no_signals_is_refused(case: str, tmp_path: Path, load_mapping: Load) -> None:
    _header(tmp_path)
    (tmp_path / "a.hea").write_text(HEADERS[case])
    with pytest.raises(RecordingError, match=r"a\.hea.*remedy"):
        load_mapping('[[streams]]\nchannel = "x"\nfile = "a.hea"\nvalue = "x"\nunit = "V"')


@pytest.mark.parametrize("cell", ["12:00:00", "noon", "2020-13-01 00:00:00"])
def test_what_is_no_date_time_is_reported_with_its_row(cell: str, tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text(f"time,x\n2020-01-01T00:00:00Z,1\n{cell},2\n")
    with pytest.raises(RecordingError, match=r"a\.csv:3: column 'time', row 1: .*remedy"):
        load_mapping('[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"\ntime_unit = "iso"')


@pytest.mark.parametrize("name", ["a" * 300 + ".csv", "a\\u0000.csv"])
def test_a_name_that_no_file_can_have_is_reported(name: str, load_mapping: Load) -> None:
    with pytest.raises(RecordingError):
        load_mapping(f'[[streams]]\nchannel = "x"\nfile = "{name}"\nvalue = "x"\nunit = "1"')
