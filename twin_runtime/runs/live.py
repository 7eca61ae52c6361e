"""The asynchronous shell: it waits and moves bytes; everything that is decided is decided in the fold.

Messages are decoded, journalled and acknowledged; ticks that fall due are run; estimates are stored and forwarded to
the sinks. All writes go through one writer, in order, so an estimate is never durable before the readings it rests on.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from twin_runtime.core import SECOND, Checkpoint, Entry, Message, Record, Sink, Source
from twin_runtime.crash import crash_point
from twin_runtime.engine.tick import warm_up
from twin_runtime.errors import StoreError, without_credentials
from twin_runtime.ingest.router import NO_TYPE, Router
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.behind import Behind
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.refusals import RefusalLog
from twin_runtime.runs.revising import Revising
from twin_runtime.runs.steady_clock import SteadyClock
from twin_runtime.runs.summary import run_summary
from twin_runtime.runs.unread import Unread
from twin_runtime.store.outbox import drain, forward
from twin_runtime.store.store import Store
from twin_runtime.store.writer import Writer

log = logging.getLogger(__name__)

Observer = Callable[[Fold, Sequence[Record]], None]
"""Called after every step with the fold and the records it has just made; it must not wait."""

BURST_SECONDS = 0.05
"""Spent on ticks, or on late readings, before the event loop gets its turn; at least one tick."""

MOST_AHEAD = 100_000
"""Readings that may wait in memory for ticks that are due; then nothing more is read until some have run."""

LAST_REVISION_SECONDS = 0.3
"""How long late readings are folded after a stop was asked for; the next run folds what is left."""

UNREAD_SECONDS = 0.005
"""Between two looks whether the source has been read out."""

FINAL_DELIVERY_SECONDS = 10.0
"""How long the sinks have, at a run's own end, to take the last estimates."""

HURRIED_DELIVERY_SECONDS = 0.7
"""The same for a run that was told to stop."""

LEAVING_SECONDS = 0.2
"""How long a cancelled delivery has to leave its sink."""


@dataclass(frozen=True, slots=True)
class Ending:
    """When a run ends by itself: at event time ``until`` (ns), or after ``idle`` nanoseconds without a message."""

    until: int | None = None
    idle: int | None = None


NEVER = Ending()


def _monotonic() -> float:
    """The event loop's own clock, s: where a simulation steers the loop, it steers this too."""
    return asyncio.get_running_loop().time()


def _monotonic_ns() -> int:
    return round(_monotonic() * SECOND)


