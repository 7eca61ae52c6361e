"""Killed with -9 at random moments and started again, while the patient goes on: as if it had never been killed."""

import asyncio
import random
import time

import pytest

from tests.acceptance.deployments import PATIENT, simulated
from tests.acceptance.folding import folded
from tests.acceptance.ledger import balance, history_of
from tests.acceptance.running import Deployment
from twin_adapters.publishing import publish
from twin_runtime.cli.options import instant_text
from twin_runtime.core import Code
from twin_runtime.store.reader import Reader

pytestmark = pytest.mark.timeout(1200)

KILLS = 20


@pytest.mark.slow
def test_killed_at_twenty_random_moments(deployment: Deployment) -> None:
    case = deployment.patient(seconds=1250)
    uninterrupted = folded(case, case.messages)
    with deployment.run() as run:
        run.wait_until(lambda: deployment.subscriptions == 1)
        run.kill()

    def all_is_done(reader: Reader) -> bool:
        come = sum(reader.counts().values()) >= len(case.messages)
        return come and reader.frontier() == uninterrupted.frontier

    with deployment.play("--speed", "12") as player:
        kill_again_and_again(deployment, random.Random(9))
        with deployment.run() as run:
            assert player.process.wait(300) == 0
            run.wait_until(lambda: deployment.holds(all_is_done), 300)
            lived = run.stop()

    assert lived["readings"]["accepted"] >= len(case.messages)
    assert balance(lived["readings"]) == 0
    with Reader.open(deployment.store) as reader:
        assert list(reader.accepted()) == case.readings
        history = history_of(reader)
    assert history.is_contiguous(twins=1)
    assert history.newest == uninterrupted.history.newest
    assert lived["state_hash"] == uninterrupted.fold.state_hash
    until = instant_text(lived["frontier"] * case.assembly.types[0].fleet.tick)
    assert lived["state_hash"] == deployment.replay(PATIENT, "--until", until)["state_hash"]
    assert lived["state_hash"] == deployment.replay(deployment.store)["state_hash"]


async def test_what_the_broker_kept_for_a_killed_twin_is_not_late(deployment: Deployment) -> None:
    """On the wall clock, away for longer than the lateness: what was kept comes before the time that was missed."""
    deployment.changes = [('clock = "stream"', 'clock = "wall"'), ('lateness = "5 s"', 'lateness = "0.5 s"')]
    with deployment.run() as run:
        await asyncio.to_thread(run.wait_until, lambda: deployment.subscriptions == 1)
        await live_for_half_a_second(deployment)
        await asyncio.to_thread(run.wait_until, lambda: deployment.holds(lambda reader: reader.frontier() is not None))
        run.kill()
    missed, count = await live_for_half_a_second(deployment)
    await asyncio.sleep(1.0)

    def missed_entries(reader: Reader) -> list[Code]:
        return [e.code for _, e in reader.entries() if e.reading is not None and e.reading.time >= missed]

    with deployment.run() as run:
        await asyncio.to_thread(run.wait_until, lambda: deployment.holds(lambda r: len(missed_entries(r)) >= count))
        summary = run.stop()
    with Reader.open(deployment.store) as reader:
        assert set(missed_entries(reader)) == {Code.ACCEPTED}
    assert balance(summary["readings"]) == 0
    assert summary["state_hash"] == deployment.replay(deployment.store)["state_hash"]


async def live_for_half_a_second(deployment: Deployment) -> tuple[int, int]:
    """A simulated patient; when that time began, and how many readings it gave."""
    epoch = time.time_ns()
    messages = simulated("patient-1", 1, epoch, 0.5)
    await publish(messages, deployment.client("monitor"), origin=epoch)
    return epoch, len(messages)


def kill_again_and_again(deployment: Deployment, rng: random.Random) -> None:
    """Every second run is killed at any moment after its start, the others at any moment of their work."""
    for number in range(KILLS):
        before = deployment.subscriptions
        with deployment.run() as run:
            if number % 2:
                run.wait_until(lambda: deployment.subscriptions > before)  # noqa: B023 - called here and now
            time.sleep(rng.uniform(0.0, 4.0))
            assert run.process.poll() is None, run.errors.read_text()
            run.kill()
