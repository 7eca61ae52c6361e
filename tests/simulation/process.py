"""One process of the runtime: it runs, is told to stop, dies, or loses its store."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.acceptance.ledger import balance
from tests.simulation.broker import Broker, SimulatedSource
from tests.simulation.disk import DiskStore, Fate, left_by_power_cut, restore
from tests.simulation.sinks import Received, SimulatedSink
from tests.simulation.trace import Broken
from tests.simulation.world import World
from twin_runtime.core import Record
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run

STOP_SECONDS = 2.0
"""How long a run may take to stop, sinks that hang and a healthy disk included."""
LEAVE_SECONDS = 60.0
"""How long a run may take to leave when its store has failed or it was cancelled."""
MOST_PENDING = 500
"""Readings that may wait for their tick: more than all that come within the longest lateness and delay."""
CHECKED_EVERY = 8
"""The accounts are checked at one of so many steps."""


class Process:
    """A run on the store; everything that it has in memory is gone with it."""

    def __init__(self, world: World, assembly: Assembly, broker: Broker, received: Sequence[Received]) -> None:
        self.world, self.assembly = world, assembly
        self.source = SimulatedSource(broker)
        self.sinks = [SimulatedSink(world, number, each) for number, each in enumerate(received)]
        self.next_fate: Fate = "commits"
        self.power = True
        self._left: dict[str, bytes] | None = None
        self._stop, self._steps = asyncio.Event(), 0
        self.store = self._opened()
        self.task = asyncio.create_task(self._run())

    async def ended(self) -> dict[str, Any] | None:
        """Wait until the run is over and the store is closed; the summary, or None where it died."""
        await asyncio.wait({self.task})
        if left := asyncio.all_tasks() - self.world.surroundings:
            raise Broken("a run leaves nothing running", left)
        self.store.close()
        if self._left is not None:
            restore(self.world.path, self._left)
        if self.task.cancelled():
            return None
        error = self.task.exception()
        if error is None:
            return self.task.result()
        if isinstance(error, StoreError) or not self.power:
            self.world.note("ended", type(error).__name__)
            return None
        raise Broken("nothing that comes in ends the run", repr(error))

    def kill(self) -> None:
        """Nothing of what is in memory is written any more."""
        if self.power:
            self.world.note("killed")
            self.power = self.source.has_power = False
            for sink in self.sinks:
                sink.has_power = False
            self.task.cancel()
            self._within(LEAVE_SECONDS, "a run that is cancelled leaves")

    def cut_power(self) -> None:
        """The machine loses power, too: the files stay as they were on the disk."""
        if self.power:
            self._left = left_by_power_cut(self.store, self.world.rng)
            self.kill()

    def stop(self) -> None:
        """Ask the run to stop."""
        if self.power and not self._stop.is_set():
            self.world.note("asked to stop")
            self._stop.set()
            slow = self.world.on("slow disk")
            self._within(LEAVE_SECONDS if slow else STOP_SECONDS, "a stop is answered")

    def _within(self, seconds: float, invariant: str) -> None:
        self.world.loop.call_later(seconds, self._require_left, invariant, seconds)

    def _require_left(self, invariant: str, seconds: float) -> None:
        if not self.task.done():
            raise Broken(invariant, f"it still runs after {seconds:g} s")

    def _opened(self) -> DiskStore:
        try:
            store = DiskStore.create_or_open(self.world.path, self.assembly.identity)
        except StoreError as error:
            raise Broken("nothing acknowledged is lost: the store opens again", error) from error
        store.fate, store.die = self._fate, self._die
        return store

    async def _run(self) -> dict[str, Any]:
        return await run(
            self.assembly,
            self.source,
            self.store,
            sinks=self.sinks,
            observer=self._observe,
            stop=self._stop,
            wall=self.world.wall,
        )

    def _fate(self) -> Fate:
        if not self.power:
            return "without power"
        fate, self.next_fate = self.next_fate, "commits"
        if self.world.on("ENOSPC"):
            fate = "full"
        self.world.note("commit", fate)
        return fate

    def _die(self) -> None:
        if self.world.rng.random() < 0.5:
            self.cut_power()
        else:
            self.kill()

    def _observe(self, fold: Fold, records: Sequence[Record]) -> None:
        self._steps += 1
        self.world.note("step", *(record.tick for record in records))
        if self._steps % CHECKED_EVERY == 0 and not fold.is_dirty:
            accounts = fold.accounting()
            if balance(accounts) != 0:
                raise Broken("the accounts are balanced", accounts)
            if accounts["pending"] > MOST_PENDING:
                raise Broken("memory is bounded", accounts)
