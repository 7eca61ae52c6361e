"""A source between a broker, a sensor and a store: what it must never lose, and how it comes back."""

import asyncio
import logging
import random
import socket
import sys
import time
from asyncio.subprocess import create_subprocess_exec
from functools import partial
from pathlib import Path

import pytest

from tests.adapters.talking import TOPIC, all_received, eventually, numbers, payloads, publish, receive, settings
from tests.servers import Server, free_port, mosquitto
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection, Publication
from twin_runtime.core import Message
from twin_runtime.errors import ConnectionFailed

PROTOCOLS = pytest.mark.parametrize("protocol", [4, 5])

NOBODY_SUBSCRIBES = """{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true,
"subscribe": false, "unsubscribe": true}}"""


@PROTOCOLS
async def test_messages_come_whole_and_in_order(broker: Server, protocol: int) -> None:
    before = time.time_ns()
    async with MqttSource(settings(broker, protocol=protocol), ["+/abp"]) as source:
        await publish(broker, numbers(0, 500), protocol=protocol)
        messages = await receive(source, 500)
    assert payloads(messages) == numbers(0, 500)
    assert {message.topic for message in messages} == {TOPIC}
    assert before < messages[0].arrival <= messages[-1].arrival < time.time_ns()


@PROTOCOLS
async def test_what_was_not_acknowledged_comes_again(broker: Server, protocol: int) -> None:
    async with MqttSource(settings(broker, protocol=protocol), ["#"]) as source:
        await publish(broker, numbers(0, 10))
        messages = await receive(source, 10)
        await source.acknowledge(messages[:4])
    async with MqttSource(settings(broker, protocol=protocol), ["#"]) as source:
        again = await receive(source, 6)
        assert payloads(again) == numbers(4, 10)
        await source.acknowledge(again)
    async with MqttSource(settings(broker, protocol=protocol), ["#"]) as source:
        assert not await all_received(source)


async def test_many_topics_come_by_one_subscription(broker: Server) -> None:
    topics = [f"patient-{number}/abp" for number in range(1000)]
    async with MqttSource(settings(broker, subscribe=["+/abp"]), topics) as source:
        assert source.topics == ("+/abp",)
        await publish(broker, numbers(0, 5))
        assert payloads(await receive(source, 5)) == numbers(0, 5)


async def test_the_broker_holds_what_is_published_while_nobody_listens(broker: Server) -> None:
    async with MqttSource(settings(broker), ["#"]):
        pass
    await publish(broker, numbers(0, 2000))
    async with MqttSource(settings(broker), ["#"]) as source:
        assert payloads(await receive(source, 2000)) == numbers(0, 2000)


async def test_at_qos_0_there_is_nothing_to_acknowledge(broker: Server) -> None:
    async with MqttSource(settings(broker), ["$SYS/broker/version"]) as source:  # mosquitto says it at QoS 0 or 2
        messages = await receive(source, 1)
        await source.acknowledge([*messages, Message("by hand", b"", 0)])


async def test_a_retained_reading_is_not_sent_again_to_one_who_reconnects(broker: Server) -> None:
    async with MqttSource(settings(broker), ["$SYS/broker/version"]) as source:
        await source.acknowledge(await receive(source, 1))
    async with MqttSource(settings(broker), ["$SYS/broker/version"]) as source:
        assert not await all_received(source)


@PROTOCOLS
async def test_the_session_survives_a_restart_of_the_broker(
    broker: Server, protocol: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "twin_adapters")
    async with MqttSource(settings(broker, protocol=protocol), ["#"]) as source:
        await publish(broker, numbers(0, 20))
        old = await receive(source, 20)
        await source.acknowledge(old[:15])
        await asyncio.sleep(0.2)  # the broker hears the acknowledgements, then goes
        broker.stop()
        broker.start()
        listening = asyncio.create_task(receive(source, 8))
        await publish(broker, numbers(20, 23))
        new = await listening
        assert sorted(map(int, payloads(new))) == list(range(15, 23))
        await source.acknowledge(old)  # of an earlier connection: no effect, no error
        await source.acknowledge(new)
        assert not await all_received(source)
    lines = [record.message for record in caplog.records]
    assert [line.split(":")[0].split(" ")[0] for line in lines] == ["connected", "lost", "connected"]
    assert "the session goes on" in lines[-1]


