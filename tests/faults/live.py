"""A live deployment to which faults happen: the artery example on the wall clock, a broker, a patient that sends."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.deployments import Change, simulated
from tests.acceptance.ledger import balance, history_of
from tests.acceptance.running import Deployment, Running
from tests.servers import Server, mosquitto
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.store.reader import Reader

WALL: Change = ('clock = "stream"', 'clock = "wall"')
PATIENT_SENDS = 30.0
"""Seconds that a patient sends, unless a fault needs longer."""


@dataclass
class Patient:
    """A patient whose monitor sends from now on, in a thread."""

    messages: Sequence[Message]
    thread: threading.Thread
    epoch: int

    def wait(self) -> None:
        """Return when all has been sent."""
        self.thread.join()

    @property
    def end(self) -> int:
        """The time of the last message."""
        return self.messages[-1].arrival


def no_recording(name: str) -> Path:
    """The patient is simulated: no recording is needed."""
    pytest.skip(f"needs the recording {name}")


def deployed(folder: Path, broker: Server, *changes: Change) -> Deployment:
    """The example with its files in a folder."""
    return Deployment(folder, broker, no_recording, [WALL, *changes])


@contextmanager
def broker(folder: Path, *lines: str) -> Iterator[Server]:
    """A mosquitto that keeps what it takes and logs subscriptions."""
    with mosquitto(folder / "mosquitto", ["allow_anonymous true", "log_type all", *lines]) as server:
        yield server


@contextmanager
def patient(deployment: Deployment, seconds: float = PATIENT_SENDS, port: int = 0) -> Iterator[Patient]:
    """A patient that sends in real time; ``port``: to another address than the deployment's broker."""
    epoch = time.time_ns()
    messages = simulated("patient-1", 1, epoch, seconds)
    client = deployment.client("monitor")
    if port:
        client = client.model_copy(update={"broker": f"mqtt://127.0.0.1:{port}"})

    def send() -> None:
        asyncio.run(publish(messages, client, origin=epoch, patience=600 * SECOND))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield Patient(messages, thread, epoch)
    thread.join()


def ready(deployment: Deployment, run: Running) -> None:
    """Wait until the run listens."""
    before = deployment.subscriptions
    run.wait_until(lambda: deployment.subscriptions > before or deployment.subscriptions >= deployment.runs)


@contextmanager
def living(folder: Path, *changes: Change, **environment: str) -> Iterator[tuple[Server, Deployment, Running]]:
    """A broker, a deployment with its files in a folder, and a run of it that listens."""
    with broker(folder) as server:
        deployment = deployed(folder, server, *changes)
        with deployment.run(**environment) as run:
            ready(deployment, run)
            yield server, deployment, run


def settled(
    deployment: Deployment, run: Running, sent: Patient, patience: float = 20.0, tick: int = 40_000_000
) -> dict[str, Any]:
    """Stop a run once it has estimates up to the last message, or after so many seconds; its summary."""

    def is_done(reader: Reader) -> bool:
        return (reader.frontier() or 0) * tick >= sent.end and missing(reader, sent) == 0

    try:
        run.wait_until(lambda: deployment.holds(is_done), patience)
    except AssertionError:
        if run.process.poll() is not None:
            raise
    return run.stop()


def missing(reader: Reader, sent: Patient) -> int:
    """How many of the messages sent have no entry in the journal, neither as a reading nor as one that was refused."""
    entries = [entry for _, entry in reader.entries()]
    known = {entry.reading.time for entry in entries if entry.reading is not None}
    refused = {(entry.topic, entry.payload) for entry in entries if entry.reading is None}
    unknown = (message for message in sent.messages if (message.topic, message.payload) not in refused)
    return len({message.arrival for message in unknown} - known)


def account(deployment: Deployment, summary: dict[str, Any], sent: Patient) -> str:
    """What was lost, missing or unexplained at the end, and whether a replay of the store gives the same states."""
    with Reader.open(deployment.store) as reader:
        lost, history = missing(reader, sent), history_of(reader)
        late = reader.counts()[0, Code.LATE]
    whole = "none missing" if history.is_contiguous(1) else "ESTIMATES MISSING"
    same = deployment.replay(deployment.store)["state_hash"] == summary["state_hash"]
    return (
        f"{len(sent.messages)} readings sent, {lost} lost, {late} too late; estimates: {whole}; "
        f"unaccounted {balance(summary['readings'])}; replay {'equal' if same else 'DIFFERENT'}"
    )
