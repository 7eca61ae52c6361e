"""``twin listen`` and ``twin init``: from a broker with devices of three makers to a twin that runs."""

import json
import threading
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from tests.servers import Server, mosquitto
from twin_runtime.cli import app

INTERVAL = 0.1


class Devices:
    """A thermometer of Zigbee2MQTT, one of Tasmota and a flow meter on LoRaWAN, until they are stopped."""

    def __init__(self, port: int) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def _publish(self) -> None:
        number = 0
        while not self._stopped.wait(INTERVAL):
            now, number = datetime.now(UTC), number + 1
            here = now.astimezone(timezone(timedelta(hours=2)))
            self._send("zigbee2mqtt/inlet", {"temperature": 60 + number % 2, "last_seen": int(now.timestamp() * 1000)})
            probe = {"Temperature": 58.0 + 0.1 * (number % 3)}
            self._send("tele/outlet/SENSOR", {"Time": here.strftime("%Y-%m-%dT%H:%M:%S.%f"), "DS18B20": probe})
            uplink = {"time": now.isoformat(), "fCnt": number, "object": {"mass_flow": 0.6}}
            self._send("application/7/device/flow/event/up", uplink)

    def _send(self, topic: str, payload: object) -> None:
        self._client.publish(topic, json.dumps(payload), 1)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    with mosquitto(tmp_path / "broker") as server:
        devices = Devices(server.port)
        yield server
        devices.stop()


def done(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_new_user_comes_from_three_devices_to_a_twin_without_a_line_by_hand(broker: Server, tmp_path: Path) -> None:
    address, path, heard = f"mqtt://127.0.0.1:{broker.port}", tmp_path / "plant.toml", tmp_path / "heard.jsonl"
    said = done("init", "pipe", "--broker", address, "--for", "2 s", "--out", path)
    assert "sensor outlet_temperature (degC): DS18B20.Temperature of tele/outlet/SENSOR" in said
    assert "input inlet_temperature (degC): temperature of zigbee2mqtt/inlet" in said
    assert "plant.toml is right" in said
    written = tomllib.loads(path.read_text())
    assert written["twin"]["tick"] == "100 ms"
    assert written["payloads"]["own-tasmota"] == {"extends": "tasmota", "zone": "Etc/GMT-2"}
    done("listen", address, "--for", "1 s", "--save", heard)
    codes = json.loads(done("check", path, "--sample", heard, "--json"))["codes"]
    assert set(codes) == {"accepted"}
    assert codes["accepted"] >= 15


def test_what_arrives_is_told_and_can_be_pasted(broker: Server) -> None:
    report = json.loads(done("listen", f"mqtt://127.0.0.1:{broker.port}", "--for", "1 s", "--json"))
    kinds = {topic["topic"]: topic["kind"] for topic in report["topics"]}
    assert kinds == {
        "zigbee2mqtt/inlet": "zigbee2mqtt",
        "tele/outlet/SENSOR": "tasmota",
        "application/7/device/flow/event/up": "chirpstack",
    }
    assert all(5 < topic["rate"] < 15 for topic in report["topics"])
    pasted = tomllib.loads(report["toml"])
    assert pasted["sensors"]["mass_flow"]["topic"] == "application/7/device/{twin}/event/up"
    assert pasted["payloads"]["own-tasmota"]["zone"] == "Etc/GMT-2"


def test_silence_is_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        said = done("listen", f"mqtt://127.0.0.1:{server.port}", "--for", "200 ms")
        assert "nothing came: are the sensors on" in said
        result = CliRunner().invoke(
            app, ["init", "pipe", "--broker", f"mqtt://127.0.0.1:{server.port}", "--for", "200 ms", "--out", "x.toml"]
        )
    assert result.exit_code == 2
    assert "nothing that arrives fits an output of 'pipe'" in result.stderr
    assert not Path("x.toml").exists()


def test_a_recording_gives_a_configuration_that_replays_it(tmp_path: Path) -> None:
    (tmp_path / "rig.csv").write_text(
        "t,m_dot,inlet,outlet\n" + "".join(f"{s},0.6,60,{58 + s % 2}\n" for s in range(30))
    )
    mapping = tmp_path / "rig.recording.toml"
    streams = [("mass_flow", "m_dot", "kg/s"), ("inlet_temperature", "inlet", "degC"), ("outlet", "outlet", "degC")]
    mapping.write_text(
        '[recording]\nfile = "rig.csv"\ntime = "t"\nepoch = 2026-01-05T00:00:00Z\n'
        + "".join(f'[[streams]]\ntwin = "rig"\nchannel = "{c}"\nvalue = "{v}"\nunit = "{u}"\n' for c, v, u in streams)
    )
    path = tmp_path / "rig.toml"
    said = done("init", "pipe", "--recording", mapping, "--out", path)
    assert "rig.toml is right" in said
    written = tomllib.loads(path.read_text())
    assert (written["twin"]["tick"], written["twin"]["twins"]) == ("1 s", ["rig"])
    assert written["sensors"]["outlet"]["observes"] == "outlet_temperature"
    replayed = json.loads(done("replay", path, mapping, "--json"))
    assert replayed["readings"]["assimilated"] == replayed["readings"]["accepted"] == 90


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pipe", "--out", "x.toml"], "expected --broker or --recording"),
        (["pip", "--broker", "mqtt://localhost", "--out", "x.toml"], "no model 'pip' is installed"),
        (["pipe", "--broker", "localhost", "--out", "x.toml"], "localhost"),
    ],
)
def test_a_mistake_is_one_clear_error(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, ["init", *arguments])
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