async def test_each_change_of_state_is_reported_once(broker: Server, caplog: pytest.LogCaptureFixture) -> None:
    async with MqttSource(settings(broker), ["#"]) as source:
        broker.stop()
        listening = asyncio.create_task(receive(source, 1))
        await asyncio.sleep(0.8)  # four attempts at least: after 50, 100, 200 and 200 ms
        broker.start()
        await publish(broker, [b"1"])
        await listening
    away = [record for record in caplog.records if "nothing listens there" in record.message]
    assert len(away) == 1


async def test_a_session_that_the_broker_lost_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    forgetful = ["allow_anonymous true", "persistence false"]
    with mosquitto(tmp_path, forgetful) as server:
        async with MqttSource(settings(server), ["#"]) as source:
            server.stop()
            server.start()
            listening = asyncio.create_task(receive(source, 1))
            await eventually(lambda: "forgotten the session" in caplog.text)
            await publish(server, [b"after"])
            assert payloads(await listening) == [b"after"]


async def test_a_full_window_stops_reading(broker: Server) -> None:
    async with MqttSource(settings(broker, window=50), ["#"]) as source:
        await publish(broker, numbers(0, 500))
        first = await receive(source, 50)
        assert not await all_received(source)
        assert payloads(first) == numbers(0, 50)
        received, waiting = list(first), list(first)
        while len(received) < 500:
            await source.acknowledge(waiting)
            waiting = await receive(source, 1)
            assert len(waiting) <= 50
            received += waiting
    assert payloads(received) == numbers(0, 500)


async def test_a_backlog_larger_than_the_window_is_no_deadlock(broker: Server) -> None:
    async with MqttSource(settings(broker), ["#"]):
        pass
    await publish(broker, numbers(0, 300))
    received: list[bytes] = []
    async with MqttSource(settings(broker, window=20), ["#"]) as source:
        while len(received) < 300:
            batch = await receive(source, 1)
            received += payloads(batch)
            await source.acknowledge(batch)
    assert received == numbers(0, 300)


async def test_acknowledging_twice_is_harmless(broker: Server) -> None:
    async with MqttSource(settings(broker), ["#"]) as source:
        await publish(broker, numbers(0, 3))
        messages = await receive(source, 3)
        await source.acknowledge(messages)
        await source.acknowledge(messages)
        await publish(broker, numbers(3, 6))
        assert payloads(await receive(source, 3)) == numbers(3, 6)
    async with MqttSource(settings(broker), ["#"]) as source:
        assert payloads(await receive(source, 3)) == numbers(3, 6)


async def test_leaving_a_source_ends_its_batches(broker: Server) -> None:
    source = MqttSource(settings(broker), ["#"])
    async with source:
        reading = asyncio.create_task(receive(source, 1))
        await asyncio.sleep(0.05)
    assert await asyncio.wait_for(reading, 5) == []


def refusing(folder: Path) -> list[str]:
    """Configuration of a broker where nobody may subscribe; its ordinary access list only keeps messages back."""
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("needs mosquitto's plugin for dynamic security, of the Debian package mosquitto")
    (folder / "rights.json").write_text(NOBODY_SUBSCRIBES)
    return ["allow_anonymous true", f"plugin {plugin}", f"plugin_opt_config_file {folder / 'rights.json'}"]


async def test_a_refused_subscription_is_an_error(tmp_path: Path) -> None:
    refusal = r"refuses 2 of 2 subscriptions \(a/\+, b\): Not authorized; remedy: allow"
    with mosquitto(tmp_path / "data", refusing(tmp_path)) as server, pytest.raises(ConnectionFailed, match=refusal):
        await MqttSource(settings(server), ["a/+", "b"]).__aenter__()


