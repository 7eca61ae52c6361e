"""More than this machine can take, or a pause of it: nothing that was there is late, and how far it lags is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runs.slow import SlowRevisions, slow_model, with_parts
from tests.ward import EPOCH, TICK, message, messages, ward
from twin_runtime.core import SECOND, Message, Record
from twin_runtime.engine.tick import warm_up
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.behind import Behind
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.replay import replay_store
from twin_runtime.runs.unread import TURNS, Unread
from twin_runtime.store.store import Store
from twin_runtime.testing import MemorySource

IDLE = Ending(idle=SECOND // 3)


def since_epoch() -> int:
    """The number of the tick that begins next."""
    return (time.time_ns() - EPOCH) // TICK + 1


class Kept(MemorySource):
    """Sensors in another process: what is due by its stamp waits until it is read, few at a time as from a broker."""

    def __init__(self, sent: Sequence[Message], at_once: int = 20, pause: float = 0.002) -> None:
        super().__init__([], pause)
        self._sent, self._at_once = sorted(sent, key=lambda m: m.arrival), at_once

    async def batches(self) -> AsyncIterator[list[Message]]:
        while True:
            await asyncio.sleep(self._pause)
            due = [m for m in self._sent[: self._at_once] if m.arrival <= time.time_ns()]
            if due:
                self._sent = self._sent[len(due) :]
                yield due


class Hanging:
    """An observer that holds the whole process up, once."""

    def __init__(self, after: int, seconds: float) -> None:
        self.calls, self.after, self.seconds = 0, after, seconds

    def __call__(self, fold: Fold, records: Sequence[Record]) -> None:
        self.calls += 1
        if self.calls == self.after:
            time.sleep(self.seconds)


@contextmanager
def longest_turn() -> Iterator[Callable[[], float]]:
    """The longest time (s) that the event loop was kept from others."""
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)

    looking = asyncio.create_task(look())
    try:
        yield lambda: longest
    finally:
        looking.cancel()


@pytest.fixture
def assembly() -> Assembly:
    made = ward(4, clock="wall", lateness="0.4 s")
    warm_up(made.types[0].fleet)
    return made


@pytest.fixture
def store(tmp_path: Path, assembly: Assembly) -> Iterator[Store]:
    with Store.create_or_open(tmp_path / "ward.db", assembly.identity) as store:
        yield store


class TestAPause:
    async def test_what_was_there_while_the_process_stood_still_is_not_late(
        self, assembly: Assembly, store: Store, tmp_path: Path
    ) -> None:
        """1.5 s without a look, and an open past of 0.4 s."""
        sent = messages(60, 4, first=since_epoch())
        hanging = Hanging(after=20, seconds=1.5)
        reported = await run(assembly, Kept(sent), store, ending=IDLE, observer=hanging)
        assert reported["readings"]["late"] == 0
        assert reported["readings"]["assimilated"] == len(sent)
        assert reported["behind"]["most"] > 1.2
        store.close()
        assert replay_store(assembly, tmp_path / "ward.db")["state_hash"] == reported["state_hash"]

    async def test_what_the_sender_kept_before_the_start_is_not_late(self, assembly: Assembly, store: Store) -> None:
        sent = messages(60, 4, first=since_epoch() - 80)
        reported = await run(assembly, Kept(sent), store, ending=IDLE)
        assert reported["readings"]["late"] == 0
        assert reported["readings"]["assimilated"] == len(sent)

    async def test_a_sensor_that_died_meanwhile_holds_nobody_up(self, assembly: Assembly, store: Store) -> None:
        """The others' readings tell how far the source has been read."""
        first = since_epoch()
        sent = messages(15, 4, first=first) + messages(60, 3, first=first + 15)
        reported = await run(assembly, Kept(sent), store, ending=IDLE, observer=Hanging(after=20, seconds=1.5))
        assert reported["readings"]["late"] == 0
        assert reported["readings"]["assimilated"] == len(sent)

    async def test_silence_after_a_pause_does_not_stop_the_clock(self, assembly: Assembly, store: Store) -> None:
        first = since_epoch()
        hanging, until = Hanging(after=5, seconds=0.8), EPOCH + (first + 50) * TICK
        ending = Ending(until=until)
        reported = await asyncio.wait_for(
            run(assembly, Kept(messages(4, 4, first=first)), store, ending=ending, observer=hanging), timeout=20
        )
        assert reported["frontier"] == until // TICK


class TestReadingComesFirst:
    async def test_no_tick_passes_what_lies_unread(self, store: Store, assembly: Assembly) -> None:
        """200 readings a second, each of which takes 10 ms: the clock of the ticks is that of the readings."""
        sent = messages(25, 4, first=since_epoch())
        source, busy = Kept(sent, at_once=1, pause=0.0), lambda *_: time.sleep(0.01)
        reported = await run(assembly, source, store, ending=IDLE, observer=busy)
        assert reported["readings"]["late"] == 0
        assert reported["readings"]["assimilated"] == len(sent)


