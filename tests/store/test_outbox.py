import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.store.making import IDENTITY, record
from twin_runtime.core import StoredEstimate
from twin_runtime.errors import ConnectionFailed, EstimatesRefused, StoreError
from twin_runtime.store.outbox import ATTEMPTS, Backoff, Delivery, drain, forward
from twin_runtime.store.refused import refused_path
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


async def test_a_long_backlog_comes_whole_and_in_order(writer: Writer) -> None:
    sink = MemorySink()
    await writer.submit(records=[record(tick) for tick in range(100)])
    assert await drain(writer.store.path, writer, sink, batch=60) == 200
    assert [estimate.position for estimate in sink.received] == list(range(1, 201))


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


class Picky(MemorySink):
    """Refuses for good every batch with an estimate of some ticks in it."""

    def __init__(self, refused: set[int]) -> None:
        super().__init__()
        self.refused = refused

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        if self.refused & {estimate.tick for estimate in estimates}:
            raise EstimatesRefused("HTTP 422: as ever")
        await super().send(estimates)


async def test_what_is_refused_for_good_is_kept_aside_and_the_rest_goes_on(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    sink, delivery = Picky({3, 7}), Delivery()
    await writer.submit(records=[record(tick, rows=(0,)) for tick in range(10)])
    async with forwarding(writer, sink, delivery):
        await until(lambda: delivery.sent == 8)
    assert ticks(sink) == [0, 1, 2, 4, 5, 6, 8, 9]
    assert (delivery.refused, delivery.failed) == (2, 0)
    kept = [json.loads(line) for line in refused_path(writer.store.path).read_text().splitlines()]
    assert [(one["sink"], one["position"], one["error"]) for one in kept] == [
        ("memory", 4, "HTTP 422: as ever"),
        ("memory", 8, "HTTP 422: as ever"),
    ]
    assert "memory refused 1 estimates so far" in caplog.text


class Buggy(MemorySink):
    """Fails in a way that nobody foresaw on every batch with some ticks in it, and is of no use until it is left."""

    def __init__(self, failing: set[int]) -> None:
        super().__init__()
        self.failing, self.broken = failing, True

    async def __aenter__(self) -> "Buggy":
        self.broken = False
        return self

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        if self.broken:
            raise ConnectionFailed("broken by what was sent before")
        if self.failing & {estimate.tick for estimate in estimates}:
            self.broken = True
            raise KeyError("a mistake of its author")
        await super().send(estimates)


@pytest.mark.parametrize("failing", [{3}, {0}, {0, 1, 2, 3}, {2, 3, 4, 9}])
async def test_what_a_sink_always_fails_on_does_not_starve_the_rest(writer: Writer, failing: set[int]) -> None:
    sink, delivery = Buggy(failing), Delivery()
    await writer.submit(records=[record(tick, rows=(0,)) for tick in range(10)])
    async with forwarding(writer, sink, delivery):
        await until(lambda: writer.store.cursor("memory") == 10)
    assert sorted(set(ticks(sink))) == sorted(set(range(10)) - failing)
    assert (delivery.sent, delivery.refused) == (10 - len(failing), len(failing))
    kept = [json.loads(line) for line in refused_path(writer.store.path).read_text().splitlines()]
    assert [one["position"] - 1 for one in kept] == sorted(failing)
    assert {one["error"] for one in kept} == {"KeyError('a mistake of its author')"}


async def test_a_sink_that_fails_on_everything_loses_nothing(writer: Writer) -> None:
    sink, delivery = Buggy(set(range(20))), Delivery()
    await writer.submit(records=[record(tick, rows=(0,)) for tick in range(10)])
    async with forwarding(writer, sink, delivery):
        await until(lambda: delivery.failed > 2 * ATTEMPTS)
        assert (delivery.refused, writer.store.cursor("memory")) == (0, 0)
        sink.failing = set()
        await until(lambda: delivery.sent == 10)
    assert ticks(sink) == list(range(10))
    assert not refused_path(writer.store.path).exists()


async def test_the_loop_goes_on_while_a_refused_estimate_is_kept_aside(
    writer: Writer,
) -> None:
    """The list is a pipe that nobody reads: writing to it takes until somebody does."""
    path, delivery = refused_path(writer.store.path), Delivery()
    os.mkfifo(path)
    await writer.submit(records=[record(0, rows=(0,))])
    task = asyncio.create_task(forward(writer.store.path, writer, Picky({0}), delivery=delivery))
    for _ in range(30):
        await asyncio.sleep(0.001)
    assert (task.done(), delivery.refused) == (False, 0)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(StoreError, match="cannot be written"):  # nothing can be kept in a pipe
        await task
    os.close(reader)


class Moody(MemorySink):
    """Fails in another way now and then."""

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        self.attempts += 1
        if self.attempts <= 6:
            raise ConnectionFailed("away" if self.attempts <= 3 else f"no room at 0x{self.attempts}")
        await super().send(estimates)


async def test_every_change_of_error_is_reported_once(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    delivery = Delivery()
    await writer.submit(records=[record(0)])
    async with forwarding(writer, Moody(), delivery):
        await until(lambda: delivery.sent == 2)
    assert [line.getMessage() for line in caplog.records] == [
        "memory failed, estimates wait in the store: away",
        "memory failed, estimates wait in the store: no room at 0x4",
        "memory is back after 6 failed attempts",
    ]


async def test_a_failure_that_goes_on_is_reported_again(
    writer: Writer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin_runtime.store.outbox.REMINDER", 0.0)
    delivery = Delivery()
    await writer.submit(records=[record(0)])
    async with forwarding(writer, MemorySink(failures=9), delivery):
        await until(lambda: delivery.sent == 2)
    assert "memory still fails after" in caplog.text


async def test_a_sink_is_left_alone_for_as_long_as_it_asks(writer: Writer) -> None:
    class Busy(MemorySink):
        async def send(self, estimates: Sequence[StoredEstimate]) -> None:
            self.attempts += 1
            raise ConnectionFailed("HTTP 429: busy", retry_after=30.0)

    sink, delivery = Busy(), Delivery()
    await writer.submit(records=[record(0)])
    async with forwarding(writer, sink, delivery):
        await until(lambda: delivery.failed == 1)
        await asyncio.sleep(0.1)
    assert (sink.attempts, delivery.wish) == (1, 30.0)


async def test_draining_says_what_went_wrong(writer: Writer) -> None:
    await writer.submit(records=[record(0)])
    with pytest.raises(ConnectionFailed):
        await drain(writer.store.path, writer, MemorySink(failures=1))
    assert writer.store.cursor("memory") == 0


def test_pauses_double_up_to_a_bound() -> None:
    pauses = [Backoff(0.5, 30.0).pause(failures) for failures in (1, 2, 3, 6, 7, 5000)]
    assert pauses == [0.5, 1.0, 2.0, 16.0, 30.0, 30.0]
