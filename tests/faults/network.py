"""Faults of what lies between: the broker restarted, the network cut, a flood, a database that is away."""

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.acceptance.deployments import Change
from tests.acceptance.running import Deployment
from tests.faults.live import account, living, patient, settled
from tests.faults.row import Outcome
from tests.servers import victoria_metrics
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Message
from twin_runtime.store.reader import Reader

AWAY = 10.0
"""Seconds without a broker."""

FLOOD = 20_000
"""Messages that hold no value, as fast as the broker takes them."""

SINK: Change = (
    '# [sinks.influx]\n# url = "http://127.0.0.1:8428"\n# org = "clinic"\n# bucket = "twins"',
    '[sinks.influx]\nurl = "http://127.0.0.1:{port}"\norg = "clinic"\nbucket = "twins"',
)
"""Switches the database of the example on."""
WITHOUT_SINK = 60.0
"""Seconds without a database."""


def broker_restarted(folder: Path) -> Outcome:
    """The broker is killed, and started again later."""
    with living(folder) as (server, deployment, run):
        with patient(deployment) as sent:
            time.sleep(8.0)
            server.kill()
            time.sleep(AWAY)
            before, began = entries(deployment), time.monotonic()
            server.start()
            run.wait_until(lambda: entries(deployment) > before)
            back = time.monotonic() - began
        figures = account(deployment, settled(deployment, run, sent), sent)
    does = "the run connects again and takes up its session; ticks without readings are forecasts, revised later"
    return Outcome(does, f"kill -9, away {AWAY:g} s, listens {back:.1f} s after its return: {figures}")


def partition(folder: Path) -> Outcome:
    """The broker holds still, as behind a cut cable: connections stay, nothing moves."""
    with living(folder) as (server, deployment, run):
        with patient(deployment) as sent:
            time.sleep(8.0)
            os.kill(server.pid, signal.SIGSTOP)
            time.sleep(AWAY)
            os.kill(server.pid, signal.SIGCONT)
        figures = account(deployment, settled(deployment, run, sent), sent)
    return Outcome("as above; what comes late within the lateness revises", f"{AWAY:g} s: {figures}")


def flood(folder: Path) -> Outcome:
    """Messages that hold no value, as fast as they go in, among those of the patient."""
    with living(folder) as (_, deployment, run):
        with patient(deployment) as sent:
            time.sleep(5.0)
            before, began = resident(run.process.pid), time.monotonic()
            asyncio.run(_flood(deployment))
            took, most = time.monotonic() - began, resident(run.process.pid)
        summary = settled(deployment, run, sent)
    rejected = sum(summary["readings"]["rejected"].values())
    rate = f"{FLOOD} in {took:.0f} s, memory {before} to {most} MiB, {rejected} refused and kept"
    return Outcome("each is refused with a code and kept", f"{rate}; {account(deployment, summary, sent)}")


async def _flood(deployment: Deployment) -> None:
    now = time.time_ns()
    messages = [Message("patient-1/abp", b'{"value": "flood"}', now) for _ in range(FLOOD)]
    await publish(messages, deployment.client("flood"), origin=now, speed=float("inf"), patience=60 * SECOND)


def resident(pid: int) -> int:
    """The memory of a process, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


def sink_down(folder: Path) -> Outcome:
    """The database is away."""
    with (
        victoria_metrics(folder / "victoria") as database,
        living(folder, (SINK[0], SINK[1].format(port=database.port))) as (_, deployment, run),
    ):
        with patient(deployment, WITHOUT_SINK + 25.0) as sent:
            time.sleep(8.0)
            database.stop()
            time.sleep(WITHOUT_SINK)
            waiting = behind(deployment)
            database.start()
            began = time.monotonic()
            run.wait_until(lambda: behind(deployment) < 100)
            caught = time.monotonic() - began
        figures = account(deployment, settled(deployment, run, sent), sent)
    does = "estimates wait in the store; the twin goes on"
    return Outcome(does, f"away {WITHOUT_SINK:g} s, {waiting} waiting, caught up in {caught:.0f} s; {figures}")


def entries(deployment: Deployment) -> int:
    """How many there are in the journal."""
    with Reader.open(deployment.store) as reader:
        return reader.sizes()[0]


def behind(deployment: Deployment) -> int:
    """How many estimates the database lacks."""
    with Reader.open(deployment.store) as reader:
        return reader.sizes()[1] - reader.cursor("influx")
