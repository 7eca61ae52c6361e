"""EDF, EDF+ and BDF files, as edfio writes them."""

from datetime import date, time
from pathlib import Path

import edfio
import numpy as np
import pytest

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout
from twin_adapters.recordings.edf import read
from twin_runtime.core import SECOND
from twin_runtime.errors import RecordingError

RNG = np.random.default_rng(1)
ECG = RNG.normal(size=400)
TEMPERATURE = np.arange(4.0) + 36
ANNOTATIONS = (edfio.EdfAnnotation(1.5, 2.0, "Apnea"), edfio.EdfAnnotation(3, None, "Arousal"))


def write(folder: Path, **options: object) -> Path:
    signals = [
        edfio.EdfSignal(ECG, 100, label="ECG", physical_dimension="uV", transducer_type="AgCl"),
        edfio.EdfSignal(TEMPERATURE, 1, label="Temp", physical_dimension="degC"),
    ]
    path = folder / "a.edf"
    night = edfio.Recording(startdate=date(2020, 1, 2))
    settings = {"recording": night, "starttime": time(22, 1, 2), "annotations": ANNOTATIONS, **options}
    edfio.Edf(signals, data_record_duration=1, **settings).write(path)  # type: ignore[arg-type]
    return path


def test_every_signal_keeps_its_rate_and_unit(tmp_path: Path) -> None:
    table = read(write(tmp_path), Layout())
    assert list(table.names) == ["time", "ECG", "Temp", "annotation", "annotation duration"]
    assert (dict(table.units), table.titles, table.start) == (
        {0: "s", 1: "uV", 2: "degC", 4: "s"},
        {1: "AgCl"},
        "2020-01-02T22:01:02",
    )
    time = table.numbers("time")
    for name, values, rate in (("ECG", ECG, 100), ("Temp", TEMPERATURE, 1)):
        there = ~np.isnan(table.numbers(name))
        np.testing.assert_allclose(table.numbers(name)[there], values, atol=1e-3)
        np.testing.assert_array_equal(time[there], np.arange(len(values)) / rate)


def test_annotations_become_events(tmp_path: Path, load_mapping: Load) -> None:
    write(tmp_path)
    recording = load_mapping(
        '[[streams]]\nchannel = "apnea"\nfile = "a.edf"\nconstant = 1.0\nunit = "1"\nwhere = { annotation = "Apnea" }'
    )
    assert [(r.time, r.value) for r in recording.readings()] == [(3 * SECOND // 2, 1.0)]


def test_a_file_with_pauses_has_them(tmp_path: Path) -> None:
    path = write(tmp_path, starttime=time(22, 1, 2, 250_000))
    content = path.read_bytes().replace(b"EDF+C", b"EDF+D").replace(b"+2.25\x14\x14", b"+7.50\x14\x14")
    path.write_bytes(content.replace(b"+3.25\x14\x14", b"+8.50\x14\x14"))
    table = read(path, Layout())
    there = ~np.isnan(table.numbers("Temp"))
    assert table.numbers("time")[there].tolist() == [0.0, 1.0, 7.25, 8.25]
    assert table.start == "2020-01-02T22:01:02.250000"


def test_bdf_has_24_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    edfio.Bdf([edfio.BdfSignal(ECG, 100, label="ECG", physical_dimension="uV")]).write(path)
    np.testing.assert_allclose(read(path, Layout()).numbers("ECG"), ECG, atol=1e-6)


def test_an_anonymous_date_is_no_start(tmp_path: Path) -> None:
    assert read(write(tmp_path, recording=edfio.Recording()), Layout()).start == ""


def test_a_unit_in_latin_1_is_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"uV  ", b"\xb5V  ", 1))
    assert read(path, Layout()).units[1] == "µV"


def test_a_file_that_was_cut_short_is_refused_unless_nobody_counted_its_records(tmp_path: Path) -> None:
    path = write(tmp_path, annotations=None)
    cut = path.read_bytes()[:-100]
    path.write_bytes(cut)
    with pytest.raises(RecordingError, match=r"a\.edf: is cut short: .*; remedy: .*write -1"):
        read(path, Layout())
    path.write_bytes(cut[:236] + b"-1      " + cut[244:])
    np.testing.assert_allclose(read(path, Layout()).numbers("ECG")[-300:], ECG[:300], atol=1e-3)


def test_the_unit_of_a_signal_is_compared(tmp_path: Path, load_mapping: Load) -> None:
    write(tmp_path)
    with pytest.raises(RecordingError, match="column 'Temp' is in 'degC', the mapping says 'degF'"):
        load_mapping('[[streams]]\nchannel = "t"\nfile = "a.edf"\nvalue = "Temp"\nunit = "degF"')
