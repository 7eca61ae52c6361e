import asyncio
import sqlite3
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.store.making import IDENTITY, accepted, checkpoint, reading, record
from twin_runtime.core import Code
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.store.writer import Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"


async def test_what_is_reported_durable_can_be_read_by_others(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store, Reader.open(path) as reader:
        async with Writer(store) as writer:
            await writer.submit([accepted(0)], [record(3)], [checkpoint(2)], {"influx": 1})
            assert reader.counts() == {(0, Code.ACCEPTED): 1}
            assert (reader.frontier(), reader.cursor("influx")) == (4, 1)
            found = reader.checkpoint()
            assert found is not None
            assert found.tick == 2


async def test_many_submissions_share_a_commit_and_keep_their_order(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        order: list[int] = []

        def note(number: int, _: asyncio.Future[None]) -> None:
            order.append(number)

        async with Writer(store) as writer:
            for number in range(1000):
                durable = writer.submit([accepted(number)], [record(number)])
                durable.add_done_callback(partial(note, number))
                if number % 100 == 0:
                    await asyncio.sleep(0.001)
        assert order == list(range(1000))
        assert [entry for _, entry in store.entries()] == [accepted(number) for number in range(1000)]
        assert [estimate.tick for estimate in store.estimates(limit=2000)][::2] == list(range(1000))


async def test_one_transaction_holds_all_that_waited_for_it(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store, Reader.open(path) as reader:
        async with Writer(store) as writer:
            first, *others = [writer.submit([accepted(number)]) for number in range(50)]
            await first
            assert all(other.done() for other in others)
            assert len(list(reader.accepted())) == 50


async def test_leaving_writes_what_is_still_queued(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            for number in range(10):
                writer.submit([accepted(number)])
        assert list(store.accepted()) == [reading(number) for number in range(10)]
        with pytest.raises(StoreError, match="is closed"):
            await writer.submit([accepted(11)])


async def test_a_record_may_be_changed_once_it_is_submitted(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            made = record(0)
            durable = writer.submit(records=[made])
            made.revision[:] = 9
            made.figures[:] = 0.0
            await durable
        [stored] = store.latest()
        assert stored.revision.tolist() == [0, 0]
        np.testing.assert_array_equal(stored.figures, record(0).figures)


async def test_a_failure_reaches_everyone_who_waits_and_everyone_who_comes_later(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            await writer.submit([accepted(0)])
            vandal = sqlite3.connect(path)
            vandal.execute("ALTER TABLE journal RENAME TO lost")
            vandal.close()
            waiting = [writer.submit([accepted(1)]), writer.submit([accepted(2)])]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(outcome, StoreError) for outcome in outcomes)
            assert "no such table: journal" in str(outcomes[0])
            with pytest.raises(StoreError, match="cannot be written"):
                await writer.submit(records=[record(0)])
        assert store.estimates() == []


async def test_news_of_estimates_wakes_all_who_wait_and_readings_wake_none(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            news = writer.news
            await writer.submit([accepted(0)])
            assert not news.is_set()
            await writer.submit(records=[record(0)])
            assert news.is_set()
            assert not writer.news.is_set()


async def test_a_lock_of_another_process_does_not_stop_the_loop(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Held for 1.2 s: what is submitted waits, everything else goes on."""
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            began, longest, durable = time.monotonic(), 0.0, writer.submit([accepted(0)], [record(0)])
            while time.monotonic() - began < 1.2:
                before = time.monotonic()
                await asyncio.sleep(0.001)
                longest = max(longest, time.monotonic() - before)
            assert not durable.done()
            other.execute("ROLLBACK")
            other.close()
            await durable
        assert longest < 0.5
        assert "is locked by another process" in caplog.text
        assert list(store.accepted()) == [reading(0)]


async def test_a_lock_that_does_not_end_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_runtime.store.writer.LOCKED_SECONDS", 0.05)
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            with sqlite3.connect(path, isolation_level=None) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreError, match="has been locked by another process"):
                    await writer.submit([accepted(0)])
            other.close()
