"""A run that dies at a named boundary is started again and ends like one that never died.

Its estimates are smoothed: each is revised ten ticks after its own, and may be lost or doubled in between.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from tests.acceptance.deployments import SMOOTHED, Case, Finder, smoothed
from tests.acceptance.folding import Outcome, folded
from tests.acceptance.ledger import balance, history_of
from tests.acceptance.running import PATIENCE, Deployment
from twin_adapters.mqtt import MqttSource
from twin_adapters.publishing import publish
from twin_runtime.core import Message
from twin_runtime.crash import POINTS
from twin_runtime.store.reader import Reader

pytestmark = pytest.mark.timeout(300)

WITH_A_SINK = ("# [sinks.mqtt]\n# topic", "[sinks.mqtt]\ntopic")
KEPT_FOR_THE_DESK = ("seed = 1", 'seed = 1\nvalidity = "1 h"')
"""The desk is away during the run: what is no longer valid would not be kept for it."""
PASSAGES = {"tick": (1, 2, 3, 200), "checkpoint": (1, 2)}
"""The first tick of all is that of the warm-up, before anything is connected."""
OF_A_RUN = tuple(point for point in POINTS if point != "chapter")
"""A chapter begins before anything is connected: see tests/cli/test_chapters.py."""
MATRIX = [(point, passage) for point in OF_A_RUN for passage in PASSAGES.get(point, (1, 2, 6))]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, recording: Finder) -> Case:
    return smoothed(tmp_path_factory.mktemp("uninterrupted"), recording)


@pytest.fixture(scope="module")
def uninterrupted(case: Case) -> Outcome:
    return folded(case, case.messages)


@pytest.fixture
async def deployment(deployment: Deployment, case: Case) -> Deployment:
    """The same with a sink, at a broker that knows the twin and the desk, and keeps what comes for them."""
    deployment.changes = [WITH_A_SINK, SMOOTHED, KEPT_FOR_THE_DESK]
    twin, desk = deployment.client("twin-artery"), deployment.client("desk")
    async with MqttSource(twin, case.assembly.router().topics), MqttSource(desk, ["patient-1/estimate"]):
        return deployment


async def test_one_run_after_the_other_is_killed_at_another_boundary(
    deployment: Deployment, case: Case, uninterrupted: Outcome
) -> None:
    share = len(case.messages) // len(OF_A_RUN) + 1
    for number, point in enumerate(OF_A_RUN):
        passage = 1 if point == "checkpoint" else 2  # seconds lie between two checkpoints
        await dies(deployment, f"{point}:{passage}", case.messages[number * share : (number + 1) * share])
    await recovers(deployment, case, uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize(("point", "passage"), MATRIX)
async def test_a_run_is_killed_at(
    deployment: Deployment, case: Case, uninterrupted: Outcome, point: str, passage: int
) -> None:
    await dies(deployment, f"{point}:{passage}", case.messages)
    await recovers(deployment, case, uninterrupted)


async def dies(deployment: Deployment, crash: str, messages: Sequence[Message]) -> None:
    """A run to which a monitor sends, at ten times real time, until it is dead, and goes on sending."""
    before = deployment.subscriptions
    with deployment.run(crash=crash) as run:
        await asyncio.to_thread(run.wait_until, lambda: run.is_dead or deployment.subscriptions > before)
        await publish(messages, deployment.client("monitor"), origin=messages[0].arrival, speed=10.0)
        await asyncio.to_thread(run.died)


async def recovers(deployment: Deployment, case: Case, uninterrupted: Outcome) -> None:
    def all_is_done(reader: Reader) -> bool:
        """Every reading has come, every tick that is due has run, every estimate has been delivered."""
        come = sum(reader.counts().values()) >= len(case.messages)
        run = come and reader.frontier() == uninterrupted.frontier
        return run and not reader.estimates(reader.cursor("mqtt"), 1)

    with deployment.run() as run:
        await asyncio.to_thread(run.wait_until, lambda: deployment.holds(all_is_done))
        summary = run.stop()
    assert summary["state_hash"] == uninterrupted.fold.state_hash
    assert balance(summary["readings"]) == 0
    with Reader.open(deployment.store) as reader:
        assert list(reader.accepted()) == case.readings
        history = history_of(reader)
        assert history.newest == uninterrupted.history.newest
        await desk_hears(deployment, {(e.time, e.revision) for e in reader.estimates(limit=10_000)})


async def desk_hears(deployment: Deployment, estimates: set[tuple[int, int]]) -> None:
    """All that was published for the desk holds every estimate; some may have come twice."""
    async with asyncio.timeout(PATIENCE), MqttSource(deployment.client("desk"), ["patient-1/estimate"]) as desk:
        async for batch in desk.batches():
            delivered = (msgspec.json.decode(message.payload) for message in batch)
            estimates -= {(estimate["time_ns"], estimate["revision"]) for estimate in delivered}
            if not estimates:
                return
