"""The embedded broker serves real clients, and what an asset publishes arrives."""

import asyncio
import json
import math
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import aiomqtt
import pytest

from twin_adapters.mqtt_settings import MqttSettings
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Message
from twin_runtime.errors import ConnectionFailed
from twin_simulators.broker import PROTOCOL, embedded_broker
from twin_simulators.faults import Delay, Duplicates, Loss
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

EPOCH = 1_700_000_000 * SECOND


def settings(address: str) -> MqttSettings:
    return MqttSettings(broker=address, client_id="asset", protocol=PROTOCOL)


def subscriber(address: str) -> aiomqtt.Client:
    parts = urlsplit(address)
    return aiomqtt.Client(parts.hostname or "", parts.port or 0, protocol=aiomqtt.ProtocolVersion.V311)


async def receive(client: aiomqtt.Client, count: int) -> list[tuple[str, bytes]]:
    received: list[tuple[str, bytes]] = []
    async for message in client.messages:
        received.append((str(message.topic), bytes(message.payload)))
        if len(received) == count:
            break
    return received


async def test_everything_that_a_patient_sends_arrives() -> None:
    faults = [Delay(mean="20 ms"), Loss(share=0.02), Duplicates(share=0.02, after="50 ms")]
    sent = transmit(Patient().simulate(8, seed=1), faults, twin="patient-1", seed=1)
    messages = list(sent.messages(EPOCH))
    async with embedded_broker() as address, subscriber(address) as client:
        await client.subscribe("patient-1/#", qos=1)
        published, received = await asyncio.gather(
            publish(iter(messages), settings(address), origin=EPOCH, speed=20), receive(client, len(messages))
        )
    assert published == len(messages)
    assert Counter(received) == Counter((message.topic, message.payload) for message in messages)


async def test_each_address_is_free_and_on_loopback() -> None:
    async with embedded_broker() as one, embedded_broker() as other:
        assert one != other
        assert urlsplit(one).hostname == urlsplit(other).hostname == "127.0.0.1"


async def test_a_broker_that_stopped_is_gone_and_leaves_no_task() -> None:
    before = len(asyncio.all_tasks())
    async with embedded_broker() as address:
        await publish([Message("patient-1/abp", b"1", EPOCH)], settings(address), origin=EPOCH)
    assert len(asyncio.all_tasks()) == before
    with pytest.raises(ConnectionFailed, match="remedy"):
        await publish([Message("patient-1/abp", b"1", EPOCH)], settings(address), origin=EPOCH)


async def test_a_broker_stops_under_a_connected_client() -> None:
    async with embedded_broker() as address:
        client = subscriber(address)
        await client.__aenter__()
    with suppress(aiomqtt.MqttError):  # it cannot disconnect properly any more
        await client.__aexit__(None, None, None)
    with pytest.raises(aiomqtt.MqttError):
        await client.messages.__anext__()


async def test_a_sender_survives_the_broker_going_away() -> None:
    """The broker is replaced in the middle; the readings sent meanwhile wait for the new one."""
    sent = transmit(Patient().simulate(2, seed=1), twin="patient-1", seed=1, channels=["abp"])
    quick = settings("mqtt://127.0.0.1:1").model_copy(update={"retry_min": SECOND // 20, "timeout": SECOND})
    async with embedded_broker() as address:
        port = urlsplit(address).port or 0
        at_home = quick.model_copy(update={"broker": address})
        sending = asyncio.create_task(publish(sent.messages(EPOCH), at_home, origin=EPOCH, speed=2))
        await asyncio.sleep(0.5)
    async with embedded_broker(port) as address, subscriber(address) as client:
        await client.subscribe("patient-1/#", qos=1)
        assert await sending == len(sent)
        last = int(sent.packets.sequence[-1])
        async for message in client.messages:
            if json.loads(bytes(message.payload))["seq"] == last:
                break


async def test_a_sender_gives_up_on_a_broker_that_stays_away() -> None:
    sent = transmit(Patient().simulate(60, seed=1), twin="patient-1", seed=1)
    async with embedded_broker() as address:
        hasty = settings(address).model_copy(update={"retry_min": SECOND // 20, "timeout": SECOND})
        sending = asyncio.create_task(publish(sent.messages(EPOCH), hasty, origin=EPOCH, patience=SECOND // 5))
        await asyncio.sleep(0.2)
    with pytest.raises(ConnectionFailed, match="remedy"):
        await sending


async def test_as_fast_as_the_broker_takes_it_is_faster_than_real_time() -> None:
    sent = transmit(Patient().simulate(20, seed=1), twin="patient-1", seed=1, channels=["abp"])
    async with embedded_broker() as address:
        async with asyncio.timeout(15):
            assert await publish(sent.messages(EPOCH), settings(address), origin=EPOCH, speed=math.inf) == 2500
