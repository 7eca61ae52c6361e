"""Estimates on a broker, as another system reads them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import ValidationError

from tests.adapters.talking import all_received, settings
from tests.servers import Server, free_port, mosquitto
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_errors import MessagesRefused
from twin_adapters.mqtt_sink import MqttSink, MqttSinkSettings, rfc3339
from twin_runtime.core import FIGURES, SECOND, FloatArray, Sink
from twin_runtime.errors import ConnectionFailed, EstimatesRefused
from twin_runtime.store.identity import Identity
from twin_runtime.testing import SINK_IDENTITY, SinkTests, some_estimates

STATUS = "ward/status"
ON_THE_WALL = replace(SINK_IDENTITY, types=tuple(replace(known, clock="wall") for known in SINK_IDENTITY.types))
"""The same deployment, whose event time is the time of this world."""


def sink_to(server: Server, identity: Identity = SINK_IDENTITY, **changes: object) -> MqttSink:
    """A sink of a deployment whose source is called "twin"."""
    table = {"broker": f"mqtt://127.0.0.1:{server.port}", "client_id": "twin", **changes}
    return MqttSink(MqttSinkSettings.model_validate(table), identity)


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
    """What a dashboard that comes later sees first, by topic; the status apart."""
    return {topic: content for topic, content in (await everything(broker)).items() if topic != STATUS}


async def everything(broker: Server) -> dict[str, Any]:
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
        "valid_until": "2020-09-13T12:26:47.000000000Z",
        "valid_until_ns": 1_600_000_007 * SECOND,
        "clock": "stream",
        "model_hash": "5eed",
        "estimates": {
            "pressure": {
                **{"mean": mean, "sd": sd, "q05": q05, "q50": q50, "q95": q95, "unit": "mmHg"},
                **{"standing": newest.standing[0].name.lower(), "trust": newest.quantity_trust[0].name.lower()},
            },
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
    async with MqttSource(settings(broker), ["+/estimate"]) as source, sink_to(broker) as sink:
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


class TestValidity:
    """A verdict does not outlive its twin."""

    async def test_an_estimate_is_gone_when_its_validity_is_over(self, broker: Server) -> None:
        async with sink_to(broker) as sink:
            await sink.send([one._replace(valid_until=one.time + 3 * SECOND) for one in some_estimates(2)])
        assert len(await retained(broker)) == len(SINK_IDENTITY.twins)
        await asyncio.sleep(3.5)
        assert await retained(broker) == {}

    async def test_on_the_wall_clock_it_counts_from_its_own_time(self, broker: Server) -> None:
        estimates, now = some_estimates(1), time.time_ns()
        times = [now - 58 * SECOND, now - 62 * SECOND, now - 59 * SECOND]
        sent = [one._replace(time=t, valid_until=t + 60 * SECOND) for one, t in zip(estimates, times, strict=True)]
        async with (
            MqttSource(settings(broker), ["+/estimate"]) as dashboard,
            sink_to(broker, ON_THE_WALL) as sink,
        ):
            await sink.send(sent)
            assert len(await all_received(dashboard)) == 3  # flagged, never withheld
        kept = await retained(broker)
        assert "patient 2, left/estimate" not in kept
        assert kept["patient-1/estimate"]["valid_until_ns"] == now + 2 * SECOND
        await asyncio.sleep(2.5)
        assert await retained(broker) == {}

    async def test_a_broker_that_cannot_forget_keeps_the_newest(self, broker: Server) -> None:
        async with sink_to(broker, ON_THE_WALL, protocol=4) as sink:
            await sink.send(some_estimates(2))
        assert {one["time_ns"] for one in (await retained(broker)).values()} == {1_600_000_001 * SECOND}


class TestStatus:
    """Whether the runtime is there, for who was not when it came or went."""

    @pytest.mark.parametrize("protocol", [4, 5])
    async def test_it_comes_and_goes(self, broker: Server, protocol: int) -> None:
        sink = sink_to(broker, protocol=protocol)
        for _ in range(2):
            async with sink:
                online = (await everything(broker))[STATUS]
                assert (online["deployment"], online["status"]) == ("ward", "online")
                assert online["since"].endswith("Z")
            assert (await everything(broker))[STATUS] == {"deployment": "ward", "status": "offline", "clean": True}

    async def test_the_broker_says_that_it_was_lost(self, broker: Server) -> None:
        sink = sink_to(broker)
        async with sink:
            assert sink._connection is not None
            sink._connection._free()  # the socket, as the kernel closes it with the process
            await asyncio.sleep(0.1)
            assert (await everything(broker))[STATUS] == {"deployment": "ward", "status": "offline", "clean": False}
        async with sink:
            assert (await everything(broker))[STATUS]["status"] == "online"

    async def test_it_may_stand_elsewhere_or_nowhere(self, broker: Server) -> None:
        async with sink_to(broker, status_topic="site/7/{deployment}"):
            assert set(await everything(broker)) == {"site/7/ward"}
        async with sink_to(broker, status_topic=""):
            assert set(await everything(broker)) == {"site/7/ward"}

    async def test_a_runtime_that_may_not_say_it_publishes_its_estimates(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with guarded(tmp_path, "topic read #\ntopic write +/estimate\n") as broker:
            async with sink_to(broker) as sink:
                await sink.send(some_estimates(1))
            assert len(await everything(broker)) == len(SINK_IDENTITY.twins)
        assert "no status is published on ward/status: mqtt://127.0.0.1:" in caplog.text


@contextmanager
def guarded(folder: Path, access: str, *lines: str) -> Iterator[Server]:
    """A broker with an access list."""
    (folder / "access").write_text(access)
    rules = ["allow_anonymous true", f"acl_file {folder / 'access'}", *lines]
    with mosquitto(folder / "guarded", rules) as server:
        yield server


class TestRefusals:
    """What the broker would refuse again is refused for good; what an administrator can mend is tried again."""

    async def test_a_topic_that_is_forbidden_although_others_are_not(self, tmp_path: Path) -> None:
        access = "topic read #\ntopic write ward/status\ntopic write pump-1/estimate\n"
        with guarded(tmp_path, access) as broker:
            async with sink_to(broker) as sink:
                patient, _, pump = some_estimates(1)
                with pytest.raises(ConnectionFailed, match=r"1 of 1 messages refused: Not authorized.*access list"):
                    await sink.send([patient])
                with pytest.raises(EstimatesRefused, match=r"1 of 2 messages refused: Not authorized.*access list"):
                    await sink.send([patient, pump])
                with pytest.raises(EstimatesRefused):
                    await sink.send([patient])
                await sink.send([pump])

    @pytest.mark.parametrize(
        ("limit", "reason"), [("max_packet_size 760", "Packet too large"), ("message_size_limit 730", "Protocol error")]
    )
    async def test_a_message_that_is_too_large(self, tmp_path: Path, limit: str, reason: str) -> None:
        with guarded(tmp_path, "topic readwrite #\n", limit) as broker:
            async with sink_to(broker) as sink:
                patient, _, pump = some_estimates(1)
                for sent in ([patient, pump], [pump]):
                    with pytest.raises(EstimatesRefused, match=f"1 of {len(sent)} messages refused: {reason}"):
                        await sink.send(sent)
                await sink.send([patient])
            assert "pump-1/estimate" not in await everything(broker)

    async def test_a_topic_that_no_broker_takes(self, broker: Server) -> None:
        async with sink_to(broker) as sink:
            with pytest.raises(EstimatesRefused, match="1 of 2 messages refused: Topic name invalid"):
                await sink.send([some_estimates(1)[0]._replace(twin="patient-1/#"), some_estimates(1)[1]])

    @pytest.mark.parametrize(
        ("codes", "alone", "beside_others"),
        [
            ([0x87], False, True),
            ([0x80], False, True),
            ([0x83], False, True),
            ([0x90], True, True),
            ([0x95, 0x99], True, True),
            ([0x95, 0x87], False, True),
            ([0x97], False, False),
            ([0x95, 0x97], False, False),
            ([0x91], False, False),
        ],
    )
    def test_which_answers_are_final(self, codes: list[int], alone: bool, beside_others: bool) -> None:
        kinds = [PacketTypes.DISCONNECT if code == 0x95 else PacketTypes.PUBREC for code in codes]
        reasons = [ReasonCode(kind, identifier=code) for kind, code in zip(kinds, codes, strict=True)]
        refused = MessagesRefused(reasons, 5, (), MqttSinkSettings(client_id="twin"))
        assert (refused.is_final(takes_others=False), refused.is_final(takes_others=True)) == (alone, beside_others)


@pytest.mark.parametrize("topic", ["+/status", "status/#", "{twin}/status", "{deployment"])
def test_the_topic_of_the_status_is_one(topic: str) -> None:
    with pytest.raises(ValidationError, match=r"expected a topic without wildcards, with \{deployment\} in it or not"):
        MqttSinkSettings(client_id="twin", status_topic=topic)


@pytest.mark.parametrize("topic", ["estimates", "{twin}/#", "+/{twin}", "{twin}/{channel}"])
def test_a_topic_must_tell_the_twins_apart(topic: str) -> None:
    with pytest.raises(ValidationError, match=r"expected a topic without wildcards and with \{twin\} in it"):
        MqttSinkSettings(client_id="twin", topic=topic)


def test_times_keep_their_nanoseconds() -> None:
    assert rfc3339(1_577_836_800_040_000_001) == "2020-01-01T00:00:00.040000001Z"
