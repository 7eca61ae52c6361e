"""The recordings of real assets, as they were recorded; the mappings under deploy/examples among them."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from twin_adapters.recordings import Layout, MergedStreams, load
from twin_adapters.recordings.wfdb import read as read_wfdb
from twin_runtime.core import SECOND

EXAMPLES = REPOSITORY / "deploy" / "examples"
Find = Callable[[str], Path]

PIPES = {"150801": 274, "151202": 179, "151204": 109, "160104": 2038}
"""Rows of each run of the pipe."""


@pytest.fixture(scope="module")
def surgery(recording: Find) -> MergedStreams:
    return load(EXAMPLES / "surgery-patient.recording.toml", recording("surgery-patient"))


def test_the_surgical_patient_is_there_in_full(surgery: MergedStreams) -> None:
    assert Counter(reading.channel for reading in surgery.readings()) == {"abp": 156_096, "r_peak": 1595}
    assert surgery.start == 1_577_836_800 * SECOND + 40_641_341_968_060
    assert surgery.twins == ("patient-1",)
    assert surgery.units == {"abp": "mmHg", "r_peak": "1"}


def test_the_surgical_patient_comes_in_order_with_its_gap(surgery: MergedStreams) -> None:
    assert np.all(np.diff(surgery.time) >= 0)
    steps = np.diff(surgery.time[surgery.channel == 0]) / SECOND
    assert np.sort(steps)[-2:] == pytest.approx([0.008, 0.264], abs=1e-3)


def test_reading_a_long_recording_takes_well_below_a_second(surgery: MergedStreams) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        assert sum(1 for _ in surgery.readings()) == len(surgery)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 1.0


@pytest.mark.parametrize("run", PIPES)
def test_a_run_of_the_pipe_has_three_channels_in_every_row(run: str, recording: Find) -> None:
    pipe = load(EXAMPLES / f"pipe-{run}.recording.toml", recording("pipe"))
    assert Counter(reading.channel for reading in pipe.readings()) == dict.fromkeys(pipe.units, PIPES[run])
    assert pipe.units == {"outlet": "degC", "inlet": "degC", "flow": "kg/s"}


def test_the_first_row_of_a_pipe_run_is_that_of_the_file(recording: Find) -> None:
    pipe = load(EXAMPLES / "pipe-150801.recording.toml", recording("pipe"))
    assert {r.channel: r.value for r in pipe.readings() if r.time == pipe.start} == {
        "outlet": 16.8,
        "inlet": 16.6,
        "flow": 1.245,
    }


def test_the_wfdb_records_have_their_signals(recording: Find) -> None:
    folder = recording("wfdb")
    flush = read_wfdb(folder / "3975656_0013.hea", Layout())
    assert list(flush.names) == ["time", "II", "V", "ABP"]
    assert (flush.rows, round(float(np.nanmax(flush.numbers("ABP"))))) == (18_075, 270)
    assert len(read_wfdb(folder / "s0010_re.hea", Layout()).names) == 16
