"""A long run to which random faults happen: ``python -m tests.faults.soak [MINUTES] [SEED]``, an hour without them.

The process is killed, stopped and started again, its broker restarted and cut off, its database taken away, garbage and
duplicates sent, all at random moments of one seed, while a patient sends in real time.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from tests.acceptance.running import Deployment, Running
from tests.faults.live import Patient, account, broker, deployed, patient, ready, settled
from tests.faults.network import SINK, resident
from tests.faults.row import Outcome
from tests.ingest.test_fuzz import mutated
from tests.servers import Server, victoria_metrics
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Message

MINUTES = 60.0
SHORT_MINUTES = 3.0
PAUSE = (5.0, 25.0)
"""Seconds between faults, at least and at most."""
LONG_LIFE = 120.0
"""Seconds after which the memory of a process is taken for its usual one."""
CONSOLE = Console(stderr=True)


@dataclass
class Soak:
    """One run and what happens to it."""

    deployment: Deployment
    server: Server
    database: Server
    sent: Patient
    rng: random.Random
    running: ExitStack
    run: Running
    began: float = field(default_factory=time.monotonic)
    faults: Counter[str] = field(default_factory=Counter)
    growth: list[int] = field(default_factory=list)
    usual: int = 0

    def kill(self) -> None:
        """Kill -9, and a new start."""
        self.measure()
        self.run.kill()
        self.running.close()
        time.sleep(self.rng.uniform(0, 5))
        self.run, self.began, self.usual = self.running.enter_context(self.deployment.run()), time.monotonic(), 0

    def stop(self) -> None:
        """The process stands still."""
        self._still(self.run.process.pid, 8)

    def cut_off(self) -> None:
        """The broker holds still."""
        self._still(self.server.pid, 8)

    def restart_broker(self) -> None:
        """The broker is stopped, and started again."""
        self.server.stop()
        time.sleep(self.rng.uniform(0, 5))
        self.server.start()

    def take_database(self) -> None:
        """The database is stopped, and started again."""
        self.database.stop()
        time.sleep(self.rng.uniform(0, 10))
        self.database.start()

    def garbage(self) -> None:
        """Mutated payloads on the topic of the pressure."""
        self._send([mutated(self.rng) for _ in range(200)])

    def duplicates(self) -> None:
        """The last seconds are sent again."""
        now = time.time_ns()
        again = [m for m in self.sent.messages if now - 3 * SECOND < m.arrival < now - SECOND]
        asyncio.run(publish(again, self.deployment.client("again"), origin=0, speed=float("inf")))

    def measure(self) -> None:
        """Note the memory of the process: what it has grown by since it was at its usual size."""
        if time.monotonic() - self.began > LONG_LIFE:
            now = resident(self.run.process.pid)
            self.usual = self.usual or now
            self.growth.append(now - self.usual)

    def _still(self, pid: int, most: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.rng.uniform(0, most))
        os.kill(pid, signal.SIGCONT)

    def _send(self, payloads: list[bytes]) -> None:
        messages = [Message("patient-1/abp", payload, time.time_ns()) for payload in payloads]
        asyncio.run(publish(messages, self.deployment.client("other"), origin=0, speed=float("inf")))


FAULTS: dict[str, tuple[int, Callable[[Soak], None]]] = {
    "kill -9": (1, Soak.kill),
    "stopped": (3, Soak.stop),
    "cut off": (3, Soak.cut_off),
    "broker restarted": (2, Soak.restart_broker),
    "database away": (2, Soak.take_database),
    "garbage": (3, Soak.garbage),
    "duplicates": (3, Soak.duplicates),
}
"""How often each happens, relative to the others."""


def soak(folder: Path, minutes: float = MINUTES, seed: int = 1) -> Outcome:
    """Run, let faults happen, and account for everything."""
    with ExitStack() as stack:
        server = stack.enter_context(broker(folder))
        database = stack.enter_context(victoria_metrics(folder / "victoria"))
        deployment = deployed(folder, server, (SINK[0], SINK[1].format(port=database.port)))
        running = stack.enter_context(ExitStack())
        run = running.enter_context(deployment.run())
        ready(deployment, run)
        with patient(deployment, 60 * minutes) as sent:
            life = Soak(deployment, server, database, sent, random.Random(seed), running, run)
            _live(life, sent)
            sent.wait()
        life.measure()
        summary = settled(deployment, life.run, sent)
        figures = account(deployment, summary, sent)
    happened = ", ".join(f"{count} {name}" for name, count in life.faults.most_common())
    memory = f"memory of a process grew by {max(life.growth, default=0)} MiB at most"
    return Outcome("goes on after each", f"{minutes:g} min: {happened}; {memory}; {figures}")


def short(folder: Path) -> Outcome:
    """Minutes of it, for the table of faults."""
    return soak(folder, SHORT_MINUTES)


def _live(life: Soak, sent: Patient) -> None:
    while time.time_ns() < sent.end - 30 * SECOND:
        time.sleep(life.rng.uniform(*PAUSE))
        [name] = life.rng.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])
        CONSOLE.print(f"{(sent.end - time.time_ns()) / SECOND:6.0f} s left: {name}")
        assert life.run.process.poll() is None, life.run.errors.read_text()
        FAULTS[name][1](life)
        life.faults[name] += 1
        life.measure()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
        print(soak(Path(place), minutes, int(sys.argv[2]) if len(sys.argv) > 2 else 1).figures)