async def test_a_slow_broker_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        patience = settings(Server((), mute.getsockname()[1], Path()), timeout="300 ms")
        with pytest.raises(ConnectionFailed, match=r"no answer .*wants TLS.* keeps silent"):
            await MqttSource(patience, ["#"]).__aenter__()


async def test_a_source_gives_up_at_once_where_it_never_was() -> None:
    nobody = settings(Server((), free_port(), Path()))
    with pytest.raises(ConnectionFailed, match=r"nothing listens there .*remedy: start the broker"):
        await MqttSource(nobody, ["#"]).__aenter__()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(broker: Server, tmp_path: Path) -> None:
    journal, chance = tmp_path / "journal", random.Random(7)
    command = [
        sys.executable,
        str(Path(__file__).with_name("consumer.py")),
        f"mqtt://127.0.0.1:{broker.port}",
        str(journal),
    ]
    async with MqttSource(settings(broker), ["#"]):
        pass
    stop = asyncio.Event()
    publishing = asyncio.create_task(_publish_until(stop, broker))
    for _ in range(3):
        consumer = await create_subprocess_exec(*command)
        await eventually(partial(_larger, journal, _size(journal)))
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        consumer.kill()
        await consumer.wait()
    stop.set()
    published = set(numbers(0, await publishing))
    consumer = await create_subprocess_exec(*command)
    await eventually(lambda: set(journal.read_bytes().split()) == published)
    consumer.kill()
    await consumer.wait()


async def _publish_until(stop: asyncio.Event, broker: Server) -> int:
    count = 0
    while not stop.is_set():
        await publish(broker, numbers(count, count + 50))
        count += 50
        await asyncio.sleep(0.05)
    return count


def _larger(path: Path, size: int) -> bool:
    return _size(path) > size


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def test_a_message_too_large_to_read_does_not_reach_the_process(broker: Server) -> None:
    """Mosquitto drops it, as MQTT 5 says (3.1.2.11.4): those before and after it come."""
    async with MqttSource(settings(broker), ["#"]) as source:
        await publish(broker, [b"1", b"x" * 5_000_000, b"2"])
        assert payloads(await receive(source, 2)) == [b"1", b"2"]
        assert not await all_received(source)


async def test_unacknowledged_payloads_are_bounded_in_bytes(broker: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_adapters.mqtt_connection.BYTES_IN_FLIGHT", 100_000)
    sent = [b"%04d" % number + b"x" * 9996 for number in range(100)]
    async with MqttSource(settings(broker), ["#"]) as source:
        await publish(broker, sent)
        first = await all_received(source)
        assert 10 <= len(first) < 30
        received = payloads(first)
        await source.acknowledge(first)
        while len(received) < 100:
            batch = await receive(source, 1)
            received += payloads(batch)
            await source.acknowledge(batch)
    assert received == sent


async def test_of_two_clients_with_one_name_one_gives_up(broker: Server) -> None:
    """Mosquitto 2.0.11 ends the connection of the first without a reason; each would take the session back for ever."""
    async with MqttSource(settings(broker), ["#"]) as first, MqttSource(settings(broker), ["#"]) as second:
        reading = [asyncio.create_task(receive(source, 10**9)) for source in (first, second)]
        ended, going = await asyncio.wait(reading, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        [error] = [task.exception() for task in ended]
        assert isinstance(error, ConnectionFailed)
        assert "another client called 'twin' has taken the session" in str(error)
        for task in going:
            task.cancel()
        await asyncio.wait(going)


@PROTOCOLS
async def test_a_retained_message_is_told_from_one_that_is_new(broker: Server, protocol: int) -> None:
    publisher = Connection(settings(broker, client_id="sensor"), resume=False)
    await publisher.open()
    await publisher.publish([Publication(TOPIC, b"1", retain=True)])
    async with MqttSource(settings(broker, protocol=protocol), [TOPIC]) as source:
        [kept] = await receive(source, 1)
        await publisher.publish([Publication(TOPIC, b"2")])
        [new] = await receive(source, 1)
    await publisher.close()
    assert [(message.payload, message.retained) for message in (kept, new)] == [(b"1", True), (b"2", False)]
