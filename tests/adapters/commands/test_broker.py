"""Which broker or servers a command talks to."""

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from twin_adapters.commands.broker import sender_for, source_for
from twin_adapters.commands.recorder import Recorder
from twin_adapters.mqtt import MqttSource
from twin_adapters.native import reading
from twin_adapters.sparkplug import SparkplugSettings
from twin_runtime.config import load
from twin_runtime.core import Message
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.sources import Sources

PLANT = REPOSITORY / "deploy" / "examples" / "plant.toml"


def test_a_recorder_listens_to_all_sources_unless_a_broker_is_named() -> None:
    config, topics = load(PLANT), ["hall-3/line-1/outlet", "opcua:i=7"]
    assert isinstance(source_for("record", config, None, topics), Sources)
    assert isinstance(source_for("record", config, "mqtt://127.0.0.1", topics[:1]), MqttSource)


def test_a_visitor_has_a_name_of_its_own_and_is_no_primary_host() -> None:
    ours = SparkplugSettings(client_id="twin", host_id="twin")
    assert ours.visiting().client_id != "twin"
    assert ours.visiting().host_id is None


def test_a_command_that_sends_refuses_topics_that_are_not_of_mqtt() -> None:
    with pytest.raises(ConfigError, match=r"`twin play` publishes plain MQTT, but the topic 'opcua:nsu="):
        sender_for("play", load(PLANT), None)


def test_a_confirmed_value_is_not_recorded(tmp_path: Path) -> None:
    topic = "hall-3/line-1/outlet"
    with Recorder(load(PLANT), tmp_path / "today.csv", lambda count: None) as recorder:
        recorder.take(
            [Message(topic, reading(18.0, time, unchanged=time > 10**18), time) for time in (10**18, 2 * 10**18)]
        )
    assert str(recorder).endswith("1 readings of 1 signals")