@dataclass
class LiveRun:
    """One run of a deployment: the fold, and what connects it."""

    fold: Fold
    router: Router
    source: Source
    writer: Writer
    ending: Ending = NEVER
    observer: Observer | None = None
    revisions: int = 0
    over: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    wall: Callable[[], int] = time.time_ns
    refusals: RefusalLog = field(default_factory=lambda: RefusalLog(_monotonic))
    behind: Behind = field(default_factory=lambda: Behind(_monotonic))
    _written: asyncio.Queue[tuple[asyncio.Future[None], Sequence[Message]]] = field(default_factory=asyncio.Queue)
    _open: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _saved: dict[int, int] = field(default_factory=dict)
    _last_message: float = field(default_factory=_monotonic)

    def __post_init__(self) -> None:
        self._clock = SteadyClock(self.wall, _monotonic_ns)
        self._unread = Unread(self.source, self.now())
        self._revising = Revising(self.fold, _monotonic)
        self._on_wall = frozenset(fleet.assembly.place for fleet in self.fold.fleets if fleet.clock == "wall")

    def now(self) -> int:
        """The wall clock, as a clock that never jumps unless readings do so, too."""
        return self._clock.now()

    def begin(self) -> None:
        """Fold again what the store left open. Silence is counted from now."""
        self._last_message = _monotonic()
        self._submit((), self.fold.revise(), ())  # no tick yet: what the sender kept for us comes first
        if self.fold.ended(self._tick_time()):
            self.end()

    async def receive(self) -> None:
        """Take what comes, have it written, and give ticks that are due as much time as that took."""
        async for messages in self.source.batches():
            self._unread.look(self.now())
            began = _monotonic()
            entries = self.fold.take(entry for message in messages for entry in self.router.read(message))
            self._unread.take(e.reading.time for e in entries if e.reading is not None and e.type in self._on_wall)
            self._compare_clocks(entries)
            self.refusals.add(entries)
            self._last_message = _monotonic()
            self._step(entries, messages, min(BURST_SECONDS, self._last_message - began))
            while self._is_far_ahead():
                await asyncio.sleep(0)
                self._step()

    def _compare_clocks(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.reading is not None and entry.type in self._on_wall:
                self._clock.compare(entry.reading.time, entry.arrival)

    async def acknowledge(self) -> None:
        """Acknowledge to the sender what has become durable, in order."""
        while True:
            written, messages = await self._written.get()
            await written
            if messages:
                crash_point("acknowledge")
                await self.source.acknowledge(messages)
            self._open -= 1
            self._written.task_done()

    async def pace(self) -> None:
        """Run ticks when they fall due, readings or not, once nothing lies unread; end an idle run."""
        read_out = True
        while not self.stop.is_set():
            await self._wait(read_out)
            self._unread.look(self.now())
            read_out = await self._unread.read_out(self.now(), settled=self._open == 0)
            by, idle = self._tick_time(), read_out and self._is_idle()
            if self.is_half_revised or self.fold.due(by) or self.fold.ended(by):
                self._step()
            else:
                self.behind.update(self.fold.behind(self.now()))
            if idle and not self._more.is_set() and not self.is_half_revised:
                self.end()

    @property
    def clock_steps(self) -> int:
        """How many steps of the system clock have been followed."""
        return self._clock.steps

    def end(self) -> None:
        """The run has come to its own end."""
        self.over = True
        self.stop.set()

    def finish(self) -> None:
        """Fold what is left: all of it where the run has come to its own end, else what late readings have changed."""
        deadline = math.inf if self.over else _monotonic() + LAST_REVISION_SECONDS
        records = self._revising.all(deadline)
        while self.is_half_revised and _monotonic() < deadline:
            records += self._revising.all(deadline)
        self._submit((), [*records, *(self.fold.finish() if self.over else ())], ())
        self.refusals.conclude()
        if self.is_half_revised:
            log.warning("stopped before all late readings were folded; the next run goes on with them")

    @property
    def is_half_revised(self) -> bool:
        """Whether late readings wait to be folded: the newest states do not follow from all readings yet."""
        return self._revising.is_under_way or self.fold.is_dirty

    async def written(self) -> None:
        """Wait until everything is durable and acknowledged."""
        await self._written.join()

    def _step(
        self, entries: Sequence[Entry] = (), messages: Sequence[Message] = (), seconds: float = BURST_SECONDS
    ) -> None:
        deadline, by = _monotonic() + seconds, self._tick_time()
        records = self._revising.some(deadline)
        if not self._revising.is_under_way:
            records += self._ticks(by, deadline)
        self._submit(entries, records, messages)
        if self._revising.is_under_way or self.fold.due(by):
            self._more.set()
        self.behind.update(self.fold.behind(self.now()))
        if self.fold.ended(by):
            self.end()

    def _ticks(self, by: int, deadline: float) -> Iterator[Record]:
        """What ticks that are due come to, until the deadline."""
        for record in self.fold.run(by, revise=False):
            yield record
            if _monotonic() >= deadline:
                return

    def _tick_time(self) -> int:
        """Now, for ticks on the wall clock: they do not pass what may lie unread."""
        return self._unread.until(self.now())

    def _is_far_ahead(self) -> bool:
        """Whether too many readings wait in memory for ticks that could run."""
        return self._more.is_set() and self.fold.pending() > MOST_AHEAD

    def _submit(self, entries: Sequence[Entry], records: Sequence[Record], messages: Sequence[Message]) -> None:
        if not (entries or records or messages):
            return
        self.revisions += sum(1 for record in records if record.revision.any())
        written = self.writer.submit(entries=entries, records=records, checkpoints=self._checkpoints())
        self._written.put_nowait((written, messages))
        self._open += 1
        if self.observer is not None:
            self.observer(self.fold, records)

    def _checkpoints(self) -> list[Checkpoint]:
        """The settled checkpoints that have moved far enough to be worth writing; none in a half-revised past."""
        if self._revising.is_under_way:
            return []
        return [checkpoint for fleet in self.fold.fleets if (checkpoint := self._checkpoint(fleet)) is not None]

    def _checkpoint(self, fleet: FleetFold) -> Checkpoint | None:
        checkpoint, twin = fleet.settled(), fleet.assembly.config.twin
        span = max(twin.lateness, SECOND) // twin.tick
        saved = self._saved.get(fleet.assembly.place)
        if checkpoint is None or (saved is not None and checkpoint.tick < saved + span):
            return None
        self._saved[fleet.assembly.place] = checkpoint.tick
        return checkpoint

    async def _wait(self, read_out: bool) -> None:
        """Until the next deadline of the wall clock, or until ticks are left that could run."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._until_due() if read_out or not self._on_wall else UNREAD_SECONDS):
                await self._more.wait()
        self._more.clear()

    def _until_due(self) -> float:
        """Seconds to the next deadline of the wall clock."""
        due = self.fold.next_due()
        return 0.05 if due is None else min(0.05, max(0.0, (due - self.now()) / SECOND))

    def _is_idle(self) -> bool:
        silence = (_monotonic() - self._last_message) * SECOND
        return self.ending.idle is not None and silence > self.ending.idle


async def run(
    assembly: Assembly,
    source: Source,
    store: Store,
    *,
    sinks: Sequence[Sink] = (),
    ending: Ending = NEVER,
    observer: Observer | None = None,
    stop: asyncio.Event | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> dict[str, Any]:
    """Run a deployment until it ends by itself, ``stop`` is set, or it is cancelled. Returns the summary.

    A store that holds an earlier part of the run is taken up where it ends. ``wall`` is the system clock, ns. Raises
    :class:`twin_runtime.errors.ConnectionFailed` if the source cannot be reached at the start, and
    :class:`twin_runtime.errors.StoreError` if the store can no longer be written.
    """
    for twin_type in assembly.types:
        warm_up(twin_type.fleet)
    fold, router = resume(assembly, store, ending.until)
    began = time.perf_counter()
    async with Writer(store) as writer, source:
        live = LiveRun(fold, router, source, writer, ending, observer, wall=wall)
        live.stop = stop or live.stop
        live.begin()
        await _until_stopped(live, [forward(store.path, writer, sink) for sink in sinks])
        patience = FINAL_DELIVERY_SECONDS if live.over else HURRIED_DELIVERY_SECONDS
        await asyncio.gather(*(_delivered(store, writer, sink, patience) for sink in sinks))
    whole = not live.is_half_revised
    store.conclude(fold.tips if whole else ())
    summary = run_summary(fold, time.perf_counter() - began)
    summary |= {"revisions": live.revisions, "behind": live.behind.figures(), "clock_steps": live.clock_steps}
    return summary if whole else summary | {"state_hash": None}


def resume(assembly: Assembly, store: Store, until: int | None = None) -> tuple[Fold, Router]:
    """The fold and the intakes as the store left them; new ones for an empty store."""
    fold, router, counts = Fold(assembly, until=until), assembly.router(), store.counts()
    for place, fleet in enumerate(fold.fleets):
        checkpoint, frontier = store.checkpoint(place), store.frontier(place)
        since, of_type = 0 if checkpoint is None else checkpoint.tick, fleet.assembly.fleet
        begin = (since - of_type.asynchronous) * of_type.tick  # some readings were used later than in their own tick
        store.check_recent(since, begin, place)
        readings = list(store.accepted(begin, place))
        for reading in readings:
            router.remember(reading, place)
        own = Counter({code: count for (of, code), count in counts.items() if of == place})
        fleet.resume(own, checkpoint, readings, store.latest(since, place), frontier)
    fold.unroutable.update({code: count for (of, code), count in counts.items() if of == NO_TYPE})
    return fold, router


async def _until_stopped(live: LiveRun, deliveries: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all that runs at once until one stops the run or fails; then write what is left and acknowledge it."""
    delivering = [asyncio.create_task(delivery) for delivery in deliveries]
    working = [asyncio.create_task(work) for work in (live.receive(), live.pace())]
    acknowledging = asyncio.create_task(live.acknowledge())
    others = [acknowledging, asyncio.create_task(live.stop.wait())]
    try:
        try:
            await asyncio.wait([*others, *working, *delivering], return_when=asyncio.FIRST_COMPLETED)
            live.stop.set()
        finally:
            await asyncio.gather(*map(_left, delivering))
        await _cancelled([*working, *filter(asyncio.Task.done, delivering)])
        live.finish()
        others.append(asyncio.create_task(live.written()))
        await asyncio.wait([acknowledging, others[-1]], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled([*working, *others, *filter(asyncio.Task.done, delivering)])


async def _delivered(store: Store, writer: Writer, sink: Sink, patience: float) -> None:
    """Give a sink the last estimates, if it takes them now; what it does not take waits in the store."""
    delivery = asyncio.create_task(drain(store.path, writer, sink))
    try:
        await asyncio.wait({delivery}, timeout=patience)
        if not delivery.done():
            raise TimeoutError(f"no answer within {patience:g} s")
        await delivery
    except StoreError:
        raise
    except Exception as error:  # whatever its author did not foresee: the run's own end must still be stored
        cause = without_credentials(repr(error))
        log.warning("%s lacks the last estimates, they wait in the store for the next run: %s", sink.name, cause)
    finally:
        await _left(delivery)


async def _left(delivery: asyncio.Task[Any]) -> None:
    """Cancel a delivery; a sink that does not let itself be left is not waited for."""
    for _ in range(2):
        delivery.cancel()
        if (await asyncio.wait({delivery}, timeout=LEAVING_SECONDS))[0]:
            return


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End tasks; raise what one of them failed with."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
