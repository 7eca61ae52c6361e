import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.store.making import IDENTITY, record
from twin_runtime.errors import ConnectionFailed
from twin_runtime.store.outbox import Backoff, Delivery, drain, forward
from twin_runtime.store.store import Store
from twin_runtime.store.writer import Writer
from twin_runtime.testing import MemorySink

QUICK = Backoff(first=0.001, longest=0.004)


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    with Store.create_or_open(tmp_path / "ward.db", IDENTITY) as store:
        async with Writer(store) as writer:
            yield writer


@asynccontextmanager
async def forwarding(writer: Writer, sink: MemorySink, delivery: Delivery | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(
        forward(writer.store.path, writer, sink, delivery=delivery, batch=4, backoff=QUICK), name="forward"
    )
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    pytest.fail("waited in vain")


def ticks(sink: MemorySink) -> list[int]:
    return [estimate.tick for estimate in sink.received if estimate.twin == "patient-1"]


async def test_a_sink_gets_what_was_written_before_it_came_and_what_is_written_after(writer: Writer) -> None:
    sink = MemorySink()
    await writer.submit(records=[record(tick) for tick in range(10)])
    async with forwarding(writer, sink):
        await until(lambda: len(sink.received) == 20)
        await writer.submit(records=[record(10)])
        await until(lambda: len(sink.received) == 22)
    assert ticks(sink) == list(range(11))


async def test_a_sink_goes_on_where_it_was(writer: Writer) -> None:
    await writer.submit(records=[record(0)])
    assert await drain(writer.store.path, writer, MemorySink()) == 2
    await writer.submit(records=[record(1)])
    sink = MemorySink()
    assert await drain(writer.store.path, writer, sink) == 2
    assert ticks(sink) == [1]
    assert await drain(writer.store.path, writer, sink) == 0


async def test_every_sink_has_a_cursor_of_its_own(writer: Writer) -> None:
    await writer.submit(records=[record(0)])
    first, second = MemorySink("influx"), MemorySink("mqtt")
    await drain(writer.store.path, writer, first)
    await drain(writer.store.path, writer, second)
    assert ticks(first) == ticks(second) == [0]


async def test_nothing_is_lost_while_a_sink_is_down(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    sink, delivery = MemorySink(failures=7), Delivery()
    await writer.submit(records=[record(tick) for tick in range(10)])
    with caplog.at_level(logging.INFO):
        async with forwarding(writer, sink, delivery):
            await until(lambda: delivery.failed >= 2)
            assert "are to fail" in delivery.error
            await writer.submit(records=[record(10)])
            await until(lambda: len(sink.received) == 22)
    assert ticks(sink) == list(range(11))
    assert (delivery.sent, delivery.failed, delivery.in_a_row, delivery.error) == (22, 7, 0, "")
    assert [line.getMessage().split(":")[0] for line in caplog.records] == [
        "memory failed, estimates wait in the store",
        "memory is back after 7 failed attempts",
    ]


class Surly(MemorySink):
    """Cannot be entered at first, then fails in ways that no one foresaw, halfway."""

    entered = 0

    async def __aenter__(self) -> "Surly":
        self.entered += 1
        if self.entered < 3:
            raise ConnectionFailed("not yet")
        return self

    async def send(self, estimates: object) -> None:
        await super().send(estimates[:1])  # type: ignore[index]
        if self.entered < 5:
            raise KeyError("a mistake of its author")


async def test_whatever_goes_wrong_in_a_sink_is_tried_again_from_its_cursor(writer: Writer) -> None:
    sink, delivery = Surly(), Delivery()
    await writer.submit(records=[record(0, rows=(0,))])
    async with forwarding(writer, sink, delivery):
        await until(lambda: delivery.sent == 1)
    assert (delivery.failed, sink.entered) == (4, 5)
    assert ticks(sink) == [0, 0, 0]


async def test_draining_says_what_went_wrong(writer: Writer) -> None:
    await writer.submit(records=[record(0)])
    with pytest.raises(ConnectionFailed):
        await drain(writer.store.path, writer, MemorySink(failures=1))
    assert writer.store.cursor("memory") == 0


def test_pauses_double_up_to_a_bound() -> None:
    pauses = [Backoff(0.5, 30.0).pause(failures) for failures in (1, 2, 3, 6, 7, 5000)]
    assert pauses == [0.5, 1.0, 2.0, 16.0, 30.0, 30.0]
