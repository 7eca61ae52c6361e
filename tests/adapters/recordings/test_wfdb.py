"""WFDB records as PhysioNet has them: segments, several rates, no length; wfdb's own reading is the oracle."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.wfdb import read
from twin_runtime.core import SECOND
from twin_runtime.errors import RecordingError

FIXED = "whole/2 2 10 12\none 5\ntwo 7\n"
VARIABLE = "whole/5 2 10 20\nlayout 0\none 5\n~ 3\ntwo 7\nthree 5\n"
LAYOUT = "layout 2 10 0\n~ 0 200/mmHg 16 0 0 0 0 abp\n~ 0 200/mV 16 0 0 0 0 ecg\n"


def write(folder: Path, name: str, frames: int, *signals: str, unit: str = "mmHg", fs: float = 10) -> None:
    values = np.column_stack([np.arange(frames) + 100.0 * place + len(name) for place, _ in enumerate(signals)])
    units = [unit if signal == "abp" else "mV" for signal in signals]
    formats = ["16"] * len(signals)
    wfdb.wrsamp(name, fs=fs, units=units, sig_name=list(signals), p_signal=values, fmt=formats, write_dir=str(folder))


def test_segments_of_a_fixed_layout_follow_each_other(tmp_path: Path) -> None:
    write(tmp_path, "one", 5, "abp", "ecg")
    write(tmp_path, "two", 7, "abp", "ecg")
    (tmp_path / "whole.hea").write_text(FIXED)
    table = read(tmp_path / "whole.hea", Layout())
    oracle = wfdb.rdrecord(str(tmp_path / "whole"))
    assert dict(table.units) == {0: "s", 1: "mmHg", 2: "mV"}
    np.testing.assert_array_equal(table.numbers("time"), np.arange(12) / 10)
    np.testing.assert_array_equal(table.numbers("abp"), oracle.p_signal[:, 0])
    np.testing.assert_array_equal(table.numbers("ecg"), oracle.p_signal[:, 1])


def test_a_variable_layout_has_gaps_where_a_segment_is_empty_or_lacks_a_signal(tmp_path: Path) -> None:
    write(tmp_path, "one", 5, "abp", "ecg")
    write(tmp_path, "two", 7, "ecg")
    write(tmp_path, "three", 5, "ecg", "abp")
    (tmp_path / "whole.hea").write_text(VARIABLE)
    (tmp_path / "layout.hea").write_text(LAYOUT)
    table = read(tmp_path / "whole.hea", Layout())
    oracle = wfdb.rdrecord(str(tmp_path / "whole"))
    ticks = [*range(5), *range(8, 20)]
    np.testing.assert_array_equal(table.numbers("time"), np.array(ticks) / 10)
    for place, name in enumerate(("abp", "ecg")):
        np.testing.assert_array_equal(table.numbers(name), oracle.p_signal[ticks, place])
    assert np.flatnonzero(np.isnan(table.numbers("abp"))).tolist() == list(range(5, 12))


@pytest.mark.parametrize("line", ["a 2 10", "a 2 10 0", "# a comment\na 2 10 0 12:00:00"])
def test_a_record_without_length_is_as_long_as_its_signal_files(tmp_path: Path, line: str) -> None:
    write(tmp_path, "a", 9, "abp", "ecg")
    whole = wfdb.rdrecord(str(tmp_path / "a")).p_signal
    header = (tmp_path / "a.hea").read_text()
    (tmp_path / "a.hea").write_text(header.replace(header.partition("\n")[0], line))
    table = read(tmp_path / "a.hea", Layout())
    assert table.rows == 9
    np.testing.assert_array_equal(table.numbers("ecg"), whole[:, 1])


def test_signals_of_several_rates_keep_them(tmp_path: Path, load_mapping: Load) -> None:
    wfdb.wrsamp(
        "a", fs=10, units=["mmHg", "mV"], sig_name=["abp", "ecg"], fmt=["16", "16"],
        e_p_signal=[np.arange(5.0), np.arange(20.0)], samps_per_frame=[1, 4], write_dir=str(tmp_path),
    )  # fmt: skip
    stream = '[[streams]]\nfile = "a.hea"\nchannel = "{0}"\nvalue = "{0}"\nunit = "{1}"\n'
    recording = load_mapping(stream.format("abp", "mmHg") + stream.format("ecg", "mV"))
    times = {name: [r.time for r in recording.readings() if r.channel == name] for name in recording.channels}
    assert times["abp"] == [place * SECOND // 10 for place in range(5)]
    assert times["ecg"] == [place * SECOND // 40 for place in range(20)]


def test_the_time_of_day_of_a_header_is_the_start_of_its_table(tmp_path: Path) -> None:
    write(tmp_path, "a", 9, "abp")
    assert read(tmp_path / "a.hea", Layout()).start == ""
    header = (tmp_path / "a.hea").read_text()
    (tmp_path / "a.hea").write_text(header.replace("a 1 10 9", "a 1 10 9 8:35:48.212 01/02/2020"))
    assert read(tmp_path / "a.hea", Layout()).start == "2020-02-01T08:35:48.212000"


def broken_rate(folder: Path) -> None:
    write(folder, "two", 7, "abp", "ecg", fs=20)


def broken_length(folder: Path) -> None:
    write(folder, "two", 6, "abp", "ecg")


def broken_unit(folder: Path) -> None:
    write(folder, "two", 7, "abp", "ecg", unit="kPa")


def missing(folder: Path) -> None:
    (folder / "two.hea").unlink()


def cut(folder: Path) -> None:
    signals = folder / "two.dat"
    signals.write_bytes(signals.read_bytes()[:-4])


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (broken_rate, r"two\.hea: expected the rate of its record, 10 Hz, came 20 Hz"),
        (broken_length, r"two\.hea: expected the 7 frames that its record counts on, came 6"),
        (broken_unit, r"two\.hea: expected signal 'abp' in 'mmHg' as in whole\.hea, came 'kPa'"),
        (missing, r"whole\.hea: cannot be read"),
        (cut, r"two\.hea: not the header of its signal files"),
    ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path: Path, breaks: object, words: str) -> None:
    write(tmp_path, "one", 5, "abp", "ecg")
    write(tmp_path, "two", 7, "abp", "ecg")
    (tmp_path / "whole.hea").write_text(FIXED)
    assert callable(breaks)
    breaks(tmp_path)
    with pytest.raises(RecordingError, match=words + ".*; remedy: "):
        read(tmp_path / "whole.hea", Layout()).numbers("abp")


@pytest.mark.parametrize("rate", [10, None])
def test_annotations_become_events(tmp_path: Path, load_mapping: Load, rate: float | None) -> None:
    write(tmp_path, "a", 99, "ecg")
    beats = np.array([3, 14, 25])
    wfdb.wrann("a", "atr", beats, ["N", "V", "N"], aux_note=["", "(VT", ""], fs=rate, write_dir=str(tmp_path))
    table = read(tmp_path / "a.atr", Layout())
    assert [table.column(name).tolist() for name in table.names] == [
        [0.3, 1.4, 2.5], ["N", "V", "N"], [0, 0, 0], [None, "(VT", None],
    ]  # fmt: skip
    stream = '[[streams]]\nchannel = "r_peak"\nfile = "a.atr"\nconstant = 1.0\nunit = "1"\n'
    recording = load_mapping(stream + 'where = { symbol = "N" }')
    assert [r.time for r in recording.readings()] == [3 * SECOND // 10, 25 * SECOND // 10]


def test_annotations_without_a_rate_are_refused(tmp_path: Path) -> None:
    wfdb.wrann("a", "qrs", np.array([3]), ["N"], write_dir=str(tmp_path))
    with pytest.raises(RecordingError, match=r"a\.qrs: expected a sampling rate.*; remedy: put the header"):
        read(tmp_path / "a.qrs", Layout())
