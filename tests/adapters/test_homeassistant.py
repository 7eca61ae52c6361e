"""Announcements to Home Assistant: its own template language finds every figure in what is published."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from jinja2 import Environment
from pydantic import ValidationError

from tests.adapters.test_mqtt_sink import everything, sink_to
from tests.servers import Server
from twin_adapters.homeassistant import plain
from twin_adapters.mqtt_sink import MqttSinkSettings
from twin_runtime.testing import SINK_IDENTITY, some_estimates

JINJA = Environment()
JINJA.filters["tojson"] = json.dumps  # as Home Assistant's own
DISCOVERY = re.compile("homeassistant/sensor/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")


def rendered(template: str, payload: object) -> str:
    return JINJA.from_string(template).render(value_json=payload)


async def published(broker: Server) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """All announcements, and everything that is retained while the runtime is there, by topic."""
    async with sink_to(broker, discovery="homeassistant") as sink:
        await sink.send(some_estimates(1))
        found = await everything(broker)
    return {topic: content for topic, content in found.items() if topic.startswith("homeassistant/")}, found


async def test_every_quantity_of_every_twin_is_a_sensor(broker: Server) -> None:
    announced, found = await published(broker)
    count = sum(len(known.twins) * (len(known.quantities) + 1) for known in SINK_IDENTITY.types)
    assert len(announced) == count
    assert all(DISCOVERY.fullmatch(topic) for topic in announced)
    assert len({content["unique_id"] for content in announced.values()}) == count
    for content in announced.values():
        estimate = found[content["state_topic"]]
        assert estimate["twin"] == content["device"]["name"]
        value = rendered(content["value_template"], estimate)
        attributes = json.loads(rendered(content["json_attributes_template"], estimate))
        if content["name"] == "trust":
            assert value == estimate["trust"]
            assert value in content["options"]
        else:
            figures = estimate["estimates"][content["name"].replace(" ", "_")]
            assert value == str(figures["mean"])
            assert attributes["q95"] == figures["q95"]
            assert attributes["trust"] == estimate["trust"]


async def test_sensors_are_there_as_long_as_the_runtime(broker: Server) -> None:
    announced, found = await published(broker)
    [availability] = next(iter(announced.values()))["availability"]
    assert rendered(availability["value_template"], found[availability["topic"]]) == "online"
    gone = await everything(broker)
    assert rendered(availability["value_template"], gone[availability["topic"]]) == "offline"


async def test_nothing_is_announced_unless_it_is_asked_for(broker: Server) -> None:
    async with sink_to(broker) as sink:
        await sink.send(some_estimates(1))
        assert not [topic for topic in await everything(broker) if topic.startswith("homeassistant")]


def test_names_that_home_assistant_cannot_have_stay_apart() -> None:
    assert plain("pump-1") == "pump-1"
    assert plain("patient 2, left") != plain("patient 2. left")
    assert re.fullmatch("[a-zA-Z0-9_-]+", plain("patient 2, left"))


@pytest.mark.parametrize("prefix", ["home/#", "ha/", "{twin}"])
def test_a_prefix_is_a_topic(prefix: str) -> None:
    with pytest.raises(ValidationError, match="expected a topic without wildcards"):
        MqttSinkSettings.model_validate({"client_id": "twin", "discovery": prefix})
