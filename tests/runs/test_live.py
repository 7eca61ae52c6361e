"""A live run: it waits and moves bytes, and what it comes to is what a replay comes to."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.runs.slow import SlowRevisions, with_parts
from tests.ward import EPOCH, TICK, at, message, messages, ward
from twin_runtime.core import SECOND, Code, Message, Record, StoredEstimate
from twin_runtime.engine.tick import warm_up
from twin_runtime.errors import ConnectionFailed, StoreError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.replay import replay_store
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.testing import MemorySink, MemorySource


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.create_or_open(path, ward(2).identity) as store:
        yield store


def batches(sent: Sequence[Message], size: int = 7) -> list[Sequence[Message]]:
    return [sent[k : k + size] for k in range(0, len(sent), size)]


def folded(assembly: Assembly, sent: Sequence[Message], until: int | None = None) -> Fold:
    fold, intake = Fold(assembly, until=until), assembly.router()
    fold.take(entry for each in sent for entry in intake.read(each))
    list(fold.run())
    list(fold.finish())
    return fold


IDLE = Ending(idle=SECOND // 5)


class TestStreamClock:
    async def test_it_comes_to_what_the_fold_over_its_messages_comes_to(self, store: Store, path: Path) -> None:
        source = MemorySource(batches(messages(100, 2)))
        reported = await run(ward(2), source, store, ending=IDLE)
        expected = folded(ward(2), messages(100, 2))
        assert reported["state_hash"] == expected.state_hash
        assert reported["readings"] == expected.accounting()
        assert (reported["ticks"], reported["frontier"]) == (100, at(100) // TICK)
        assert source.acknowledged == messages(100, 2)
        store.close()
        assert replay_store(ward(2), path)["state_hash"] == reported["state_hash"]

    async def test_messages_may_come_in_any_order_and_twice(self, store: Store) -> None:
        sent = messages(20, 2)
        for k in range(20, 100, 10):
            sent += messages(10, 2, first=k)[::-1]
        sent += sent[-6:]
        source = MemorySource(batches(sent))
        reported = await run(ward(2), source, store, ending=IDLE)
        assert reported["state_hash"] == folded(ward(2), messages(100, 2)).state_hash
        assert reported["readings"]["duplicate"] == 6
        assert reported["revisions"] > 0
        assert source.acknowledged == sent
        newest = {(e.tick, e.twin): e.revision for e in store.estimates(limit=10_000)}
        assert len(newest) == 200
        assert len(store.estimates(limit=10_000)) == sum(revision + 1 for revision in newest.values())

    async def test_it_ends_by_itself_at_until(self, store: Store) -> None:
        source = MemorySource(batches(messages(100, 2)))
        reported = await run(ward(2), source, store, ending=Ending(until=at(30)))
        assert reported["frontier"] == at(30) // TICK
        assert reported["state_hash"] == folded(ward(2), messages(100, 2), until=at(30)).state_hash
        assert source.acknowledged == messages(100, 2)[: len(source.acknowledged)]

    async def test_it_ends_when_it_is_reported_to_and_can_be_taken_up(self, store: Store) -> None:
        """It stops where it stands: what waits for its tick waits for the next run."""
        stop, seen = asyncio.Event(), 0

        def observe(_: Fold, records: Sequence[Record]) -> None:
            nonlocal seen
            seen += len(records)
            if seen >= 50:
                stop.set()

        first = MemorySource(batches(messages(100, 2)))
        reported = await run(ward(2), first, store, stop=stop, observer=observe)
        assert 50 <= reported["ticks"] < 100
        assert reported["readings"]["pending"] > 0
        again = MemorySource(batches(messages(100, 2)[len(first.acknowledged) :]))
        reported = await run(ward(2), again, store, ending=IDLE)
        assert reported["state_hash"] == folded(ward(2), messages(100, 2)).state_hash
        assert reported["readings"]["accepted"] == 400
        assert [e.tick for e in store.estimates(limit=1000)][::2] == list(range(at(0) // TICK, at(100) // TICK))

    async def test_a_run_that_is_stopped_before_anything_comes_says_so(self, store: Store) -> None:
        stop = asyncio.Event()
        stop.set()
        reported = await run(ward(2), MemorySource([]), store, stop=stop)
        assert (reported["ticks"], reported["frontier"], reported["estimates"]) == (0, None, {})

    async def test_a_run_taken_up_and_stopped_before_anything_comes_says_what_there_was(self, store: Store) -> None:
        before = await run(ward(2), MemorySource(batches(messages(60, 2))), store, ending=IDLE)
        stop = asyncio.Event()
        stop.set()
        reported = await run(ward(2), MemorySource([]), store, stop=stop)
        for key in ("state_hash", "frontier", "readings", "estimates", "verdicts"):
            assert reported[key] == before[key]
        assert (reported["ticks"], reported["this_run"]["ticks"], reported["revisions"]) == (60, 0, 0)

    async def test_late_readings_of_a_long_past_are_all_revised_in_the_store(self, path: Path) -> None:
        """More revisions at once than a run makes ticks before it gives others their turn."""
        long = ward(lateness="20 s")
        with Store.create_or_open(path, long.identity) as store:
            sent = [*messages(450), message(0.2, 80.0)]
            reported = await run(long, MemorySource(batches(sent)), store, ending=IDLE)
            assert reported["state_hash"] == folded(long, sent).state_hash
            revised = {e.tick for e in store.estimates(limit=10_000) if e.revision}
        assert len(revised) > 400


class TestWallClock:
    """Event time is the time of this machine."""

    @staticmethod
    def now(ticks: float = 0.0) -> float:
        """So many ticks from now, in ticks since the epoch of the stories."""
        return (time.time_ns() - EPOCH) / TICK + ticks

    @pytest.fixture
    def store(self, path: Path) -> Iterator[Store]:
        """With every kernel compiled, or loaded, before the story's time begins."""
        warm_up(ward(clock="wall").types[0].fleet)
        with Store.create_or_open(path, ward(clock="wall").identity) as store:
            yield store

    async def test_silence_does_not_stop_the_clock(self, store: Store) -> None:
        """One reading, and then half a second of nothing: a forecast every tick, as it falls due."""
        begin, due = self.now(), list[float]()

        def observe(fold: Fold, records: Sequence[Record]) -> None:
            due.extend((time.time_ns() - (record.tick + 1) * TICK) / SECOND for record in records)

        source = MemorySource([[message(begin, 80.0, arrival=at(begin))]])
        until = at(begin + 13)
        reported = await asyncio.wait_for(
            run(ward(clock="wall"), source, store, ending=Ending(until=until), observer=observe), timeout=20
        )
        assert reported["frontier"] == until // TICK
        assert reported["readings"]["assimilated"] == 1
        assert reported["ticks"] == until // TICK - at(begin) // TICK
        assert [e.tick for e in store.estimates()] == list(range(at(begin) // TICK, until // TICK))
        assert min(due) >= 0.1  # the wait; how much more depends on how busy this machine is

    async def test_it_ends_when_nothing_has_come_for_a_while(self, store: Store) -> None:
        begin = self.now()
        source = MemorySource([[message(begin, 80.0, arrival=at(begin))]])
        reported = await asyncio.wait_for(run(ward(clock="wall"), source, store, ending=IDLE), timeout=120)
        assert reported["ticks"] >= 1
        assert reported["readings"]["pending"] == 0

    async def test_readings_in_real_time_are_assimilated_as_a_replay_does(self, store: Store, path: Path) -> None:
        begin = int(self.now(2))
        sent = messages(12, first=begin)
        source = MemorySource(batches(sent, 2), pause=TICK / SECOND)
        reported = await asyncio.wait_for(run(ward(clock="wall"), source, store, ending=IDLE), timeout=120)
        assert reported["readings"]["assimilated"] == len(sent)
        store.close()
        assert replay_store(ward(clock="wall"), path)["state_hash"] == reported["state_hash"]

    async def test_a_run_that_was_away_catches_up_and_says_by_how_much(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Half a minute behind: 750 ticks."""
        begin = self.now(-750)
        source = MemorySource([[message(begin, 80.0, arrival=at(begin))]])
        reported = await asyncio.wait_for(run(ward(clock="wall"), source, store, ending=IDLE), timeout=30)
        assert reported["ticks"] >= 750
        assert 29 < reported["behind"]["most"] < 35
        assert reported["behind"]["now"] < 1
        assert "s behind the ticks that are due" in caplog.text
        assert "the twins are in step again" in caplog.text


class TestDurability:
    async def test_nothing_is_acknowledged_before_it_is_durable(self, store: Store, path: Path) -> None:
        """Looked at from another connection, as another process would see it."""

        class Suspicious(MemorySource):
            async def acknowledge(self, reported: Sequence[Message]) -> None:
                await super().acknowledge(reported)
                with Reader.open(path) as reader:
                    assert sum(reader.counts().values()) >= len(self.acknowledged)

        nonsense = [Message("patient-0/abp", b"{", EPOCH)] * 3
        sent = [*messages(60, 2), *nonsense, *messages(5, 2)]
        source = Suspicious(batches(sent))
        reported = await run(ward(2), source, store, ending=IDLE)
        assert source.acknowledged == sent
        assert reported["readings"]["rejected"] == {"not-json": 3}

    async def test_an_estimate_is_never_durable_before_the_readings_it_rests_on(self, store: Store, path: Path) -> None:
        def observe(fold: Fold, records: Sequence[Record]) -> None:
            with Reader.open(path) as reader:
                estimates = len(reader.estimates(limit=10_000))
                assert sum(reader.counts().values()) >= 2 * estimates

        await run(ward(2), MemorySource(batches(messages(60, 2), 4)), store, ending=IDLE, observer=observe)

    async def test_a_store_that_cannot_be_written_ends_the_run_and_nothing_more_is_acknowledged(
        self, store: Store, path: Path
    ) -> None:
        vandalised = False

        def vandalise(fold: Fold, records: Sequence[Record]) -> None:
            nonlocal vandalised
            if not vandalised and fold.counts[Code.ACCEPTED] > 100:
                vandalised = True
                with sqlite3.connect(path, timeout=10) as vandal:
                    vandal.execute("ALTER TABLE estimate RENAME TO lost")
                vandal.close()

        source = MemorySource(batches(messages(100, 2)), pause=0.002)
        with pytest.raises(StoreError, match="no such table: estimate"):
            await asyncio.wait_for(run(ward(2), source, store, observer=vandalise), timeout=120)
        assert 0 < len(source.acknowledged) < 200
        assert sum(store.counts().values()) >= len(source.acknowledged)

    async def test_a_source_that_fails_ends_the_run_and_what_came_is_kept(self, store: Store) -> None:
        class Failing(MemorySource):
            async def batches(self) -> AsyncIterator[list[Message]]:
                for batch in batches(messages(30, 2)):
                    yield list(batch)
                raise ConnectionFailed("the broker is gone", where="mqtt")

        with pytest.raises(ConnectionFailed, match="the broker is gone"):
            await run(ward(2), Failing([]), store)
        assert store.counts() == {(0, Code.ACCEPTED): 120}

    async def test_a_run_that_is_cancelled_keeps_what_it_has_taken(self, store: Store) -> None:
        begun = asyncio.Event()
        first = MemorySource(batches(messages(60, 2)))
        running = asyncio.create_task(run(ward(2), first, store, observer=lambda *_: begun.set()))
        await asyncio.wait_for(begun.wait(), timeout=120)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        reported = await run(ward(2), MemorySource(batches(messages(60, 2))), store, ending=IDLE)
        assert reported["state_hash"] == folded(ward(2), messages(60, 2)).state_hash

    @pytest.mark.parametrize("turns", [*range(11), 30, 100])
    async def test_a_run_that_is_cancelled_leaves_nothing_running(self, store: Store, turns: int) -> None:
        """Whenever that is: while it works, or while it writes what is left."""
        begun, stop = asyncio.Event(), asyncio.Event()
        source, sinks = MemorySource(batches(messages(60, 2))), [MemorySink(), MemorySink()]
        work = run(ward(2), source, store, sinks=sinks, stop=stop, observer=lambda *_: begun.set())
        running = asyncio.create_task(work)
        await asyncio.wait_for(begun.wait(), timeout=120)
        stop.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_estimates_reach_the_sinks_in_order_and_once_each(self, store: Store) -> None:
        sink = MemorySink(failures=1)
        ending = Ending(idle=SECOND)
        await run(ward(2), MemorySource(batches(messages(60, 2))), store, sinks=[sink], ending=ending)
        positions = [estimate.position for estimate in sink.received]
        assert positions == sorted(set(positions))
        await run(ward(2), MemorySource([]), store, sinks=[sink], ending=ending)
        assert [estimate.position for estimate in sink.received] == [e.position for e in store.estimates(limit=1000)]

    async def test_a_sink_that_counts_from_now_has_the_clock_of_the_run(self, store: Store) -> None:
        class Timed(MemorySink):
            def __init__(self) -> None:
                super().__init__()
                self.now: Callable[[], int] = time.time_ns
                self.sent_at = list[int]()

            async def send(self, estimates: Sequence[StoredEstimate]) -> None:
                self.sent_at.append(self.now())

        sink = Timed()
        wrong = [message(n, 80.0, arrival=at(n)) for n in range(60)]
        await run(ward(2), MemorySource([wrong]), store, sinks=[sink], ending=IDLE, wall=lambda: at(7))
        assert {round((moment - at(7)) / SECOND) for moment in sink.sent_at} <= {0, 1, 2}

    async def test_a_sink_that_fails_unforeseen_at_the_end_does_not_cost_the_tip(self, store: Store) -> None:
        class Broken(MemorySink):
            async def send(self, estimates: Sequence[StoredEstimate]) -> None:
                raise KeyError("a mistake of its author")

        reported = await run(ward(2), MemorySource(batches(messages(60, 2))), store, sinks=[Broken()], ending=IDLE)
        assert reported["ticks"] == 60
        assert store.tip(0) is not None

    async def test_a_sink_that_hangs_does_not_hold_up_a_stop(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Hanging(MemorySink):
            async def __aexit__(self, *exc: object) -> None:
                await asyncio.sleep(60)

            async def send(self, estimates: Sequence[StoredEstimate]) -> None:
                await asyncio.sleep(60)

        stop, asked = asyncio.Event(), list[float]()

        def ask() -> None:
            asked.append(time.monotonic())
            stop.set()

        asyncio.get_running_loop().call_later(0.5, ask)
        await run(ward(2), MemorySource(batches(messages(60, 2))), store, sinks=[Hanging()], stop=stop)
        assert time.monotonic() - asked[0] < 2.0
        assert "memory lacks the last estimates" in caplog.text
        assert store.tip(0) is not None

    async def test_a_stop_amid_a_revision_leaves_the_rest_to_the_next_run(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Revising takes seconds; the stop is answered at once, no hash is claimed, and the end is the same."""
        long, stop, asked = ward(2), asyncio.Event(), list[float]()
        method = SlowRevisions(long.types[0].fleet.method, 0.05)

        def observe(_: Fold, records: Sequence[Record]) -> None:
            if not asked and any(record.revision.any() for record in records):
                asked.append(time.monotonic())
                stop.set()

        sent = [*messages(150, 2), message(128.2, 80.0)]
        source = MemorySource(batches(sent))
        reported = await run(with_parts(long, method=method), source, store, stop=stop, observer=observe)
        assert time.monotonic() - asked[0] < 1.0
        assert reported["state_hash"] is None
        assert store.tip(0) is None
        assert "stopped before all late readings were folded" in caplog.text
        again = await run(long, MemorySource([sent[len(source.acknowledged) :]]), store, ending=IDLE)
        assert again["state_hash"] == folded(long, sent).state_hash
        assert again["readings"] == folded(long, sent).accounting()

    async def test_an_idle_run_ends_though_no_message_ever_came(self, store: Store) -> None:
        reported = await asyncio.wait_for(run(ward(2), MemorySource([]), store, ending=IDLE), timeout=120)
        assert reported["ticks"] == 0
