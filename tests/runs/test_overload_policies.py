"""Declared policies for overload: what is left out is decided once, journalled, counted, and the same in a replay."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.ledger import balance
from tests.runs.slow import slow_method, slow_model
from tests.runs.test_overload import Kept, since_epoch
from tests.ward import EPOCH, TICK, messages, ward
from twin_runtime.config.agreement import disagreements
from twin_runtime.config.sections import OverloadSection
from twin_runtime.core import SECOND, Code, Omission, Record
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.ingest.router import Router
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.overload import Overload, joined, left_out, omission_of
from twin_runtime.runs.replay import replay_store
from twin_runtime.runs.stored_summary import stored_summary
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

IDLE = Ending(idle=SECOND // 5)
TWINS = [f"patient-{row}" for row in range(4)]


def overloaded(policy: str, **changes: Any) -> Assembly:  # noqa: ANN401  # settings of the table
    declared = {"policy": policy, "after": "0.12 s", "span": "0.4 s", **changes}
    return ward(4, clock="wall", lateness="0.4 s", overload=declared)


async def lived(assembly: Assembly, path: Path, ticks: int, first: int | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    first = since_epoch() if first is None else first
    with Store.create_or_open(path, assembly.identity) as store:
        return await asyncio.wait_for(run(assembly, Kept(messages(ticks, 4, first)), store, ending=IDLE, **more), 40)


def same_in_replay(reported: dict[str, Any], assembly: Assembly, path: Path) -> None:
    again = replay_store(assembly, path)
    assert again["state_hash"] == reported["state_hash"]
    for key in ("overload", "readings", "verdicts"):
        assert again[key] == reported[key]
    with Reader.open(path) as reader:
        shown = stored_summary(reader)
        assert reader.damage() == []
    assert shown["overload"] == reported["overload"]
    assert shown["readings"] == reported["readings"]


async def test_readings_are_skipped_while_the_method_is_too_slow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Updates take twice as long as there is: all ticks run, some without readings, and it keeps up."""
    declared, path = overloaded("skip"), tmp_path / "ward.db"
    reported = await lived(slow_method(declared, 0.02), path, 25)
    skipped = reported["overload"]["ticks_without_readings"]
    assert 0 < skipped < reported["ticks"]
    unused = reported["readings"]["rejected"]["overload"]
    assert unused % 4 == 0
    assert 0 < unused <= 4 * skipped
    assert caplog.text.count("without readings of sensors") == 1
    assert reported["readings"]["late"] == balance(reported["readings"]) == 0
    assert reported["behind"]["most"] < 1.5
    same_in_replay(reported, declared, path)


