"""Readings made durable before they are acknowledged, against a loop that only acknowledges.

The broker holds the same messages for both, so that neither waits for a publisher. Time is that of the wall clock,
from before the connection to the last acknowledgement: its inverse is the rate. Ours is a whole live run: it receives,
decodes, validates, journals to SQLite with synchronous=FULL, and acknowledges after the commit. No tick falls due.
"""

import asyncio
import math
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import aiomqtt

from tests.acceptance.deployments import EPOCH, configured
from tests.benchmarks.timing import DISK, Row
from tests.servers import mosquitto
from twin_adapters.mqtt import MqttSettings, MqttSource
from twin_adapters.publishing import publish
from twin_runtime.config import load
from twin_runtime.core import Code, Message
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.live import run
from twin_runtime.store.store import Store
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

MICRO = 1e6
MESSAGES = 2000
WINDOW = 500
"""Messages that ours takes before it acknowledges some: several commits have to be waited for."""
REPEATS = 11
LEAST_RATE = 0.7
"""Of the peer's."""

Receiver = Callable[[MqttSettings], Awaitable[float]]
"""Takes MESSAGES from a broker and acknowledges them; gives the seconds it took."""


class Counted(MqttSource):
    """Counts what is acknowledged; ``seconds`` from entering it until the last message was."""

    def __init__(self, settings: MqttSettings, topics: Sequence[str]) -> None:
        super().__init__(settings, topics)
        self.complete, self.seconds = asyncio.Event(), math.nan
        self._left, self._began = MESSAGES, math.nan

    async def __aenter__(self) -> Self:
        self._began = time.perf_counter()
        return await super().__aenter__()

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        await super().acknowledge(messages)
        self._left -= len(messages)
        if self._left == 0:
            self.seconds = time.perf_counter() - self._began
            self.complete.set()


def rows() -> Iterator[Row]:
    """The only line of this part of the table."""
    with TemporaryDirectory(dir=DISK) as folder:
        theirs, ours = asyncio.run(interleaved(Path(folder)))
    name = f"durable intake, a message (bound: {LEAST_RATE} x the rate)"
    yield Row(name, ours / MESSAGES * MICRO, "bare aiomqtt loop", theirs / MESSAGES * MICRO, "us", 1 / LEAST_RATE)


async def interleaved(folder: Path) -> list[float]:
    """The median times (s) of the bare loop and of ours; the first pair is not counted."""
    patience = (('wait = "100 ms"', 'wait = "1 h"'), ('lateness = "5 s"', 'lateness = "1 h"'))  # no tick falls due
    assembly = assemble(load(configured(folder, "artery", *patience)))
    sent = transmit(Patient().simulate(MESSAGES / 125 + 1, 1), twin="patient-1", seed=1, channels=("abp",))
    messages = list(islice(sent.messages(EPOCH), MESSAGES))
    seconds: list[list[float]] = []
    for repeat in range(REPEATS + 1):
        store = folder / f"{repeat}.db"
        receivers = (bare, lambda settings, path=store: durable(settings, assembly, path))
        seconds.append([await timed(receiver, assembly, messages, store.with_suffix("")) for receiver in receivers])
    return [statistics.median(column) for column in zip(*seconds[1:], strict=True)]


async def timed(receiver: Receiver, assembly: Assembly, messages: Sequence[Message], folder: Path) -> float:
    """How long a receiver needs (s), from a fresh broker that holds the messages for it."""
    with mosquitto(folder) as broker:
        settings = MqttSettings(broker=f"mqtt://127.0.0.1:{broker.port}", client_id="twin", window=WINDOW)
        async with MqttSource(settings, assembly.router().topics):
            """From now on the broker holds what comes."""
        await publish(messages, settings.model_copy(update={"client_id": "asset"}), origin=EPOCH, speed=math.inf)
        return await receiver(settings)


async def bare(settings: MqttSettings) -> float:
    """What a program on aiomqtt does at least that decides itself when a message counts as received."""
    began, left = time.perf_counter(), MESSAGES
    version = aiomqtt.ProtocolVersion.V5
    client = aiomqtt.Client(
        settings.host, settings.port, identifier=settings.client_id, protocol=version, clean_start=False
    )
    client._client.manual_ack_set(True)
    async with client:
        async for message in client.messages:
            client._client.ack(message.mid, message.qos)
            left -= 1
            if left == 0:
                break
        return time.perf_counter() - began


async def durable(settings: MqttSettings, assembly: Assembly, path: Path) -> float:
    """A live run until all is acknowledged."""
    source, store = Counted(settings, assembly.router().topics), Store.create_or_open(path, assembly.identity)
    try:
        await run(assembly, source, store, stop=source.complete)
        assert store.counts() == {(0, Code.ACCEPTED): MESSAGES}
    finally:
        store.close()
    return source.seconds
