"""The live part of the demonstration: broker, patient, twin and display in one event loop."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from twin_adapters.mqtt import MqttSettings, MqttSource
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Message
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.chapters import open_store
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_simulators.broker import PROTOCOL, embedded_broker
from twin_simulators.demo.case import Case
from twin_simulators.demo.progress import Progress

LEAD = SECOND // 2
"""How long everything has to connect before the patient's first heart beat."""


@dataclass(frozen=True, slots=True)
class Display:
    """What shows the progress of a run, every ``period`` seconds."""

    period: float
    show: Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its summary, its progress, and whether somebody ended it early."""

    summary: dict[str, Any]
    progress: Progress
    interrupted: bool


class Listener(MqttSource):
    """A source that sets an event once it has subscribed (the broker keeps nothing before), and counts by topic."""

    def __init__(self, settings: MqttSettings, topics: Sequence[str]) -> None:
        super().__init__(settings, topics)
        self.subscribed, self.arrived = asyncio.Event(), Counter[str]()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.subscribed.set()
        return self

    async def batches(self) -> AsyncIterator[list[Message]]:
        """All that has arrived since the last batch."""
        async for batch in super().batches():
            self.arrived.update(message.topic for message in batch)
            yield batch


async def live(assembly: Assembly, case: Case, path: Path, display: Display) -> Outcome:
    """Simulate the patient and run its twin, for the length of the case or until Ctrl-C."""
    start = _next_tick(time.time_ns() + LEAD, assembly.types[0].fleet.tick)
    async with embedded_broker() as address:
        source = Listener(_settings(address, "demo-twin"), assembly.router().topics)
        progress = Progress(assembly, case, start, source.arrived)
        with closing(open_store(assembly, path)) as store, _interruptible() as (stop, asked):
            async with _during(_patient(address, progress, source.subscribed), _refresh(progress, display)):
                ending = Ending(until=start + case.length)
                summary = await run(assembly, source, store, ending=ending, observer=progress.add, stop=stop)
    return Outcome(summary, progress, interrupted=bool(asked))


def _next_tick(moment: int, tick: int) -> int:
    return -(-moment // tick) * tick


def _settings(address: str, client: str) -> MqttSettings:
    return MqttSettings(broker=address, client_id=client, protocol=PROTOCOL)


async def _patient(address: str, progress: Progress, subscribed: asyncio.Event) -> None:
    """Publish what the patient's sensors send, each packet at its time."""
    await subscribed.wait()
    messages = map(progress.sending, progress.case.messages(progress.start, progress.topics))
    await publish(messages, _settings(address, "demo-patient"), origin=time.time_ns())


async def _refresh(progress: Progress, display: Display) -> None:
    while True:
        await asyncio.sleep(display.period)
        display.show(progress)


@asynccontextmanager
async def _during(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run some coroutines for as long as a block; raises what they failed with at its end."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


@contextmanager
def _interruptible() -> Iterator[tuple[asyncio.Event, list[signal.Signals]]]:
    """An event that Ctrl-C and SIGTERM set, and the signals that did."""
    stop, asked, loop = asyncio.Event(), list[signal.Signals](), asyncio.get_running_loop()

    def end(by: signal.Signals) -> None:
        asked.append(by)
        stop.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, end, each)
    try:
        yield stop, asked
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