async def test_the_least_important_twins_are_shed_while_the_model_is_too_slow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tick of all takes twice as long as there is, one of the half does not."""
    declared, path = overloaded("shed", priority=["patient-2"], span="0.6 s"), tmp_path / "ward.db"
    reported = await lived(slow_model(declared, 0.015), path, 25)
    shed = reported["overload"]["ticks_shed"]
    assert "patient-2" not in shed
    assert 0 < shed["patient-1"] <= shed["patient-3"] < reported["ticks"]
    assert reported["readings"]["rejected"]["overload"] > 0
    assert reported["readings"]["late"] == balance(reported["readings"]) == 0
    assert "run without patient-3" in caplog.text
    assert "has had no reading for" not in caplog.text
    assert "begins again" not in caplog.text
    same_in_replay(reported, declared, path)


async def test_a_run_that_is_taken_up_obeys_what_was_decided_before(tmp_path: Path) -> None:
    """Stopped amid the ticks without some twins, and taken up: the same bits as a replay of both parts."""
    declared, path, stop = overloaded("shed", span="30 s"), tmp_path / "ward.db", asyncio.Event()

    def observe(fold: Fold, records: Sequence[Record]) -> None:
        if fold.fleets[0].left_out.get("ticks_shed", {}).get("patient-3", 0) > 5:
            stop.set()

    first = since_epoch()
    reported = await lived(slow_model(declared, 0.02), path, 25, first, stop=stop, observer=observe)
    shed = reported["overload"]["ticks_shed"]
    taken_up = await lived(declared, path, 15, since_epoch())
    assert taken_up["overload"]["ticks_shed"]["patient-3"] > shed["patient-3"]
    assert balance(taken_up["readings"]) == 0
    same_in_replay(taken_up, declared, path)


def behind(declared: Assembly) -> Fold:
    """A fold after five ticks, with readings of 90 more."""
    fold, router = Fold(declared), Router([each.intake(Plausibility.recorded()) for each in declared.types])
    fold.take(entry for each in messages(5, 4) for entry in router.read(each))
    list(fold.run(EPOCH + 5 * TICK))
    fold.take(entry for each in messages(90, 4, 5) for entry in router.read(each))
    return fold


def test_a_burst_of_ticks_ends_where_the_next_decision_is_due() -> None:
    """Else the twins that are shed would come back for the ticks that happen to run before anybody looks."""
    fold = behind(overloaded("shed"))
    [entry] = fold.decide(EPOCH + 95 * TICK)
    last = omission_of(entry).last
    assert [record.tick for record in fold.run(EPOCH + 95 * TICK)][-1] == last
    [again] = fold.decide(EPOCH + 95 * TICK)
    assert omission_of(again).first == last + 1


def test_by_default_nothing_is_left_out() -> None:
    assert behind(ward(4, clock="wall")).decide(EPOCH + 95 * TICK) == []


def test_a_decision_is_an_entry_that_is_no_reading(tmp_path: Path) -> None:
    declared = overloaded("skip")
    fold = behind(declared)
    before = fold.accounting()
    [entry], next_tick = fold.decide(EPOCH + 95 * TICK), fold.fleets[0].timeline.frontier
    assert next_tick is not None
    assert entry.code is Code.DECISION
    assert not entry.code.is_rejection
    assert fold.accounting() == before
    with Store.create_or_open(tmp_path / "ward.db", declared.identity) as store:
        store.write([entry])
        assert store.counts() == {}
        assert [each for _, each in store.entries()] == [entry]
        assert store.decisions() == [Omission("skip", next_tick, next_tick + 9)]


class TestDecisions:
    def test_more_are_shed_as_long_as_it_is_behind_and_they_come_back_by_halves(self) -> None:
        declared = OverloadSection.model_validate({"policy": "shed", "after": "1 s", "span": "10 s", "priority": ["c"]})
        overload = Overload(declared, ("a", "b", "c", "d", "e"), SECOND)
        shed = []
        for frontier, behind in ((0, 0), (1, 2), (5, 9), (11, 2), (21, 2), (31, 0), (41, 0), (51, 0), (61, 0)):
            decided = overload.decide(frontier, behind * SECOND, frontier * SECOND)
            if decided is not None:
                overload.obey(decided)
                assert (decided.first, decided.last) == (frontier, frontier + 9)
            shed.append("".join(decided.twins) if decided else "")
        assert shed == ["", "ed", "", "edb", "edba", "ed", "e", "", ""]

    def test_what_goes_on_is_one_and_only_ticks_that_have_run_count(self) -> None:
        omissions = list[Omission]()
        for omission in (
            Omission("skip", 10, 14),
            Omission("skip", 15, 19),
            Omission("skip", 30, 34),
            Omission("shed", 35, 39, ("a", "b")),
            Omission("shed", 40, 44, ("a",)),
        ):
            omissions = joined(omissions, omission)
        assert len(omissions) == 4
        assert left_out(omissions, 42) == {"ticks_without_readings": 15, "ticks_shed": {"a": 7, "b": 5}}
        assert left_out([], 42) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"clock": "stream", "overload": {"policy": "skip"}}, 'expected "catch-up" on the clock "stream"'),
        ({"overload": {"priority": ["patient-7"]}}, "expected the name of a twin, got 'patient-7'"),
        ({"twins": ["patient-0"], "overload": {"policy": "shed"}}, "expected several twins"),
        ({"overload": {"policy": "shed"}, "assimilation": {"smoothing": "1 s"}}, "with smoothing"),
    ],
)
def test_a_policy_that_cannot_be_is_a_mistake(changes: dict[str, Any], expected: str) -> None:
    config = ward(2, **({"clock": "wall"} | changes)).config
    assert [expected in problem.what for problem in disagreements(config)] == [True]
