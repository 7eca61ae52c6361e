"""A live run over a real broker gives the same states as the replay of the file, at any pace and in any order."""

import asyncio
import random

import pytest

from tests.acceptance.deployments import PATIENT, shuffled
from tests.acceptance.folding import folded
from tests.acceptance.ledger import balance, history_of
from tests.acceptance.running import Deployment
from twin_adapters.publishing import publish
from twin_adapters.recordings import load
from twin_runtime.cli.options import instant_text
from twin_runtime.core import SECOND
from twin_runtime.store.reader import Reader

pytestmark = pytest.mark.timeout(600)


@pytest.mark.slow
def test_sixty_seconds_in_real_pace(deployment: Deployment) -> None:
    until = instant_text((load(PATIENT, deployment.data).start // SECOND + 60) * SECOND)
    with deployment.run("--until", until) as live:
        live.wait_until(lambda: deployment.subscriptions == 1)
        with deployment.play("--speed", "1", "--for", "62 s"):
            lived = live.summary(120)
    replayed = deployment.replay(PATIENT, "--until", until)
    assert balance(lived["readings"]) == 0
    assert lived["frontier"] == replayed["frontier"]
    assert lived["state_hash"] == replayed["state_hash"]
    assert lived["estimates"] == replayed["estimates"]


@pytest.mark.slow
def test_the_whole_recording_at_twenty_times_the_pace(deployment: Deployment) -> None:
    with deployment.run("--idle", "15 s") as live:
        live.wait_until(lambda: deployment.subscriptions == 1)
        with deployment.play("--speed", "20") as player:
            assert player.process.wait(300) == 0
        lived = live.summary(120)
    replayed, again = deployment.replay(PATIENT), deployment.replay(deployment.store)
    assert lived["readings"] == replayed["readings"] == again["readings"]
    assert lived["readings"]["accepted"] == len(load(PATIENT, deployment.data))
    assert balance(lived["readings"]) == 0
    assert lived["state_hash"] == replayed["state_hash"] == again["state_hash"]
    assert lived["estimates"] == replayed["estimates"] == again["estimates"]
    with Reader.open(deployment.store) as reader:
        assert history_of(reader).is_contiguous(twins=1)


async def test_any_order_within_the_lateness_over_a_broker(deployment: Deployment) -> None:
    """Up to 20 s late: one message may have 500 ticks folded again."""
    deployment.changes = [('lateness = "5 s"', 'lateness = "20 s"')]
    case = deployment.patient(seconds=20)
    expected, arriving = folded(case, case.messages), shuffled(case.messages, case.lateness, random.Random(5))

    def all_is_done(reader: Reader) -> bool:
        if sum(reader.counts().values()) != len(arriving) or reader.frontier() != expected.frontier:
            return False
        return history_of(reader).newest == expected.history.newest  # nothing is left to be revised

    with deployment.run() as live:
        await asyncio.to_thread(live.wait_until, lambda: deployment.subscriptions == 1)
        await publish(arriving, deployment.client("monitor"), origin=case.messages[0].arrival, speed=10.0)
        await asyncio.to_thread(live.wait_until, lambda: deployment.holds(all_is_done))
        lived = live.stop()
    assert lived["readings"]["late"] == 0
    assert balance(lived["readings"]) == 0
    assert lived["state_hash"] == expected.fold.state_hash == deployment.replay(deployment.store)["state_hash"]
    with Reader.open(deployment.store) as reader:
        assert list(reader.accepted()) == case.readings
        history = history_of(reader)
    assert history.revised > 256
    assert history.newest == expected.history.newest
