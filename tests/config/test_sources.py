"""Several sources side by side: what each topic names, and what does not fit."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import REPOSITORY
from tests.packages import install
from twin_runtime.cli.app import app
from twin_runtime.config import load
from twin_runtime.config.adapters import Adapters, adapters
from twin_runtime.config.addresses import by_source
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.sources import Sources

EXAMPLE = REPOSITORY / "deploy" / "examples" / "plant.toml"
KINDS = {"mqtt", "opcua", "sparkplug"}


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "plant.toml"
    path.write_text(text)
    return path


def found(path: Path) -> Adapters:
    return adapters(load(path))


def complaint(folder: Path, *changes: tuple[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        found(changed(folder, *changes))
    return str(caught.value)


def test_a_topic_names_its_source_before_a_colon() -> None:
    topics = ["hall/t", "opcua:ns=2;s=A:B", "opcua.press:i=7", "sparkplug:g/n//m", "urn:x:y", "mqtt:z", "mqtt.b:t"]
    assert by_source(topics, KINDS) == {
        "mqtt": ["hall/t", "urn:x:y", "mqtt:z"],
        "opcua": ["ns=2;s=A:B"],
        "opcua.press": ["i=7"],
        "sparkplug": ["g/n//m"],
        "mqtt.b": ["t"],
    }


def test_the_example_has_three_sources() -> None:
    connected = found(EXAMPLE)
    assert connected.sources.keys() == KINDS
    topics = ["hall-3/line-1/outlet", "opcua:i=7", "sparkplug:plant/edge-1/line-1/Flow"]
    assert isinstance(connected.open_source(topics), Sources)
    assert not isinstance(connected.open_source(topics[:1]), Sources), "one alone is used as it is"


def test_check_tells_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(app, ["check", str(EXAMPLE)])
    assert result.exit_code == 0, result.output
    for row in ("source mqtt", "source sparkplug", "source opcua", "opc.tcp://127.0.0.1:4840, signals: 1"):
        assert row in result.output


def test_there_may_be_several_of_a_kind(tmp_path: Path) -> None:
    two = changed(
        tmp_path, ("[opcua]\n", '[opcua.oven]\nserver = "opc.tcp://h"\n[opcua.press]\n'), ('"opcua:', '"opcua.press:')
    )
    assert found(two).sources.keys() == {"mqtt", "sparkplug", "opcua.oven", "opcua.press"}


def test_a_source_of_another_package_has_a_table_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from pydantic import BaseModel\nclass S(BaseModel):\n    port: int\n"
    code += (
        "class Modbus:\n    def __init__(self, settings: S, topics: list[str]) -> None:\n        self.topics = topics\n"
    )
    points = "[twin_runtime.sources]\nmodbus = plant_modbus:Modbus\n"
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", points, {"plant_modbus": code})))
    path = changed(tmp_path, ("[opcua]\n", "[modbus]\nport = 502\n[opcua]\n"), ('"hall-3/{twin}', '"modbus:{twin}'))
    assert found(path).sources["modbus"].settings.model_dump() == {"port": 502}


MISTAKES = {
    "a source that is not there": (
        ("[sparkplug]\nbroker", "[sinks.mqtt]\nbroker"),
        "inputs.flow.topic: expected a table [sparkplug], from which 'sparkplug:plant/edge-1/{twin}/Flow/Mass' comes",
        'add [sparkplug] with broker = "mqtt://HOST:1883" and a client_id',
    ),
    "no id of a node": (
        ("opcua:nsu=http://example.org/plant;s={twin}.Inlet", "opcua:{twin}.Inlet"),
        'inputs.inlet.topic: expected the id of a node such as "ns=2;s=Boiler.Temperature"',
        'write it like topic = "opcua:ns=2;s={twin}.Temperature"',
    ),
    "no place of a metric": (
        ("plant/edge-1/{twin}/Flow/Mass", "plant/edge-1"),
        "inputs.flow.topic: expected GROUP/NODE/DEVICE/METRIC",
        'write it like topic = "sparkplug:plant/edge-1/{twin}/Temperature"',
    ),
    "an input that is old before it is confirmed": (
        ('unit = "kg/s"\nrange = [0, 10]\nstale = "30 s"', 'unit = "kg/s"\nrange = [0, 10]\nstale = "1500 ms"'),
        "inputs.flow.stale: expected at least 3 times the `confirm` of [sparkplug], 1 s, got 1500 ms",
        'set a longer `stale`, or confirm = "500 ms" in [sparkplug]',
    ),
    "a past that is closed before it is confirmed": (
        ('wait = "1 s"\nlateness = "60 s"', 'wait = "1 s"\nlateness = "1500 ms"'),
        "twin.lateness: expected at least twice the `confirm` of [sparkplug], 1 s, so late as it comes, got 1500 ms",
        'set a longer lateness, or confirm = "750 ms" in [sparkplug]',
    ),
    "a payload that nobody reads": (
        ('topic = "sparkplug:', 'payload = "senml"\nvalue = "v"\ntopic = "sparkplug:'),
        "inputs.flow.payload: expected none, as [sparkplug] decodes by itself, got 'senml'",
        "remove it",
    ),
    "no address": (
        ("opc.tcp://127.0.0.1:4840", "http://127.0.0.1"),
        "opcua.server: expected opc.tcp://HOST:PORT, got 'http://127.0.0.1'",
        "give the address of the server",
    ),
    "a password for all to read": (
        ("opc.tcp://127.0.0.1:4840", 'opc.tcp://10.0.0.1"\nusername = "u"\npassword_env = "HOME"\ntime = "source'),
        "opcua: the password for opc.tcp://10.0.0.1 could be read by anybody on the way",
        'use policy = "Basic256Sha256" and opc.tcp://, or set insecure = true',
    ),
    "a secret in the address": (
        ("opc.tcp://127.0.0.1:4840", "opc.tcp://user:hunter2@h"),
        "opcua.server: expected opc.tcp://HOST:PORT without user, password or query in it; what came is not shown",
        "name the user by `username`",
    ),
    "half a set of certificates": (
        ('publishing = "100 ms"', 'policy = "Basic256Sha256"'),
        "opcua: a policy needs cert_file and key_file of our own, and server_cert_file of the server",
        "",
    ),
    "a table nobody knows": (("[opcua]", "[opcau]"), "opcau: unknown key", "did you mean opcua?"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_every_mistake_is_reported_with_its_remedy(case: str, tmp_path: Path) -> None:
    change, reported, remedy = MISTAKES[case]
    message = complaint(tmp_path, change)
    assert reported in message
    assert remedy in message.partition("; remedy: ")[2]
    assert "hunter2" not in message
