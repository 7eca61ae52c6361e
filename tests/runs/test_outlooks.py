"""Forecasts beside the ticks: what is issued and when, that a replay says the same, and what a budget leaves out."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ward import EPOCH, TICK, at, messages, recorded, ward
from twin_runtime.core import FIGURES, SECOND, Bulletin, Code
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.branch import advanced, posteriors
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.replay import admitted, replay_recording, replay_store, steps
from twin_runtime.runs.stored_summary import stored_summary
from twin_runtime.runs.verification import verified
from twin_runtime.store.bulletins import Scored
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.testing import MemoryRecording, MemorySource

SOON = {"name": "soon", "horizon": "400 ms", "step": "200 ms", "every": "800 ms", "quantities": ["pressure"]}
TICKS = 100
EVERY = 20
DUE = [EPOCH // TICK + n for n in range(1, TICKS + 1) if (EPOCH // TICK + n) % EVERY == 0]


def looking(patients: int = 1, *, forecast: Any = SOON, limits: Sequence[Any] = ()) -> Assembly:  # noqa: ANN401
    return ward(patients, forecasts=[forecast], limits=limits)


def forecasts(path: Path, kind: str = "forecast") -> list[Bulletin]:
    with Reader.open(path) as reader:
        return list(reader.bulletins_of(kind))


@pytest.fixture
def replayed(tmp_path: Path) -> Path:
    path = tmp_path / "replayed.db"
    replay_recording(looking(2), MemoryRecording(recorded(TICKS, 2)), store=path)
    return path


async def lived(path: Path, assembly: Assembly, ticks: int = TICKS, patients: int = 1) -> dict[str, Any]:
    """A live run at twice the pace of its asset, so that there is time between the ticks."""
    sent = messages(ticks, patients)
    batches = [sent[k : k + 2 * patients] for k in range(0, len(sent), 2 * patients)]
    source = MemorySource(batches, pause=TICK / SECOND / 2.0)
    with Store.create_or_open(path, assembly.identity) as store:
        return await run(assembly, source, store, ending=Ending(until=at(ticks - 4)))


async def test_scores_that_cannot_be_read_cost_the_run_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of another version, sealed as they should be: the run keeps its last state, and says so."""
    path, assembly = tmp_path / "lived.db", looking()
    await lived(path, assembly)
    with Store.create_or_open(path, assembly.identity) as store:
        store.write(scored=[Scored(0, 0, '{"leads": 3}')])
        source = MemorySource([])
        reported = await run(assembly, source, store, ending=Ending(idle=SECOND // 10))
    assert reported["state_hash"] is not None
    assert "forecasts are not compared with what came" in caplog.text


class TestIssued:
    def test_they_are_due_by_the_numbers_of_the_ticks(self, replayed: Path) -> None:
        found = forecasts(replayed)
        assert [(bulletin.tick, bulletin.twin) for bulletin in found] == [
            (number, twin) for number in DUE for twin in ("patient-0", "patient-1")
        ]
        assert [found[0].body["issued"] + lead for lead in found[0].body["leads"]] == [
            (DUE[0] + ahead) * TICK for ahead in (5, 10)
        ]

    def test_they_are_what_a_branch_from_that_tick_says(self, replayed: Path) -> None:
        """The same posterior, the same random numbers: mean, sd and quantiles of the members of a branch."""
        issued = forecasts(replayed)[4]
        [begin] = posteriors(looking(2), replayed, issued.tick * TICK)
        for k, (_, members) in enumerate(advanced(begin, [5, 10])):
            pressure = members[0, :, 0]
            expected = pressure.mean(), pressure.std(ddof=1), *np.quantile(pressure, (0.05, 0.5, 0.95))
            told = [issued.body["quantities"]["pressure"][name][k] for name in FIGURES]
            assert told == pytest.approx(expected, rel=1e-12)

    def test_looking_ahead_changes_no_state(self, tmp_path: Path) -> None:
        recording = MemoryRecording(recorded(TICKS, 2))
        plain = replay_recording(ward(2), recording, store=tmp_path / "plain.db")
        ahead = replay_recording(looking(2), recording, store=tmp_path / "ahead.db")
        assert ahead["state_hash"] == plain["state_hash"]

    def test_a_replay_of_the_store_says_the_same(self, replayed: Path) -> None:
        assert replay_store(looking(2), replayed)["forecasts_again"] == {"same": 2 * len(DUE)}

    def test_a_twin_has_the_same_forecast_whatever_the_others_are(self, replayed: Path, tmp_path: Path) -> None:
        alone = tmp_path / "alone.db"
        replay_recording(looking(1), MemoryRecording(recorded(TICKS, 1)), store=alone)
        assert [b.body for b in forecasts(alone)] == [b.body for b in forecasts(replayed) if b.twin == "patient-0"]


class TestLive:
    async def test_a_live_run_issues_what_its_replay_does(self, tmp_path: Path) -> None:
        path, generous = tmp_path / "live.db", {**SOON, "budget": 1.0}
        assembly = looking(forecast=generous)
        await lived(path, assembly)
        counted = replay_store(assembly, path)["forecasts_again"]
        assert counted.keys() == {"same"}
        told = summary(path)["forecasts"]["soon"]
        ran = [number for number in DUE if number <= EPOCH // TICK + TICKS - 4]
        assert told["issued"] + told["skipped"] == len(ran)
        assert told["issued"] == counted["same"] > 0

    async def test_what_a_budget_has_no_room_for_is_skipped_and_counted(self, tmp_path: Path) -> None:
        """A forecast of 40 s in every tick, for a thousandth of the time: a run of moments finishes a few at most."""
        path = tmp_path / "live.db"
        much = {**SOON, "horizon": "400 s", "step": "400 s", "every": "40 ms", "budget": 0.001}
        state = await lived(path, looking(forecast=much))
        told = summary(path)["forecasts"]["soon"]
        assert told["skipped"] > told["issued"]
        assert told["issued"] + told["skipped"] == TICKS - 4
        plain = tmp_path / "plain.db"
        assert state["state_hash"] == (await lived(plain, ward()))["state_hash"]

    async def test_a_run_that_goes_on_counts_what_was_lost_between(self, tmp_path: Path) -> None:
        path, assembly = tmp_path / "live.db", looking(forecast={**SOON, "budget": 1.0})
        await lived(path, assembly, 70)
        before = [bulletin.tick for bulletin in forecasts(path)]
        with Store.create_or_open(path, assembly.identity) as store:  # as if it had died before it was written
            store._writing.execute("DELETE FROM bulletin WHERE tick = ?", (before[-1],))
        await lived(path, assembly)
        ran = [number for number in DUE if number <= EPOCH // TICK + TICKS - 4]
        told = summary(path)["forecasts"]["soon"]
        assert told["issued"] + told["skipped"] == len(ran)
        assert before[-1] in {bulletin.tick for bulletin in forecasts(path, "skipped")}

    async def test_forecasts_are_verified_when_their_time_has_come(self, tmp_path: Path) -> None:
        path = tmp_path / "live.db"
        await lived(path, looking(forecast={**SOON, "budget": 1.0}))
        rows = summary(path)["forecast_skill"]
        assert [row["seconds"] for row in rows] == [0.2, 0.4]
        assert all(row["count"] > 0 for row in rows)


def summary(path: Path) -> dict[str, Any]:
    with Reader.open(path) as reader:
        return stored_summary(reader)


def test_scores_do_not_depend_on_how_often_they_are_made(tmp_path: Path, replayed: Path) -> None:
    """All at the end of a replay, and in parts as more of the past is closed."""
    assembly, path = looking(2), tmp_path / "parts.db"
    with Store.create_or_open(path, assembly.identity) as store:
        fold = Fold(assembly, "stream", at(TICKS))
        fold.look_ahead()
        for taken, records in in_parts(fold):
            store.write(taken, records, bulletins=fold.bulletins())
            store.write(scored=[verified(store, of, end) for of, end in fold.closed_ends()])
        store.write(scored=[verified(store, assembly.types[0], at(TICKS))])
    assert summary(path)["forecast_skill"] == summary(replayed)["forecast_skill"]
    assert len(summary(path)["forecast_skill"]) == 4


def in_parts(fold: Fold) -> Iterator[tuple[list[Any], list[Any]]]:
    assembly = fold.assembly
    entries = [e for e in admitted(assembly, recorded(TICKS, 2), {}) if e.code is Code.ACCEPTED]
    yield from steps(fold, entries)


def test_nothing_waits_for_forecasts_that_nobody_wants(tmp_path: Path) -> None:
    asyncio.run(lived(tmp_path / "plain.db", ward()))
    assert "forecasts" not in summary(tmp_path / "plain.db")
