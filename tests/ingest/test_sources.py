"""Several sources as one: what fails at one does not stop the others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Self

import pytest

from twin_runtime.core import Message, Source
from twin_runtime.errors import ConfigError, ConnectionFailed
from twin_runtime.ingest.sources import Sources
from twin_runtime.testing import MemorySource

QUICK = 0.01


def message(topic: str, number: int = 0) -> Message:
    return Message(topic, str(number).encode(), number, token=number)


class Broken:
    """A source that cannot be entered so many times, and fails with these errors, one each time it is read."""

    def __init__(self, *errors: Exception, closed: int = 0) -> None:
        self.errors, self.closed, self.entered = list(errors), closed, 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        if self.entered <= self.closed:
            raise ConnectionFailed("nothing listens there", where="broken")
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def batches(self) -> AsyncIterator[list[Message]]:
        if self.errors:
            raise self.errors.pop(0)
        yield [message("late")]
        await asyncio.Event().wait()

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        raise RuntimeError("cannot")


def both(first: Source, second: Source) -> Sources:
    return Sources({"mqtt": ("", first), "opcua": ("opcua:", second)}, pause=QUICK)


async def taken(sources: Sources, count: int) -> list[Message]:
    messages: list[Message] = []
    async with asyncio.timeout(5):
        async for batch in sources.batches():
            messages += batch
            await sources.acknowledge(batch)
            if len(messages) >= count:
                break
    return messages


async def test_all_messages_come_and_each_source_is_told_of_its_own() -> None:
    ours = [[message("a", 1), message("b", 2)], [message("a", 3)]]
    plain, other = MemorySource(ours), MemorySource([[message("x", 4)], [message("y", 5)]])
    async with both(plain, other) as sources:
        messages = await taken(sources, 5)
    assert sorted(m.topic for m in messages) == ["a", "a", "b", "opcua:x", "opcua:y"]
    assert [m.token for m in plain.acknowledged] == [1, 2, 3]
    assert [m.token for m in other.acknowledged] == [4, 5]


async def test_nothing_more_is_read_until_a_batch_has_been_taken() -> None:
    read: list[int] = []

    def batches() -> list[list[Message]]:
        return [[message("a", k)] for k in range(100)]

    class Counting(MemorySource):
        async def batches(self) -> AsyncIterator[list[Message]]:
            async for batch in super().batches():
                read.append(batch[0].arrival)
                yield batch

    async with both(Counting(batches()), MemorySource([])) as sources:
        first = await anext(sources.batches())
        await asyncio.sleep(0.05)
        assert first[0].arrival == 0
        assert len(read) <= 3
        assert sources.unread


async def test_a_source_that_cannot_be_reached_at_the_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with both(MemorySource([[message("a")]]), Broken(closed=3)) as sources:
        assert not sources.connected
        messages = await taken(sources, 2)
        assert [m.topic for m in messages] == ["a", "opcua:late"]
        assert sources.connected
    assert "nothing listens there; it is tried again, and the other sources go on" in caplog.text


async def test_where_none_can_be_reached_the_start_fails() -> None:
    with pytest.raises(ConnectionFailed, match="nothing listens there"):
        async with both(Broken(closed=1), Broken(closed=1)):
            pass


async def test_a_mistake_in_the_configuration_of_one_is_not_waited_for() -> None:
    class Mistaken(Broken):
        async def __aenter__(self) -> Self:
            raise ConfigError("no such file")

    with pytest.raises(ConfigError, match="no such file"):
        async with both(MemorySource([]), Mistaken()):
            pass


async def test_a_source_with_a_fault_of_its_own_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(KeyError("mqtt://user:hunter2@host"), ValueError("no"))
    async with both(MemorySource([[message("a")]]), broken) as sources:
        assert [m.topic for m in await taken(sources, 2)] == ["a", "opcua:late"]
    assert broken.entered == 3
    assert "it is opened again, and the other sources go on" in caplog.text
    assert "hunter2" not in caplog.text
    assert "opcua: cannot acknowledge: RuntimeError('cannot')" in caplog.text


async def test_a_source_that_gives_up_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    gone = Broken(ConnectionFailed("another client has taken the session"))
    async with both(MemorySource([[message("a")]], pause=0.05), gone) as sources:
        assert [m.topic for m in await taken(sources, 1)] == ["a"]
        assert sources.connected, "what is given up is not waited for"
    assert "another client has taken the session; it is given up, and the other sources go on" in caplog.text


async def test_the_last_one_that_gives_up_ends_the_run() -> None:
    lost = [Broken(ConnectionFailed(name)) for name in ("one", "two")]
    async with both(*lost) as sources:
        with pytest.raises(ConnectionFailed):
            await taken(sources, 1)
