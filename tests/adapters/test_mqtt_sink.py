"""Estimates on a broker, as another system reads them."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.adapters.talking import all_received, settings
from tests.servers import Server, free_port
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_sink import MqttSink, MqttSinkSettings, rfc3339
from twin_runtime.core import FIGURES, SECOND, FloatArray, Sink
from twin_runtime.errors import ConnectionFailed
from twin_runtime.testing import SINK_IDENTITY, SinkTests, some_estimates


def sink_to(server: Server, **changes: object) -> MqttSink:
    """A sink of a deployment whose source is called "twin"."""
    table = {"broker": f"mqtt://127.0.0.1:{server.port}", "client_id": "twin", **changes}
    return MqttSink(MqttSinkSettings.model_validate(table), SINK_IDENTITY)


class TestAsASink(SinkTests):
    @pytest.fixture(autouse=True)
    async def _listening(self, broker: Server) -> AsyncIterator[None]:
        self.broker = broker
        async with MqttSource(settings(broker, client_id="dashboard"), ["+/estimate"]) as self.dashboard:
            yield

    def sink(self) -> Sink:
        return sink_to(self.broker)

    def unreachable(self) -> Sink:
        return sink_to(Server((), free_port(), Path()))

    async def arrived(self) -> Mapping[tuple[str, int], FloatArray]:
        published = [json.loads(message.payload) for message in await all_received(self.dashboard)]
        return {(one["twin"], one["time_ns"]): _figures(one) for one in published}


def _figures(published: dict[str, Any]) -> FloatArray:
    quantities = SINK_IDENTITY.type_of(published["twin"]).quantities
    figures = [[published["estimates"][quantity.name][figure] for figure in FIGURES] for quantity in quantities]
    return np.array(figures, dtype=np.float64)  # null becomes NaN


async def retained(broker: Server) -> dict[str, Any]:
    """What a dashboard that comes later sees first, by topic."""
    async with MqttSource(settings(broker, client_id="latecomer", session_expiry=0), ["#"]) as source:
        return {message.topic: json.loads(message.payload) for message in await all_received(source)}


async def test_a_later_subscriber_gets_the_newest_estimate_of_each_twin(broker: Server) -> None:
    async with sink_to(broker, topic="ward/{twin}/state") as sink:
        await sink.send(some_estimates(3))
    latest = await retained(broker)
    newest = [estimate for estimate in some_estimates(3) if estimate.twin == "patient-1"][-1]
    mean, sd, q05, q50, q95 = newest.figures[0].tolist()
    assert set(latest) == {"ward/patient-1/state", "ward/patient 2, left/state", "ward/pump-1/state"}
    assert latest["ward/patient-1/state"] == {
        "twin": "patient-1",
        "time": "2020-09-13T12:26:42.000000000Z",
        "time_ns": 1_600_000_002 * SECOND,
        "revision": 0,
        "trust": newest.trust.name.lower(),
        "reasons": list(newest.reasons),
        "model_hash": "5eed",
        "estimates": {
            "pressure": {"mean": mean, "sd": sd, "q05": q05, "q50": q50, "q95": q95, "unit": "mmHg"},
            "resistance": latest["ward/patient-1/state"]["estimates"]["resistance"],
        },
    }


async def test_a_revision_of_the_past_does_not_hide_the_present(broker: Server) -> None:
    async with sink_to(broker) as sink:
        await sink.send(some_estimates(3))
        await sink.send(some_estimates(2, revision=1))
        before = await retained(broker)
        await sink.send(some_estimates(3, revision=2))
        after = await retained(broker)
    assert [before["patient-1/estimate"][key] for key in ("revision", "time_ns")] == [0, 1_600_000_002 * SECOND]
    assert [after["patient-1/estimate"][key] for key in ("revision", "time_ns")] == [2, 1_600_000_002 * SECOND]


async def test_the_sink_and_the_source_of_one_deployment_do_not_end_each_other(broker: Server) -> None:
    async with MqttSource(settings(broker), ["#"]) as source, sink_to(broker) as sink:
        await sink.send(some_estimates(1))
        assert len(await all_received(source)) == len(SINK_IDENTITY.twins)


async def test_a_broker_that_goes_away_is_reported_and_reached_again(broker: Server) -> None:
    sink = sink_to(broker)
    async with sink:
        broker.stop()
        with pytest.raises(ConnectionFailed, match="3 of 3 messages not confirmed"):
            await sink.send(some_estimates(1))
    broker.start()
    async with sink:
        await sink.send(some_estimates(1))
    assert len(await retained(broker)) == len(SINK_IDENTITY.twins)


@pytest.mark.parametrize("topic", ["estimates", "{twin}/#", "+/{twin}", "{twin}/{channel}"])
def test_a_topic_must_tell_the_twins_apart(topic: str) -> None:
    with pytest.raises(ValidationError, match=r"expected a topic without wildcards and with \{twin\} in it"):
        MqttSinkSettings(client_id="twin", topic=topic)


def test_times_keep_their_nanoseconds() -> None:
    assert rfc3339(1_577_836_800_040_000_001) == "2020-01-01T00:00:00.040000001Z"
