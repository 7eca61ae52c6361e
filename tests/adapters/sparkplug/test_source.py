"""Sparkplug over a real broker, with an edge node that answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.adapters.sparkplug.edge import Edge, now
from tests.adapters.talking import eventually, publish, settings
from tests.servers import Server
from twin_adapters.mqtt_connection import Connection
from twin_adapters.sparkplug import SparkplugSettings, SparkplugSource
from twin_runtime.core import Code, Message
from twin_runtime.errors import ConnectionFailed
from twin_runtime.ingest.decode import decode

TOPIC = "plant/edge-1/boiler/Temperatures/outlet"


def sparkplug(server: Server, **changes: object) -> SparkplugSettings:
    table = {
        "broker": f"mqtt://127.0.0.1:{server.port}",
        "client_id": "twin",
        "retry_min": "50 ms",
        "retry_max": "200 ms",
        "confirm": "0 s",
    }
    return SparkplugSettings.model_validate(table | changes)


@asynccontextmanager
async def receiving(server: Server, **changes: object) -> AsyncIterator[list[Message]]:
    """All that a source yields, acknowledged as it comes."""
    messages: list[Message] = []

    async def take() -> None:
        async for batch in source.batches():
            messages.extend(batch)
            await source.acknowledge(batch)

    async with SparkplugSource(sparkplug(server, **changes), [TOPIC]) as source:
        taking = asyncio.create_task(take())
        yield messages
        taking.cancel()
        await asyncio.wait({taking})


def values(messages: list[Message]) -> list[float]:
    """Different ones, in order: a birth may come twice, for us and for others."""
    return list(dict.fromkeys(decode(m.payload)[0].value for m in messages if m.refusal is None))


def codes(messages: list[Message]) -> list[Code]:
    return [m.refusal[0] for m in messages if m.refusal is not None]


def has(messages: list[Message], value: float) -> Callable[[], bool]:
    return lambda: value in values(messages)


async def test_births_are_asked_for_at_the_start_and_values_come_by_alias(broker: Server) -> None:
    async with Edge(broker, ["Temperatures/outlet", "Pressure"]) as edge, receiving(broker) as messages:
        await eventually(lambda: edge.asked == 1 and len(messages) > 0)
        edge.send(**{"Temperatures/outlet": 21.5, "Pressure": 3.0})
        await eventually(has(messages, 21.5))
        assert {m.topic for m in messages} == {TOPIC}
        assert values(messages) == [1.0, 21.5]


async def test_a_lost_message_is_noticed_and_births_are_asked_for(broker: Server) -> None:
    async with Edge(broker, ["Temperatures/outlet"]) as edge, receiving(broker) as messages:
        await eventually(lambda: edge.asked == 1 and len(messages) > 0)
        edge.lose()
        edge.send(**{"Temperatures/outlet": 5.0})
        await eventually(lambda: edge.asked == 2)
        edge.send(**{"Temperatures/outlet": 6.0})
        await eventually(has(messages, 6.0))
        assert codes(messages) == [Code.UNKNOWN_SIGNAL]
        assert values(messages) == [1.0, 5.0, 6.0], "the value that could not be resolved comes with the birth"


async def test_births_are_not_asked_for_where_that_is_not_allowed(broker: Server) -> None:
    async with Edge(broker, ["Temperatures/outlet"]) as edge, receiving(broker, rebirth=False) as messages:
        edge.send(**{"Temperatures/outlet": 5.0})
        await eventually(lambda: len(messages) > 0)
        assert (codes(messages), edge.asked) == ([Code.UNKNOWN_SIGNAL], 0)


async def test_a_death_makes_the_value_stale_and_the_next_birth_gives_it_back(broker: Server) -> None:
    edge = Edge(broker, ["Temperatures/outlet"])
    async with receiving(broker) as messages:
        async with edge:
            await eventually(has(messages, 1.0))
            await edge.die()
            await eventually(lambda: Code.BAD_QUALITY in codes(messages))
        edge.values["Temperatures/outlet"] = 2.0
        async with edge:
            await eventually(has(messages, 2.0))


async def test_a_broker_that_restarts_is_connected_to_again_and_asked_for_births(broker: Server) -> None:
    async with receiving(broker) as messages:
        async with Edge(broker, ["Temperatures/outlet"]):
            await eventually(has(messages, 1.0))
        broker.stop()
        broker.start()
        async with Edge(broker, ["Temperatures/outlet"]) as edge:
            await eventually(lambda: edge.asked > 0)
            edge.send(**{"Temperatures/outlet": 7.0})
            await eventually(has(messages, 7.0))


async def test_what_has_not_changed_is_confirmed_while_its_node_lives(broker: Server) -> None:
    async with Edge(broker, ["Temperatures/outlet"]) as edge, receiving(broker, confirm="100 ms") as messages:
        await eventually(lambda: edge.asked == 1 and len(messages) > 5)
        samples = [decode(m.payload)[0] for m in messages]
        assert samples[-1].unchanged
        assert samples[-1].value == 1.0
        assert abs((samples[-1].time or 0) / 1e6 - now()) < 1000
        await edge.die()
        await eventually(lambda: Code.BAD_QUALITY in codes(messages))
        count = len(messages)
        await asyncio.sleep(0.3)
        assert len(messages) == count


async def test_a_primary_host_says_that_it_is_there_and_that_it_leaves(broker: Server) -> None:
    watcher = Connection(settings(broker, client_id="watcher"), resume=False)
    await watcher.open()
    await watcher.subscribe(["spBv1.0/STATE/+"])
    states: list[bool] = []
    try:
        async with receiving(broker, host_id="twin"):
            await eventually(lambda: heard(watcher, states) == [True])
        await eventually(lambda: heard(watcher, states)[:2] == [True, False])  # its will may follow
    finally:
        await watcher.close()


def heard(connection: Connection, states: list[bool]) -> list[bool]:
    states += [json.loads(message.payload)["online"] for message in connection.take()]
    return states


async def test_no_more_is_read_than_the_window_holds(broker: Server) -> None:
    """At QoS 0 the broker waits for nobody: what is not read must wait in the sockets, not in memory."""
    own = sparkplug(broker, window=10)
    async with Edge(broker, ["Temperatures/outlet"]) as edge, SparkplugSource(own, [TOPIC]) as source:
        for number in range(100):
            edge.send(**{"Temperatures/outlet": float(number)})
        await eventually(lambda: source.unread)
        got: list[Message] = []
        async with asyncio.timeout(10):
            async for batch in source.batches():
                assert len(batch) <= 12
                got += batch
                await source.acknowledge(batch)
                if 99.0 in values(got):
                    break


async def test_a_message_that_makes_no_sense_is_kept_with_the_reason(broker: Server) -> None:
    node = "spBv1.0/plant/NDATA/edge-1"
    async with receiving(broker) as messages:
        await publish(broker, [b'{"value": 1}'], node)
        await publish(broker, [b"\xff"], f"{node}/boiler/too/deep")
        await publish(broker, [b"\x12\x03\x0a\x01\xff", b"\xff"], node)  # a name that is not UTF-8 is not ours
        await eventually(lambda: len(messages) == 2)
        assert codes(messages) == [Code.WRONG_SHAPE, Code.WRONG_SHAPE]
        assert [m.topic for m in messages] == [node, node]
        assert messages[0].payload == b'{"value": 1}'


async def test_a_broker_that_is_not_there_is_reported_at_the_start(broker: Server) -> None:
    broker.stop()
    with pytest.raises(ConnectionFailed, match="nothing listens there"):
        async with SparkplugSource(sparkplug(broker), [TOPIC]):
            pass
