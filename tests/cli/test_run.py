"""``twin run`` on a real broker: it does what a replay does, and ends when it is asked to."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.adapters.talking import all_received, receive
from tests.cli.sines import sines
from tests.servers import mosquitto
from twin_adapters.mqtt import MqttSettings, MqttSource
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.core import SECOND

TWIN = (sys.executable, "-c", "from twin_runtime.cli import main; main()")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A recording, and a configuration that takes it from a running broker."""
    with mosquitto(tmp_path / "broker") as broker:
        mqtt = f'[mqtt]\nbroker = "mqtt://127.0.0.1:{broker.port}"\nclient_id = "twin-artery"\n\n[trust.checks]'
        clock = 'tick = "40 ms"\nclock = "stream"'
        yield sines(tmp_path, ("[trust.checks]", mqtt), ('tick = "40 ms"', clock))


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A live run of the configuration, connected to its broker."""
    command = [*TWIN, "run", "artery.toml", "--json", *options]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "connected to mqtt://" in line:
            return process
    pytest.fail("it has never connected")


def test_a_live_run_gives_the_state_that_a_replay_of_the_recording_gives(folder: Path) -> None:
    process = started(folder, "--idle", "2 s", "--store", "live.db")
    play = ["play", folder / "sines.recording.toml", "--config", folder / "artery.toml", "--speed", "10"]
    assert CliRunner().invoke(app, list(map(str, play))).exit_code == 0
    output, _ = process.communicate(timeout=60)
    live = json.loads(output)
    assert process.returncode == 0
    replay = CliRunner().invoke(
        app, ["replay", str(folder / "artery.toml"), str(folder / "sines.recording.toml"), "--json"]
    )
    assert live["readings"]["accepted"] == 260
    assert live["state_hash"] == json.loads(replay.stdout)["state_hash"]


async def test_a_verdict_does_not_outlive_a_run_that_is_killed(folder: Path) -> None:
    """The broker says at once that the runtime is lost, and forgets its estimate when its validity is over."""
    config = folder / "artery.toml"
    text = config.read_text().replace('clock = "stream"', 'clock = "stream"\nvalidity = "2 s"')
    config.write_text(text.replace("[trust.checks]", "[sinks.mqtt]\n[trust.checks]"))
    broker = load(config).mqtt
    assert broker is not None
    process = started(folder)
    play = ["play", folder / "sines.recording.toml", "--config", config, "--speed", "10"]
    desk = MqttSettings(broker=broker["broker"], client_id="desk")
    async with MqttSource(desk, ["artery/status", "patient-1/estimate"]) as source:
        assert (await asyncio.to_thread(CliRunner().invoke, app, list(map(str, play)))).exit_code == 0
        before = {message.topic: json.loads(message.payload) for message in await all_received(source, 1.0)}
        process.kill()
        process.communicate()
        [status] = await receive(source, 1)
    assert (before["artery/status"]["status"], before["patient-1/estimate"]["clock"]) == ("online", "stream")
    assert before["patient-1/estimate"]["valid_until_ns"] == before["patient-1/estimate"]["time_ns"] + 2 * SECOND
    assert json.loads(status.payload) == {"deployment": "artery", "status": "offline", "clean": False}
    await asyncio.sleep(2.5)
    later = MqttSettings(broker=broker["broker"], client_id="late")
    async with MqttSource(later, ["artery/status", "patient-1/estimate"]) as source:
        assert [message.topic for message in await all_received(source)] == ["artery/status"]


@pytest.mark.parametrize(("asked_by", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_run_that_is_asked_to_stop_prints_its_summary(asked_by: signal.Signals, status: int, folder: Path) -> None:
    process = started(folder)
    process.send_signal(asked_by)
    output, complaints = process.communicate(timeout=30)
    assert process.returncode == status
    assert json.loads(output)["ticks"] == 0
    assert "Traceback" not in complaints


def test_a_run_without_a_broker_in_its_configuration_reports_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", str(sines(tmp_path) / "artery.toml")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: mqtt: expected, but missing: a live run needs a source; remedy: add [mqtt]" in result.stderr
