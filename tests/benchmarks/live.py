"""From the arrival of a reading to the stored estimate that rests on it: in real pace, over a real broker."""

import asyncio
import math
import os
import sqlite3
import time
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from tests.acceptance.deployments import configured
from tests.acceptance.running import TWIN
from tests.benchmarks.timing import DISK, Row
from tests.servers import mosquitto
from twin_adapters.commands.broker import settings_for
from twin_adapters.mqtt import MqttSource
from twin_runtime.config import load
from twin_runtime.core import SECOND, Bulletin, Checkpoint, Entry, Record, Tally
from twin_runtime.engine.tick import warm_up
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.live import run
from twin_runtime.store.bulletins import Scored
from twin_runtime.store.identity import Identity
from twin_runtime.store.store import NOTHING, Store

MILLI = 1e3
LENGTH = 30
"""Seconds for which the patient is followed."""
ALLOWANCE = 0.020
"""Seconds above tick and wait: for computing, the disk and the timer of the event loop."""


class Stopwatch(Store):
    """A store that notes, for each reading that has its estimate, how long after its arrival that was durable (ns)."""

    def __init__(self, path: Path, identity: Identity, writing: sqlite3.Connection, lock: IO[str]) -> None:
        super().__init__(path, identity, writing, lock)
        self.latencies: list[int] = []
        self._waiting: defaultdict[int, list[int]] = defaultdict(list)
        self._staged: tuple[Sequence[Entry], Sequence[Record]] = (), ()

    def stage(
        self,
        entries: Sequence[Entry],
        records: Sequence[Record],
        bulletins: Sequence[Bulletin] = (),
        scored: Sequence[Scored] = (),
    ) -> None:
        super().stage(entries, records, bulletins, scored)
        self._staged = entries, records

    def commit(
        self,
        checkpoints: Sequence[Checkpoint] = (),
        cursors: Mapping[str, int] = NOTHING,
        tallies: Sequence[Tally] = (),
    ) -> None:
        super().commit(checkpoints, cursors, tallies)
        now, (entries, records) = time.time_ns(), self._staged
        for entry in entries:
            if entry.reading is not None:
                self._waiting[entry.reading.time // self.identity.types[0].tick].append(entry.arrival)
        for record in records:
            self.latencies += [now - arrival for arrival in self._waiting.pop(record.tick, ())]


def rows() -> Iterator[Row]:
    """Half of the readings, all but one in a hundred, and what the disk alone takes of the allowance meanwhile."""
    with TemporaryDirectory(dir=DISK) as name, mosquitto(Path(name) / "broker") as broker:
        clock = ('clock = "stream"', 'clock = "wall"')
        config = configured(Path(name), "artery", clock, ("127.0.0.1:1883", f"127.0.0.1:{broker.port}"))
        assembly = assemble(load(config))
        latencies, syncs = asyncio.run(followed(assembly, config))
    twin = assembly.config.types[0].twin
    limit = (twin.tick + twin.wait) / SECOND + ALLOWANCE
    against = f"tick + wait + {ALLOWANCE * MILLI:g} ms"
    for percentile in (50, 99):
        reached = float(np.percentile(latencies, percentile)) / SECOND
        yield Row(f"125 Hz live, arrival to stored, p{percentile}", reached * MILLI, against, limit * MILLI, "ms", 1.0)
    disk = float(np.percentile(syncs, 99))
    yield Row("  the disk meanwhile: 4 KiB synced, p99", disk * MILLI, "allowance", ALLOWANCE * MILLI, "ms", math.inf)


async def followed(assembly: Assembly, config: Path) -> tuple[list[int], list[float]]:
    """The latencies of a twin that follows a simulated patient, a process of its own; and those of the disk."""
    warm_up(assembly.types[0].fleet)
    source = MqttSource(settings_for("run", assembly.config, None), assembly.router().topics)
    store, stop = Stopwatch.create_or_open(assembly.config.store_path, assembly.identity), asyncio.Event()
    try:
        twin = asyncio.create_task(run(assembly, source, store, stop=stop))
        disk = asyncio.create_task(synced(config.with_name("page"), stop))
        command = (str(TWIN), "simulate", "patient", "--config", str(config), "--for", f"{LENGTH} s")
        patient = await create_subprocess_exec(*command, stdin=DEVNULL, stderr=DEVNULL)
        assert await patient.wait() == 0
        stop.set()
        await twin
    finally:
        store.close()
    assert len(store.latencies) > 0.9 * LENGTH * 125
    return store.latencies, await disk


async def synced(path: Path, stop: asyncio.Event) -> list[float]:
    """Seconds that a bare append takes until the disk has it, ten times a second."""
    seconds: list[float] = []
    with path.open("wb", buffering=0) as file:
        while not stop.is_set():
            began = time.perf_counter()
            file.write(bytes(4096))
            await asyncio.to_thread(os.fdatasync, file.fileno())
            seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)
    return seconds
