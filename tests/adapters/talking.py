"""The other side of a conversation with a broker: publishers, and sources read to a given number of messages."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from tests.servers import Server
from twin_adapters.mqtt import MqttSettings, MqttSource
from twin_adapters.mqtt_connection import Connection, Publication
from twin_runtime.core import Message

TOPIC = "patient-1/abp"


def settings(server: Server, **changes: Any) -> MqttSettings:
    """Settings for a client of that broker that is quick to try again."""
    table = {"broker": f"mqtt://127.0.0.1:{server.port}", "client_id": "twin", "retry_min": "50 ms", "retry_max": "200 ms"}
    return MqttSettings(**(table | changes))


async def publish(server: Server, payloads: Iterable[bytes], topic: str = TOPIC, **changes: Any) -> None:
    """Publish at QoS 1 and return when the broker has it all."""
    publisher = Connection(settings(server, client_id="sensor", **changes), resume=False)
    await publisher.open()
    try:
        await publisher.publish([Publication(topic, payload) for payload in payloads])
    finally:
        await publisher.close()


async def receive(source: MqttSource, count: int) -> list[Message]:
    """The next messages of a source, so many at least, none of them acknowledged."""
    received: list[Message] = []
    async with asyncio.timeout(30):
        async for batch in source.batches():
            received += batch
            if len(received) >= count:
                break
    return received


async def silence(source: MqttSource, seconds: float = 0.3) -> bool:
    """True if nothing comes for so long."""
    try:
        async with asyncio.timeout(seconds):
            await anext(aiter(source.batches()))
    except TimeoutError:
        return True
    return False


def payloads(messages: Sequence[Message]) -> list[bytes]:
    """What they say, in order."""
    return [message.payload for message in messages]


def numbers(first: int, beyond: int) -> list[bytes]:
    """Payloads that say which they are."""
    return [str(number).encode() for number in range(first, beyond)]
