"""The other side of a conversation with a broker: publishers, and sources read to a given number of messages."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from tests.servers import Server
from twin_adapters.mqtt import MqttSettings
from twin_adapters.mqtt_connection import Connection, Publication
from twin_runtime.core import Message, Source

TOPIC = "patient-1/abp"


def settings(server: Server, **changes: object) -> MqttSettings:
    """Settings for a client of that broker that is quick to try again."""
    table = {
        "broker": f"mqtt://127.0.0.1:{server.port}",
        "client_id": "twin",
        "retry_min": "50 ms",
        "retry_max": "200 ms",
    }
    return MqttSettings.model_validate({**table, **changes})


async def publish(server: Server, payloads: Iterable[bytes], topic: str = TOPIC, **changes: object) -> None:
    """Publish at QoS 1 and return when the broker has it all."""
    publisher = Connection(settings(server, client_id="sensor", **changes), resume=False)
    await publisher.open()
    try:
        await publisher.publish([Publication(topic, payload) for payload in payloads])
    finally:
        await publisher.close()


async def receive(source: Source, count: int) -> list[Message]:
    """The next messages of a source, so many at least, none of them acknowledged."""
    received: list[Message] = []
    async with asyncio.timeout(30):
        async for batch in source.batches():
            received += batch
            if len(received) >= count:
                break
    return received


async def all_received(source: Source, quiet: float = 0.3) -> list[Message]:
    """What has come until nothing more comes for so many seconds."""
    messages: list[Message] = []

    async def collect() -> None:
        async for batch in source.batches():
            messages.extend(batch)

    collecting, count = asyncio.create_task(collect()), -1
    while count < len(messages):
        count = len(messages)
        await asyncio.sleep(quiet)
    collecting.cancel()
    await asyncio.wait({collecting})
    return messages


async def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came about")


def payloads(messages: Sequence[Message]) -> list[bytes]:
    """What they contain, in order."""
    return [message.payload for message in messages]


def numbers(first: int, beyond: int) -> list[bytes]:
    """Payloads with their own numbers."""
    return [str(number).encode() for number in range(first, beyond)]
