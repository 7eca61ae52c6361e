"""Faults of processes: killed, stopped, started twice, started with a wrong configuration."""

import random
import signal
import time
from pathlib import Path

from tests.acceptance.deployments import Change
from tests.acceptance.test_mistakes import MISTAKES
from tests.faults.live import account, broker, deployed, living, patient, ready, settled
from tests.faults.row import Outcome

KILLS = 10
FAST: Change = ('tick = "40 ms"', 'tick = "0.2 ms"')
STALL = 15.0
"""Seconds; longer than the lateness of the example, 5 s."""


def killed(folder: Path) -> Outcome:
    """Kill -9 at random moments, of the start and of the work."""
    rng = random.Random(1)
    with living(folder) as (_, deployment, first):
        first.kill()
        with patient(deployment, 60.0) as sent:
            for number in range(KILLS):
                with deployment.run() as run:
                    if number % 2:
                        ready(deployment, run)
                    time.sleep(rng.uniform(0.0, 3.0))
                    run.kill()
            with deployment.run() as run:
                sent.wait()
                figures = account(deployment, settled(deployment, run, sent), sent)
    return Outcome("the broker keeps what was not acknowledged; the next start goes on", f"{KILLS} kills: {figures}")


def stalled(folder: Path) -> Outcome:
    """The process stands still for longer than the lateness."""
    with living(folder) as (_, deployment, run):
        with patient(deployment) as sent:
            time.sleep(5.0)
            run.process.send_signal(signal.SIGSTOP)
            time.sleep(STALL)
            run.process.send_signal(signal.SIGCONT)
        figures = account(deployment, settled(deployment, run, sent), sent)
    return Outcome("what lies unread is read before ticks run", f"stopped for {STALL:g} s: {figures}")


def overloaded(folder: Path) -> Outcome:
    """Five thousand ticks a second are asked for: more than one core can run."""
    with living(folder, FAST) as (_, deployment, run):
        with patient(deployment, 10.0) as sent:
            time.sleep(8.0)
            began = time.monotonic()
            behind = run.stop()["behind"]["most"]
            answered = time.monotonic() - began
        with deployment.run() as again:
            figures = account(deployment, settled(deployment, again, sent, 240.0, tick=200_000), sent)
    does = "what comes is read and acknowledged first; ticks catch up, none is skipped; how far behind is told"
    return Outcome(
        does, f"at most {behind:.1f} s behind after 8 s, SIGTERM answered in {answered:.1f} s; then {figures}"
    )


def two_runtimes(folder: Path) -> Outcome:
    """A second run of the same deployment while the first goes on."""
    with living(folder) as (_, deployment, first):
        with patient(deployment, 15.0) as sent:
            time.sleep(3.0)
            with deployment.run() as second:
                refused = second.process.wait(60)
            reason = second.errors.read_text().strip().splitlines()[0]
        figures = account(deployment, settled(deployment, first, sent), sent)
    return Outcome(f"the second ends with {refused}: {reason.rpartition(': ')[2][:90]}", f"the first: {figures}")


def misconfigured(folder: Path) -> Outcome:
    """Configurations with one mistake each."""
    ends = []
    with broker(folder) as server:
        for number, (change, expected) in enumerate(MISTAKES.values()):
            place = folder / str(number)
            place.mkdir()
            deployment = deployed(place, server, change)
            with deployment.run() as run:
                ends.append(run.process.wait(60) == 2 and expected in run.errors.read_text())
    figures = f"{sum(ends)} of {len(ends)} mistakes named, nothing connected, no store made"
    return Outcome("ends with 2 before anything is connected: where, what was expected, what came, remedy", figures)
