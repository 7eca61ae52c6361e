"""Real processes: the command line as it is installed, a deployment with its own broker, and conditions to wait for."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.acceptance.deployments import PATIENT, Case, Change, Finder, case_of, configured, section
from tests.servers import Server
from twin_adapters.mqtt import MqttSettings
from twin_adapters.recordings import load
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader

TWIN = Path(sys.executable).with_name("twin")
PATIENCE = 120.0
"""Seconds until a condition counts as never met: a detector of failures, not a pace. A first start compiles kernels."""


@dataclass
class Deployment:
    """The artery example with a broker of its own, its files in ``folder``, and the surgical patient."""

    folder: Path
    broker: Server
    find: Finder
    changes: Sequence[Change] = ()
    runs: int = field(default=0, init=False)

    @cached_property
    def config(self) -> Path:
        """The configuration file."""
        address = ("127.0.0.1:1883", f"127.0.0.1:{self.broker.port}")
        return configured(self.folder, "artery", address, *self.changes)

    @cached_property
    def data(self) -> Path:
        """The folder of the recording; skips the test where it is absent."""
        return self.find("surgery-patient")

    def patient(self, seconds: float) -> Case:
        """The beginning of the recording, for this deployment."""
        return case_of(self.config, section(load(PATIENT, self.data), seconds))

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self.folder / "artery.db"

    @contextmanager
    def run(self, *options: str, crash: str = "", **environment: str) -> Iterator["Running"]:
        """``twin run``, ended at the latest with the block; ``crash`` names the point at which it is to die."""
        self.runs += 1
        command = [str(TWIN), "run", str(self.config), "--json", *options]
        with started(command, self.folder / f"run-{self.runs}", TWIN_CRASH=crash, **environment) as running:
            yield running

    @contextmanager
    def play(self, *options: str) -> Iterator["Running"]:
        """``twin play`` of the patient's recording."""
        command = [str(TWIN), "play", str(PATIENT), "--data", str(self.data), "--config", str(self.config), *options]
        with started(command, self.folder / "play") as running:
            yield running

    def client(self, name: str) -> MqttSettings:
        """How a client of that name reaches the broker."""
        return MqttSettings(broker=f"mqtt://127.0.0.1:{self.broker.port}", client_id=name)

    def replay(self, source: Path, *options: str) -> dict[str, Any]:
        """The summary of ``twin replay``."""
        given = ["--data", str(self.data)] if source.suffix == ".toml" else []
        command = [str(TWIN), "replay", str(self.config), str(source), *given, *options, "--json"]
        with started(command, self.folder / "replay") as running:
            return running.summary(600)

    def holds(self, condition: Callable[[Reader], bool]) -> bool:
        """Whether the store is there and meets a condition."""
        try:
            with Reader.open(self.store) as reader:
                return condition(reader)
        except StoreError:
            return False

    @property
    def subscriptions(self) -> int:
        """How often a run has asked the broker for its topics; needs ``log_type subscribe``."""
        return self.broker.log.read_text().count(" twin-artery 1 patient-1/r_peak")


@dataclass
class Running:
    """A process that has been started, and what it writes."""

    process: Popen[bytes]
    output: Path
    errors: Path

    @property
    def is_dead(self) -> bool:
        """Whether it has ended by a signal."""
        return (self.process.poll() or 0) < 0

    def wait_until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Return once the condition is met; fail if the process ends before."""
        deadline = time.monotonic() + patience
        while not condition():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.errors.read_text()}"
            assert time.monotonic() < deadline, f"waited {patience} s in vain: {self.errors.read_text()}"
            time.sleep(0.05)

    def summary(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end; the JSON object that it has printed."""
        assert self.process.wait(patience) == 0, self.errors.read_text()
        assert "Traceback" not in self.errors.read_text()
        summary: dict[str, Any] = json.loads(self.output.read_text())
        return summary

    def stop(self) -> dict[str, Any]:
        """Ask it to end as a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        return self.summary()

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def died(self, patience: float = PATIENCE) -> None:
        """Wait until it has died of SIGKILL."""
        assert self.process.wait(patience) == -signal.SIGKILL, self.errors.read_text()


@contextmanager
def started(command: Sequence[str], files: Path, **environment: str) -> Iterator[Running]:
    """A process that does not outlive the block; its output lies in ``files`` with suffixes .out and .err."""
    output, errors = files.with_suffix(".out"), files.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        process = Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=os.environ | environment)
    try:
        yield Running(process, output, errors)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