class TestBursts:
    async def test_others_have_their_turn_while_much_is_due(self, tmp_path: Path) -> None:
        """300 ticks of 4 ms each are due at once; nobody waits longer than a burst and a tick."""
        heavy = slow_model(ward(4, clock="wall"), 0.001)
        first = since_epoch() - 300
        with longest_turn() as longest, Store.create_or_open(tmp_path / "heavy.db", heavy.identity) as store:
            sent = [message(first, 80.0, patient=p, arrival=time.time_ns()) for p in range(4)]
            reported = await run(heavy, MemorySource([sent]), store, ending=IDLE)
        assert reported["ticks"] >= 300
        assert longest() < 0.35

    async def test_late_readings_are_folded_in_parts(self, tmp_path: Path) -> None:
        """300 ticks of 4 ms each are to be folded again."""
        fast = ward(4, lateness="20 s")
        long = with_parts(fast, method=SlowRevisions(fast.types[0].fleet.method, 0.004))
        sent = [*messages(300, 4), *(message(0.2, 80.0, patient=p) for p in range(4))]
        batches = [sent[k : k + 8] for k in range(0, len(sent), 8)]
        with longest_turn() as longest, Store.create_or_open(tmp_path / "long.db", long.identity) as store:
            reported = await run(long, MemorySource(batches), store, ending=IDLE)
        assert replay_store(fast, tmp_path / "long.db")["state_hash"] == reported["state_hash"]
        assert reported["revisions"] > 200
        assert longest() < 0.35

    async def test_a_stop_is_answered_while_much_is_due(self, assembly: Assembly, store: Store) -> None:
        """9000 ticks of 10 ms each are due at once."""
        first, stop, asked, folds = since_epoch() - 9000, asyncio.Event(), [0.0], list[Fold]()

        def ask() -> None:
            if folds and folds[-1].ticks >= 10:
                asked[0] = time.monotonic()
                stop.set()
            else:
                asyncio.get_running_loop().call_later(0.01, ask)

        ask()
        source = MemorySource([[message(first, 80.0, patient=p, arrival=time.time_ns()) for p in range(4)]])
        slow = slow_model(assembly, 0.0025)
        reported = await run(slow, source, store, stop=stop, observer=lambda fold, _: folds.append(fold))
        assert 0 < reported["ticks"] < 9000
        assert time.monotonic() - asked[0] < 1.0
        assert reported["behind"]["now"] > 100


class TestUnread:
    """The decision alone; times in seconds of this machine."""

    @staticmethod
    def reading(unread: Unread, *seconds: float) -> None:
        unread.take(round(s * SECOND) for s in seconds)

    async def test_after_a_start_ticks_follow_the_readings(self) -> None:
        unread = Unread(MemorySource([]), 100 * SECOND)
        self.reading(unread, 40.0, 40.1, 40.2)
        assert not await unread.read_out(100 * SECOND, settled=True)
        assert unread.until(101 * SECOND) == 40_100_000_000

    async def test_readings_of_after_the_stall_end_it(self) -> None:
        unread = Unread(MemorySource([]), 100 * SECOND)
        self.reading(unread, 99.0, 100.2, 100.1)
        assert await unread.read_out(101 * SECOND, settled=False)
        assert unread.until(101 * SECOND) == 101 * SECOND

    async def test_one_clock_that_is_ahead_does_not(self) -> None:
        unread = Unread(MemorySource([]), 100 * SECOND)
        self.reading(unread, 40.0, 40.0, 104.0)
        assert not await unread.read_out(101 * SECOND, settled=True)
        assert unread.until(101 * SECOND) == 40 * SECOND

    async def test_a_batch_that_comes_meanwhile_shows_that_there_was_more(self) -> None:
        unread = Unread(MemorySource([]), 100 * SECOND)
        self.reading(unread, 100.5)
        asked = asyncio.create_task(unread.read_out(101 * SECOND, settled=True))
        await asyncio.sleep(0)
        self.reading(unread, 100.6)
        assert not await asked
        assert TURNS > 1

    async def test_a_full_window_is_not_read_out(self) -> None:
        class Full(MemorySource):
            connected, unread = True, True

        unread = Unread(Full([]), 100 * SECOND)
        self.reading(unread, 100.5)
        assert not await unread.read_out(101 * SECOND, settled=True)

    async def test_a_clock_that_is_set_back_leaves_nothing_ahead(self) -> None:
        unread = Unread(MemorySource([]), 100 * SECOND)
        self.reading(unread, 100.5)
        assert await unread.read_out(101 * SECOND, settled=True)
        assert unread.until(50 * SECOND) == 50 * SECOND
        assert await unread.read_out(50 * SECOND, settled=True)
        assert unread.until(50 * SECOND + 1) == 50 * SECOND


class TestBehind:
    def test_it_is_reported_when_it_begins_and_when_it_ends_but_not_all_the_time(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        now = [0.0]
        behind = Behind(lambda: now[0])
        for moment in range(30):
            now[0] = float(moment)
            behind.update(3 * SECOND if moment % 3 == 1 else 0)
        assert len(caplog.records) == 2
        assert caplog.messages[0] == "the twins are 3.0 s behind the ticks that are due; they catch up"
        assert caplog.messages[1] == "the twins are in step again, after 1.0 s, at most 3.0 s behind"
        assert behind.figures() == {"now": 0.0, "most": 3.0}

    def test_a_wait_of_less_than_a_second_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        behind = Behind(lambda: 0.0)
        behind.update(SECOND // 2)
        behind.update(0)
        assert not caplog.records
        assert behind.most == 0.5
