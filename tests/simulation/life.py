"""A simulation from its beginning to its end."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.simulation.broker import Broker
from tests.simulation.disk import Fate
from tests.simulation.invariants import require_all
from tests.simulation.loop import Stalled, VirtualLoop
from tests.simulation.process import Process
from tests.simulation.sensors import Sent, sensor, vandal
from tests.simulation.sinks import Received
from tests.simulation.story import Fault, Kind, Story
from tests.simulation.trace import Broken, Trace
from tests.simulation.world import World
from twin_runtime.core import SECOND
from twin_runtime.errors import StoreError

RESTART_SECONDS = (0.2, 5.0)
FATES: dict[Kind, Fate] = {
    "EIO": "fails",
    "death before commit": "dies before",
    "death after commit": "dies after",
}
MOST_SECONDS = 1000.0
"""Every simulation is over by then."""


class Failed(Exception):
    """A simulation in which an invariant did not hold, with its trace."""

    def __init__(self, error: Exception, trace: Trace) -> None:
        super().__init__(str(error))
        self.error, self.trace = error, trace


def simulate(story: Story, folder: Path) -> Trace:
    """Run a story, its store in ``folder``; raises :class:`Failed`."""
    loop = VirtualLoop()
    world = World(story, loop, folder / f"{story.seed}.db")
    failures: list[Exception] = []

    def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, StoreError):  # which ends the run, whoever else sees it
            failures.append(error)
            loop.stop()

    loop.set_exception_handler(failed)
    logging.disable(logging.CRITICAL)
    try:
        _completed(loop, Life(world).live(), failures)
    except (Broken, Stalled, AssertionError) as error:
        raise Failed(error, world.trace) from error
    finally:
        logging.disable(logging.NOTSET)
        _close(loop)
        for file in folder.glob(f"{story.seed}.db*"):
            file.unlink()
    return world.trace


def _completed(loop: VirtualLoop, story: Coroutine[Any, Any, None], failures: list[Exception]) -> None:
    task = loop.create_task(story)
    task.add_done_callback(lambda _: loop.stop())
    loop.call_later(MOST_SECONDS, loop.stop)
    loop.run_forever()
    if failures:
        if isinstance(failures[0], Broken):
            raise failures[0]
        raise Broken("no error is left alone", repr(failures[0])) from failures[0]
    if not task.done():
        raise Broken("a stop is answered", f"the run has not ended after {MOST_SECONDS:g} s")
    task.result()


def _close(loop: VirtualLoop) -> None:
    """End all that still runs, and the loop."""
    loop.set_exception_handler(lambda *_: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    leaving = loop.create_task(asyncio.wait(tasks, timeout=100.0) if tasks else asyncio.sleep(0))
    leaving.add_done_callback(lambda _: loop.stop())
    while not leaving.done():  # a stop that was asked for before may come first
        loop.run_forever()
    loop.close()


class Life:
    """One simulation while it runs."""

    def __init__(self, world: World) -> None:
        self.world, self.assembly = world, world.story.assembly
        self.broker, self.sent = Broker(world), Sent()
        self.received = [Received() for _ in range(world.story.sinks)]
        self.process: Process | None = None
        world.loop.disk_delay = self._disk_delay

    async def live(self) -> None:
        """Send, run, fail and run again, to the end; then see that everything holds."""
        for fault in self.world.story.faults:
            self.world.loop.call_at(fault.moment, self._begin, fault)
        self.world.loop.call_at(self.world.story.end, self._end)
        sending = [sensor(self.world, self.broker, self.sent, k) for k in range(len(self.world.story.signals))]
        tasks = [asyncio.create_task(each) for each in (*sending, vandal(self.world, self.broker))]
        self.world.surroundings = asyncio.all_tasks()
        summary = None
        while summary is None or self.world.loop.time() < self.world.story.end:
            self.process = Process(self.world, self.assembly, self.broker, self.received)
            summary = await self.process.ended()
            if self.world.loop.time() < self.world.story.end:
                await asyncio.sleep(self.world.rng.uniform(*RESTART_SECONDS))
        await asyncio.gather(*tasks)
        require_all(self.world, self.assembly, self.broker, self.sent, self.received, summary)

    def _end(self) -> None:
        if self.process is not None:
            self.process.stop()

    def _begin(self, fault: Fault) -> None:
        self.world.note(fault.kind, f"{fault.length:.3f}")
        self.world.begin(fault)
        if fault.kind == "step of the clock":
            self.world.step += round(fault.size * 20 * SECOND)
        elif fault.kind == "disconnection":
            self.broker.disconnect(fault.length)
        elif self.process is not None:
            self._befall(self.process, fault.kind)

    @staticmethod
    def _befall(process: Process, kind: Kind) -> None:
        if kind == "kill":
            process.kill()
        elif kind == "power cut":
            process.cut_power()
        elif kind == "stop":
            process.stop()
        elif kind in FATES:
            process.next_fate = FATES[kind]

    def _disk_delay(self) -> float:
        return self.world.rng.uniform(0.0, 2.0 if self.world.on("slow disk") else 0.02)
