"""The asynchronous shell: it waits and moves bytes; everything that is decided is decided in the fold.

Messages are decoded, journalled and acknowledged; ticks that fall due are run; estimates are stored and forwarded to
the sinks. All writes go through one writer, in order, so an estimate is never durable before the readings it rests on.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from twin_runtime.core import SECOND, Checkpoint, Entry, Message, Reading, Record, Source, Tally
from twin_runtime.crash import crash_point
from twin_runtime.ingest.router import Router
from twin_runtime.runs.accounting import since
from twin_runtime.runs.agreed_lag import Signal
from twin_runtime.runs.behind import Behind
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.refusals import RefusalLog
from twin_runtime.runs.revising import Revising
from twin_runtime.runs.sinks import sinks as sinks_of
from twin_runtime.runs.steady_clock import STEP, SteadyClock
from twin_runtime.runs.summary import run_summary
from twin_runtime.runs.unread import Unread
from twin_runtime.runs.verification import all_verified
from twin_runtime.store.outbox import Delivery
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

VERIFY_SECONDS = 5.0
"""Between two comparisons of forecasts with what has come."""

UNREAD_SECONDS = 0.005
"""Between two looks whether the source has been read out."""


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
    _tallied: int = 0
    _before: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock = SteadyClock(self.wall, _monotonic_ns)
        on_wall = [fleet for fleet in self.fold.fleets if fleet.clock == "wall"]
        self._lateness = {fleet.assembly.place: fleet.assembly.config.twin.lateness for fleet in on_wall}
        reached = max((fleet.reached for fleet in on_wall), default=0)
        self._unread = Unread(self.source, self.now(), max(self._lateness.values(), default=0), reached)
        self._revising = Revising(self.fold, _monotonic)
        self._last_taken = self.now()

    def now(self) -> int:
        """The wall clock, as a clock that never jumps unless readings do so, too."""
        return self._clock.now()

    def begin(self) -> None:
        """Fold again what the store left open. Silence is counted from now."""
        self._last_message = _monotonic()
        self.fold.look_ahead(self.writer.store, _monotonic)
        self._submit((), self.fold.revise(), ())  # no tick yet: what the sender kept for us comes first
        self._before = self.fold.accounting()
        if self.fold.ended(self._tick_time()):
            self.end()

    async def receive(self) -> None:
        """Take what comes, have it written, and give ticks that are due as much time as that took."""
        async for messages in self.source.batches():
            self._unread.look(self.now())
            began = _monotonic()
            stamped = self._stamped(messages)
            entries = self.fold.take(entry for message in stamped for entry in self.router.read(message))
            self._unread.take(e.reading.time for e in entries if e.reading is not None and e.type in self._lateness)
            self._compare_clocks(entries)
            self.refusals.add(entries)
            self._last_message = _monotonic()
            self._step(entries, messages, min(BURST_SECONDS, self._last_message - began))
            while self._is_far_ahead():
                await asyncio.sleep(0)
                self._step()

    def _stamped(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages with their arrival by the clock of the run, where the system clock was set meanwhile."""
        ahead, last, self._last_taken = self._clock.ahead, self._last_taken, self.now()
        if not self._lateness or abs(ahead) < STEP:
            return messages
        return [m._replace(arrival=min(max(last, m.arrival - ahead), self._last_taken)) for m in messages]

    def _compare_clocks(self, entries: Sequence[Entry]) -> None:
        """By the newest reading of each message and of each signal; what was not measured anew says nothing."""
        by_message, by_signal = dict[int, int](), dict[Signal, Reading]()
        for entry in entries:
            reading = entry.reading
            if reading is None or entry.type not in self._lateness:
                continue
            if reading.time != entry.arrival and reading.sd < math.inf:
                by_message[entry.arrival] = reading.time
                signal = entry.type, reading.twin, reading.channel
                if signal not in by_signal or by_signal[signal].time < reading.time:
                    by_signal[signal] = reading
        for arrival, event in by_message.items():
            self._clock.compare(event, arrival)
        if self._unread.was_empty:
            for signal, reading in by_signal.items():
                self._clock.go_by(signal, reading.time, self._lateness[signal[0]])

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
            self._look_ahead()
            if idle and not self._more.is_set() and not self.is_half_revised:
                self.end()

    def clock_figures(self) -> dict[str, float]:
        """For the summary: steps of the clock of the run, and how far (s) the system clock is ahead of it."""
        return {"clock_steps": self._clock.steps, "clock_ahead": self._clock.ahead / SECOND}

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
        records += self.fold.finish() if self.over else ()
        self.fold.leave_ahead()
        self._submit((), records, ())
        self.refusals.conclude()
        if self.is_half_revised:
            log.warning("stopped before all late readings were folded; the next run goes on with them")

    async def verify(self) -> None:
        """Compare forecasts with what has come, whenever more of the past is closed."""
        while True:
            await asyncio.sleep(VERIFY_SECONDS)
            if ends := self.fold.closed_ends():
                path, identity = self.writer.store.path, self.fold.assembly.identity
                self.writer.submit(scored=await asyncio.to_thread(all_verified, path, identity, ends))

    def summary(self, seconds: float, deliveries: Mapping[str, Delivery]) -> dict[str, Any]:
        """What all runs of the store have come to, and this one, which took so many ``seconds``."""
        whole = run_summary(self.fold, seconds)
        own = {
            "seconds": seconds,
            "ticks": self.fold.ticks,
            "readings": since(self._before, whole["readings"]),
            "sinks": {name: delivery.account() for name, delivery in deliveries.items()},
        }
        told = {"revisions": self.revisions, "behind": self.behind.figures(), **self.clock_figures()}
        return whole | told | {"sinks": sinks_of(self.writer.store), "this_run": own}

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
        decisions = self.fold.decide(self.now())
        records = self._revising.some(deadline)
        if not self._revising.is_under_way:
            records += self._ticks(by, deadline)
        self._submit([*entries, *decisions] if decisions else entries, records, messages)
        if self._revising.is_under_way or self.fold.due(by):
            self._more.set()
        self.behind.update(self.fold.behind(self.now()))
        if self.fold.ended(by):
            self.end()

    def _look_ahead(self) -> None:
        """Forecasts get their share of the time, a turn at a time."""
        self.fold.work_ahead(_monotonic() + BURST_SECONDS)
        self._submit((), (), ())

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
        tallies, bulletins = self._tallies(), self.fold.bulletins()
        if not (entries or records or messages or tallies or bulletins):
            return
        self.revisions += sum(1 for record in records if record.revision.any())
        written = self.writer.submit(entries, records, self._checkpoints(), tallies=tallies, bulletins=bulletins)
        self._written.put_nowait((written, messages))
        self._open += 1
        if self.observer is not None:
            self.observer(self.fold, records)

    def _tallies(self) -> list[Tally]:
        """What the ticks have come to, where that has changed."""
        changes = self.fold.changes
        if changes == self._tallied:
            return []
        self._tallied = changes
        return self.fold.tallies

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
            async with asyncio.timeout(self._until_due() if read_out or not self._lateness else UNREAD_SECONDS):
                await self._more.wait()
        self._more.clear()

    def _until_due(self) -> float:
        """Seconds to the next deadline of the wall clock."""
        due = self.fold.next_due()
        return 0.05 if due is None else min(0.05, max(0.0, (due - self.now()) / SECOND))

    def _is_idle(self) -> bool:
        silence = (_monotonic() - self._last_message) * SECOND
        return self.ending.idle is not None and silence > self.ending.idle
