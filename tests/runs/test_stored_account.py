"""What a store says of its run at any moment: an exact account, a resumed run's own part, verdicts that expire."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.acceptance.ledger import balance
from tests.ward import TICK, at, message, messages, ward
from twin_runtime.core import SECOND, StoredEstimate
from twin_runtime.errors import EstimatesRefused
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.stored_summary import stored_summary
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.testing import MemorySink, MemorySource

IDLE = Ending(idle=SECOND // 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.create_or_open(path, ward(2).identity) as store:
        yield store


def waiting(path: Path) -> tuple[int, int]:
    """What the tables say for themselves: how many accepted readings lie at or behind the newest estimate's end."""
    with sqlite3.connect(path) as connection:
        [frontier] = connection.execute("SELECT coalesce(max(tick) + 1, 0) FROM estimate").fetchone()
        query = "SELECT count(*), coalesce(sum(time >= ?), 0) FROM journal WHERE code = 'accepted'"
        accepted, pending = connection.execute(query, (frontier * TICK,)).fetchone()
    connection.close()
    return accepted, pending


async def test_the_account_of_a_running_store_is_exact_at_every_moment(store: Store, path: Path) -> None:
    seen = set[int]()

    async def look() -> None:
        while True:
            before = waiting(path)
            with Reader.open(path) as reader:
                readings = stored_summary(reader)["readings"]
            if waiting(path) == before:
                assert balance(readings) == 0
                assert (readings["accepted"], readings["pending"]) == before
                seen.add(readings["accepted"])
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    sent = messages(60, 2)
    source = MemorySource([sent[k : k + 6] for k in range(0, len(sent), 6)], pause=0.002)
    await run(ward(2), source, store, ending=IDLE)
    assert not looking.done(), looking.exception()
    looking.cancel()
    assert len(seen) > 5


async def test_a_resumed_run_tells_its_own_part_from_the_whole(store: Store, path: Path) -> None:
    sent = messages(60, 2)
    first = await run(ward(2), MemorySource([sent[:160]]), store, ending=IDLE)
    bad = message(50, 1e6)
    second = await run(ward(2), MemorySource([[*sent[160:], bad, sent[-1]]]), store, ending=IDLE)
    own = second["this_run"]
    assert (first["ticks"], second["ticks"], own["ticks"]) == (40, 60, 20)
    assert own["readings"]["accepted"] == 82
    assert own["readings"]["rejected"] == {"out-of-range": 1}
    assert own["readings"]["duplicate"] == 1
    assert own["readings"]["assimilated"] == 80
    assert second["readings"]["assimilated"] == 240
    with Reader.open(path) as reader:
        shown = stored_summary(reader)
    assert (shown["ticks"], shown["readings"]) == (60, second["readings"])


async def test_sinks_are_accounted_for(store: Store, path: Path) -> None:
    class Picky(MemorySink):
        async def send(self, estimates: Sequence[StoredEstimate]) -> None:
            if any(estimate.position == 7 for estimate in estimates):
                raise EstimatesRefused("HTTP 422: the seventh")
            await super().send(estimates)

    down = MemorySink("down", failures=10**6)
    reported = await run(ward(2), MemorySource([messages(60, 2)]), store, sinks=[Picky("picky"), down], ending=IDLE)
    expected = {
        "down": {"sent": 0, "refused": 0, "waiting": 120},
        "picky": {"sent": 119, "refused": 1, "waiting": 0},
    }
    assert reported["sinks"] == expected
    assert reported["this_run"]["sinks"]["picky"]["sent"] == 119
    assert "are to fail" in reported["this_run"]["sinks"]["down"]["error"]
    with Reader.open(path) as reader:
        assert stored_summary(reader)["sinks"] == expected


async def test_the_verdict_of_a_dead_run_has_expired_and_it_says_since_when(tmp_path: Path) -> None:
    dead = ward(2, clock="wall", validity="10 s")
    with Store.create_or_open(tmp_path / "dead.db", dead.identity) as store:
        await run(ward(2, validity="10 s"), MemorySource([messages(60, 2)]), store, ending=IDLE)
    with Reader.open(tmp_path / "dead.db") as reader:
        alive, over = (stored_summary(reader, at(60) + round(s * SECOND)) for s in (9.0, 15.0))
    assert alive["verdict"] in ("trusted", "degraded", "untrusted")
    assert alive["validity"]["expired_seconds"] is None
    assert (over["verdict"], over["validity"]["expired_seconds"]) == ("expired", 5.0)
    assert over["validity"]["expired_twins"] == ["patient-0", "patient-1"]


async def test_a_damaged_tally_is_noticed_and_stops_no_run(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await run(ward(2), MemorySource([messages(20, 2)]), store, ending=IDLE)
    store.close()
    with sqlite3.connect(path) as vandal:
        vandal.execute("UPDATE tally SET assimilated = assimilated + 1")
    vandal.close()
    with Reader.open(path) as reader:
        assert reader.damage() == ["the tally of type 0"]
    with Store.create_or_open(path, ward(2).identity) as again:
        reported = await run(ward(2), MemorySource([messages(5, 2, 20)]), again, ending=IDLE)
    assert "the tally of type 0 is damaged" in caplog.text
    assert (reported["readings"]["assimilated"], reported["this_run"]["ticks"]) == (100, 5)
