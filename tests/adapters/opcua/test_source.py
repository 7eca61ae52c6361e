"""OPC UA with a real server: changes, status, times, restarts, certificates."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from asyncua import ua

from tests.adapters.opcua.plant import URI, Plant, opcua
from tests.adapters.talking import eventually
from tests.servers import free_port
from twin_adapters.opcua import OpcuaSource
from twin_runtime.core import Code, Message
from twin_runtime.errors import ConfigError, ConnectionFailed
from twin_runtime.ingest.decode import decode

BOILER, LEVEL, PUMP, MODE = (
    "ns=2;s=Boiler.Temperature",
    f"nsu={URI};s=Boiler.Level",
    "ns=2;s=Pump#1",
    "ns=2;s=Boiler.Mode",
)


@asynccontextmanager
async def receiving(plant: Plant, topics: Sequence[str] = (BOILER,), **changes: object) -> AsyncIterator[list[Message]]:
    """All that a source yields, acknowledged as it comes."""
    messages: list[Message] = []

    async def take() -> None:
        async for batch in source.batches():
            messages.extend(batch)
            await source.acknowledge(batch)

    async with OpcuaSource(opcua(plant, **changes), topics) as source:
        taking = asyncio.create_task(take())
        yield messages
        taking.cancel()
        await asyncio.wait({taking})


def values(messages: Sequence[Message], topic: str = BOILER) -> list[float]:
    return [decode(m.payload)[0].value for m in messages if m.refusal is None and m.topic == topic]


def codes(messages: Sequence[Message]) -> list[Code]:
    return [m.refusal[0] for m in messages if m.refusal is not None]


def has(messages: Sequence[Message], value: float, topic: str = BOILER) -> Callable[[], bool]:
    return lambda: value in values(messages, topic)


async def test_changes_come_with_the_time_of_their_source(plant: Plant) -> None:
    measured = datetime.now(UTC).replace(microsecond=123_456) - timedelta(seconds=3)
    async with receiving(plant, (BOILER, LEVEL, PUMP)) as messages:
        await eventually(lambda: len(messages) == 3)
        plant.set("Boiler.Temperature", 21.5, at=measured)
        await eventually(has(messages, 21.5))
        assert decode(messages[-1].payload)[0].time == round(measured.timestamp() * 1e6) * 1000
        plant.set("Boiler.Level", 2)
        plant.set("Pump#1", value=True)
        await eventually(lambda: has(messages, 2.0, LEVEL)() and has(messages, 1.0, PUMP)())


async def test_what_is_no_reading_is_refused_with_its_reason(plant: Plant) -> None:
    async with receiving(plant, (BOILER, MODE)) as messages:
        await eventually(lambda: len(messages) == 2)
        plant.set("Boiler.Temperature", 2.0, int(ua.StatusCodes.BadSensorFailure))
        await eventually(lambda: codes(messages) == [Code.WRONG_TYPE, Code.BAD_QUALITY])
        assert values(messages) == [1.0]
        assert b"BadSensorFailure" in messages[-1].payload


async def test_a_value_that_has_not_changed_is_confirmed_unless_its_status_is_bad(plant: Plant) -> None:
    async with receiving(plant, confirm="100 ms") as messages:
        await eventually(lambda: len(messages) > 4)
        samples = [decode(message.payload)[0] for message in messages]
        assert [sample.unchanged for sample in samples[-2:]] == [True, True]
        assert [sample.unchanged for sample in samples[:2]] == [False, False], (
            "what was there is a reading of now, once"
        )
        assert abs((samples[-1].time or 0) / 1e9 - datetime.now(UTC).timestamp()) < 1.0
        plant.set("Boiler.Temperature", 1.0, int(ua.StatusCodes.BadNoCommunication))
        await eventually(lambda: Code.BAD_QUALITY in codes(messages))
        count = len(messages)
        await asyncio.sleep(0.3)
        assert len(messages) == count


async def test_nothing_more_is_asked_for_until_what_came_is_durable(plant: Plant) -> None:
    async with OpcuaSource(opcua(plant), [BOILER]) as source:
        batches = source.batches()
        first = await anext(batches)
        for value in (2.0, 3.0, 4.0):
            plant.set("Boiler.Temperature", value)
        assert source.unread
        following = asyncio.ensure_future(anext(batches))
        done, _ = await asyncio.wait({following}, timeout=0.3)
        assert not done
        await source.acknowledge(first)
        assert values(await following) == [2.0, 3.0, 4.0]


async def test_a_server_that_restarts_is_subscribed_to_again(plant: Plant) -> None:
    async with receiving(plant) as messages:
        await eventually(lambda: len(messages) > 0)
        await asyncio.to_thread(plant.stop)
        plant.start()
        plant.set("Boiler.Temperature", 7.0)
        await eventually(has(messages, 7.0))


async def test_what_changes_while_the_line_is_cut_is_not_lost(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Cut(plant.port) as line:
        through = plant.address.replace(str(plant.port), str(line.port))
        async with receiving(plant, server=through) as messages:
            await eventually(lambda: len(messages) > 0)
            line.cut()
            for value in (2.0, 3.0, 4.0):
                plant.set("Boiler.Temperature", value)
            await line.mend()
            await eventually(has(messages, 4.0))
    assert list(dict.fromkeys(values(messages))) == [1.0, 2.0, 3.0, 4.0]
    assert "the subscription goes on" in caplog.text


async def test_a_password_and_certificates_are_used(plant: Plant, tmp_path: Path) -> None:
    certificate, key = plant.certificate("client")
    secure = {
        "policy": "Basic256Sha256",
        "cert_file": certificate,
        "key_file": key,
        "server_cert_file": plant.certificate("server")[0],
        "username": "twin",
        "password_file": tmp_path / "password",
    }
    (tmp_path / "password").write_text("secret\n")
    async with receiving(plant, (BOILER,), **secure) as messages:
        await eventually(lambda: values(messages) == [1.0])
    (tmp_path / "password").write_text("wrong-hunter2")
    with pytest.raises(ConnectionFailed, match=r"refuses who we are .*; remedy: compare `username`") as refused:
        await opened(OpcuaSource(opcua(plant, **secure), [BOILER]))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"cannot use .*client"):
        await opened(OpcuaSource(opcua(plant, **secure | {"key_file": tmp_path / "password"}), [BOILER]))


async def test_a_user_may_have_a_certificate(plant: Plant) -> None:
    certificate, key = plant.certificate("client")
    before = plant.users.certified
    who = {"user_cert_file": certificate, "user_key_file": key}
    async with receiving(plant, (BOILER,), **who) as messages:
        await eventually(lambda: values(messages) == [1.0])
    assert plant.users.certified > before


async def test_a_new_time_alone_may_be_a_change(plant: Plant) -> None:
    async with receiving(plant, trigger="time") as messages, receiving(plant) as others:
        await eventually(lambda: bool(messages and others))
        plant.set("Boiler.Temperature", 1.0)
        await eventually(lambda: len(messages) == 2)
        assert len(others) == 1


# asyncua's server does not await the callback of a node that it deletes.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_node_that_comes_later_than_its_server_is_asked_for_again(plant: Plant) -> None:
    plant.add("Late")
    async with receiving(plant, (BOILER, "ns=2;s=Late"), timeout="500 ms", confirm="100 ms") as messages:
        await eventually(lambda: len(messages) >= 2)
        await asyncio.to_thread(plant.stop)
        plant.remove("Late")
        plant.start()
        plant.set("Boiler.Temperature", 7.0)
        await eventually(has(messages, 7.0))
        plant.add("Late")
        count = len(messages)
        await eventually(lambda: any(m.topic == "ns=2;s=Late" for m in messages[count:]))


async def test_another_server_than_the_one_that_is_trusted_is_not_talked_to(plant: Plant) -> None:
    certificate, key = plant.certificate("client")
    other = {"policy": "Basic256Sha256", "cert_file": certificate, "key_file": key, "server_cert_file": certificate}
    with pytest.raises(ConnectionFailed):
        await opened(OpcuaSource(opcua(plant, timeout="300 ms", **other), [BOILER]))


@pytest.mark.parametrize(
    ("topic", "reason"),
    [("ns=2;s=Boiler.Presure", "BadNodeIdUnknown"), ("nsu=http://other;s=A", "the server has no such namespace")],
)
async def test_a_node_that_is_not_there_stops_the_start(plant: Plant, topic: str, reason: str) -> None:
    with pytest.raises(ConnectionFailed, match=f"refuses 1 nodes .*{reason}.* remedy: compare the topics"):
        await opened(OpcuaSource(opcua(plant), [BOILER, topic]))


async def test_a_server_that_is_not_there_is_reported(plant: Plant) -> None:
    nowhere = opcua(plant).model_copy(update={"server": "opc.tcp://127.0.0.1:1"})
    with pytest.raises(ConnectionFailed, match="nothing listens there"):
        await opened(OpcuaSource(nowhere, [BOILER]))


class Cut:
    """A line to a port of this machine that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self.port, self._to = free_port(), port
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    def cut(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += [writer, back]
        with suppress(ConnectionError):
            await asyncio.gather(self._copied(reader, back), self._copied(there, writer))

    async def _copied(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)


async def opened(source: OpcuaSource) -> None:
    async with source:
        pass
