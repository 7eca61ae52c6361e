"""``twin record``: what arrives over a real broker becomes a file, and a mapping that replays it."""

import signal
import time
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from paho.mqtt import publish
from typer.testing import CliRunner

from tests.adapters.commands.conftest import CONFIG, TWIN
from tests.servers import Server, free_port
from twin_adapters.commands.recorder import Recorder, everything_of
from twin_adapters.recordings import load
from twin_runtime import config as configurations
from twin_runtime.cli import app
from twin_runtime.core import Code, Message
from twin_runtime.runs.assembly import assemble

START = 1_700_000_000_000_000_000

MESSAGES = [
    ("ward/patient-1/abp", f'{{"value": 80, "time": {START}, "seq": 0}}'),
    ("ward/patient-1/abp", f'{{"values": [16, 400], "times": [{START + 2}, {START + 1}], "unit": "kPa"}}'),
    ("ward/patient-2/r_peak", f'{{"value": 1, "time": {START + 5}}}'),
    ("ward/patient-1/abp", "not a number"),
    ("ward/patient-1/abp", '{"value": 1, "unit": "kg"}'),
]


def record(config: Path, out: Path, *options: str) -> "Popen[str]":
    return Popen([TWIN, "record", config, "--out", out, *options], stdout=PIPE, stderr=PIPE, text=True)


def refused(config: Path, out: Path, *options: str) -> str:
    """The message on stderr of a command that fails, run in this process."""
    result = CliRunner().invoke(app, ["record", str(config), "--out", str(out), *options])
    assert (result.exit_code, result.stdout) == (2, "")
    return " ".join(result.stderr.split())


def wait_for_log(broker: Server, text: str, times: int = 1) -> None:
    deadline = time.monotonic() + 30
    while broker.log.read_text().count(text) < times:
        assert time.monotonic() < deadline, f"the broker never logged {text!r} {times} times"
        time.sleep(0.02)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_recorded_until_ctrl_c_can_be_replayed(
    broker: Server, config: Path, tmp_path: Path, suffix: str
) -> None:
    process = record(config, tmp_path / f"today.{suffix}")
    wait_for_log(broker, "Sending SUBACK to twin-record")
    publish.multiple([(topic, text, 1, False) for topic, text in MESSAGES], port=broker.port, hostname="127.0.0.1")
    wait_for_log(broker, "Received PUBACK from twin-record", len(MESSAGES))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    summary = "4 readings of 2 signals (left out: 1 not-json, 1 wrong-unit)"
    assert output == f"{tmp_path}/today.recording.toml: {summary}\n"

    recording = load(tmp_path / "today.recording.toml")
    assert recording.units == {"abp": "mmHg", "r_peak": "1"}
    assert [(r.twin, r.channel, r.time - START, r.sequence) for r in recording.readings()] == [
        ("patient-1", "abp", 0, 0),
        ("patient-1", "abp", 1, 1),
        ("patient-1", "abp", 2, 2),
        ("patient-2", "r_peak", 5, 0),
    ]
    kilopascal = 7.500615758456564
    assert recording.value.tolist() == pytest.approx([80, 400 * kilopascal, 16 * kilopascal, 1], rel=1e-6)


def test_silence_ends_with_an_error_and_leaves_no_file(config: Path, tmp_path: Path) -> None:
    assert "no reading arrived" in refused(config, tmp_path / "today.parquet", "--for", "0.2 s")
    assert not list(tmp_path.glob("today*"))


def test_without_a_broker_no_file_is_left(config: Path, tmp_path: Path) -> None:
    nowhere = f"mqtt://127.0.0.1:{free_port()}"
    assert "nothing listens there" in refused(config, tmp_path / "today.parquet", "--broker", nowhere)
    assert not list(tmp_path.glob("today*"))


def test_a_recording_is_never_overwritten(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "today.csv"
    out.write_text("precious")
    assert "is there already" in refused(config, out)
    assert out.read_text() == "precious"


def configured(folder: Path, text: str) -> configurations.Config:
    """A configuration with this text, without a broker."""
    path = folder / "ward.toml"
    path.write_text(text.replace("PORT", "1"))
    return configurations.load(path)


def test_a_retained_value_that_holds_is_recorded_when_it_arrives(tmp_path: Path) -> None:
    twin_type = assemble(configured(tmp_path, CONFIG)).types[0]
    retained = Message("ward/patient-1/abp", b"80", START, retained=True)
    for holds, code in ((False, Code.MISSING_FIELD), (True, Code.ACCEPTED)):
        channels = tuple(replace(channel, holds=holds) for channel in twin_type.channels)
        entries = everything_of(replace(twin_type, channels=channels)).read(retained)
        assert [entry.code for entry in entries] == [code]


def test_messages_of_a_declared_kind_are_recorded_as_a_run_reads_them(tmp_path: Path) -> None:
    kind = CONFIG.replace("noise = 2.0", 'noise = 2.0\npayload = "shelly"\nvalue = "apower"').replace(
        "ward/{twin}/abp", "{twin}/status/switch:0"
    )
    with Recorder(configured(tmp_path, kind), tmp_path / "today.csv", lambda count: None) as recorder:
        recorder.take(
            [Message("patient-1/status/switch:0", b'{"id":0,"apower":512.3,"aenergy":{"minute_ts":1767603600}}', 0)]
        )
    recording = load(tmp_path / "today.recording.toml")
    assert [(r.twin, r.channel, r.value) for r in recording.readings()] == [("patient-1", "abp", 512.3)]
