"""Payloads as devices send them, published as they are to a real broker, end as the right readings."""

import asyncio
import json
from pathlib import Path

import aiomqtt

from tests.adapters.talking import receive
from tests.ingest.test_payloads import CASES, HEADER, STAMPED, TRAPS
from tests.servers import Server
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.config import load
from twin_runtime.core import SECOND, Code, Entry
from twin_runtime.ingest.router import Router
from twin_runtime.runs.assembly import assemble

NOW = "stamped on arrival"


def router_of(folder: Path, tables: str) -> Router:
    path = folder / "room.toml"
    path.write_text(HEADER + 'clock = "stream"\n' + tables + '[inputs.flow]\nunit = "mL/s"\n')
    return assemble(load(path)).router()


async def read_over(broker: Server, router: Router, topic: str, payload: object) -> list[Entry]:
    """What becomes of one message that a device publishes."""
    address = f"mqtt://127.0.0.1:{broker.port}"
    async with MqttSource(MqttSettings(broker=address, client_id="twin", session_expiry=0), router.topics) as source:
        async with aiomqtt.Client("127.0.0.1", broker.port) as device:
            await device.publish(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), 1)
        async with asyncio.timeout(10):
            messages = await receive(source, 1)
        await source.acknowledge(messages)
    return [entry for message in messages for entry in router.read(message)]


async def test_each_of_them_is_the_right_reading_of_the_right_time(broker: Server, tmp_path: Path) -> None:
    found: dict[str, list[tuple[int, float, object]]] = {}
    expected: dict[str, list[tuple[int, float, object]]] = {}
    for name, (tables, topic, payload, readings) in CASES.items():
        entries = await read_over(broker, router_of(tmp_path, tables), topic, payload)
        accepted = [(e.arrival, e.reading) for e in entries if e.code is Code.ACCEPTED and e.reading is not None]
        # A time long before the arrival is the sender's; one near it is that of arrival, or relative to it.
        found[name] = [
            (r.twin, round(r.value, 9), NOW if abs(at - r.time) < 60 * SECOND else (r.time - STAMPED) // SECOND)
            for at, r in accepted
        ]
        expected[name] = [(twin, value, NOW if after > 2 else after) for twin, value, after in readings]
    assert found == expected


async def test_what_is_no_reading_is_refused_over_the_broker_too(broker: Server, tmp_path: Path) -> None:
    for name, (tables, topic, payload, code) in TRAPS.items():
        router = router_of(tmp_path, tables)
        if code in (Code.UNKNOWN_TOPIC, Code.PAST):  # not subscribed; a matter of the wall clock
            continue
        [entry] = await read_over(broker, router, topic, payload)
        assert entry.code is code, (name, entry)
