"""The fold: what goes in is accounted for, and ticks run when they are due."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.ward import EPOCH, TICK, at, message, messages, ward
from twin_runtime.core import SECOND, Code, Message, Record, Trust
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold


def taken(fold: Fold, batch: Sequence[Message]) -> list[Code]:
    """Let messages in through the door and fold what is due; the fate of each."""
    intake = fold.assembly.router()
    entries = fold.take(entry for each in batch for entry in intake.read(each))
    list(fold.run())
    return [entry.code for entry in entries]


def balance(fold: Fold) -> int:
    """What is left when all that came in is accounted for."""
    reported = fold.accounting()
    known = sum(reported[fate] for fate in ("assimilated", "duplicate", "late", "pending"))
    return int(reported["accepted"] - known - sum(reported["rejected"].values()))


def in_order(fold: Fold) -> dict[str, Any]:
    taken(fold, messages(50, 2))
    return {"accepted": 200, "pending": 2 * 2}


def twice(fold: Fold) -> dict[str, Any]:
    taken(fold, messages(50, 2))
    taken(fold, messages(50, 2)[-20:])
    return {"accepted": 220, "duplicate": 20}


def late(fold: Fold) -> dict[str, Any]:
    taken(fold, messages(50, 2))
    codes = taken(fold, [message(2.1, 90.0), message(30.1, 90.0), message(0.3, 90.0)])
    assert codes == [Code.LATE, Code.ACCEPTED, Code.LATE]
    return {"late": 2}


def wrong(fold: Fold) -> dict[str, Any]:
    nonsense = [
        message(50.5, 999.0),
        Message("patient-0/abp", b"{", at(50)),
        Message("patient-0/abp", b"NaN", at(50)),
        Message("patient-0/temperature", b"37", at(50)),
        Message("nowhere", b"1", at(50)),
    ]
    taken(fold, [*messages(50, 2), *nonsense])
    return {"rejected": dict.fromkeys(["not-json", "not-finite", "out-of-range", "unknown-signal", "unknown-topic"], 1)}


def outliers(fold: Fold) -> dict[str, Any]:
    taken(fold, messages(60, 2))
    taken(fold, [message(60.1, 290.0), *messages(10, 2, first=60)])
    return {"rejected": {"outlier": 1}}


def early(fold: Fold) -> dict[str, Any]:
    taken(fold, [*messages(10, 2), message(-4.5, 90.0)])
    return {"late": 0}


def far_ahead(fold: Fold) -> dict[str, Any]:
    taken(fold, [*messages(10, 2), message(500, 90.0)])
    return {"pending": 1}


def nothing(fold: Fold) -> dict[str, Any]:
    taken(fold, [])
    return {"accepted": 0, "assimilated": 0, "rejected": {}, "duplicate": 0, "late": 0, "pending": 0}


class TestAccounting:
    @pytest.mark.parametrize("story", [in_order, twice, late, wrong, outliers, early, far_ahead, nothing])
    def test_nothing_that_came_in_vanishes(self, story: Callable[[Fold], dict[str, Any]]) -> None:
        fold = Fold(ward(2))
        expected = story(fold)
        reported = fold.accounting()
        assert {fate: reported[fate] for fate in expected} == expected
        assert balance(fold) == 0
        list(fold.finish())
        assert balance(fold) == 0
        assert fold.accounting()["pending"] == 0

    def test_a_twin_that_has_blown_up_refuses_every_reading(self) -> None:
        fold = Fold(ward(2, priors={"p_c": {"normal": [0.0, 1e200]}}))
        taken(fold, messages(20, 2))
        list(fold.finish())
        reported = fold.accounting()
        assert reported["rejected"] == {"outlier": 2 * 20}
        assert balance(fold) == 0
        record = fold.fleets[0].timeline.newest_record
        assert record is not None
        assert (record.trust == Trust.UNTRUSTED).all()

    def test_readings_behind_the_end_stay_pending(self) -> None:
        fold = Fold(ward(), until=at(30))
        taken(fold, messages(50))
        list(fold.finish())
        assert fold.accounting()["pending"] == 2 * 20
        assert balance(fold) == 0


class TestEnding:
    @pytest.mark.parametrize("excess", [0, 1, TICK - 1])
    def test_a_tick_that_ends_behind_until_never_runs(self, excess: int) -> None:
        fold = Fold(ward(), until=at(30) + excess)
        taken(fold, messages(50))
        assert fold.fleets[0].timeline.frontier == at(30) // TICK
        assert fold.ended()
        assert not fold.due()
        assert list(fold.finish()) == []

    def test_the_last_tick_waits_for_slow_readings_like_any_other(self) -> None:
        """100 ms behind the last tick's end: here 2.5 ticks, as one of two channels is heard no more."""
        fold = Fold(ward(), until=at(30))
        taken(fold, [*messages(30), *(m for m in messages(2, first=30) if m.topic.endswith("abp"))])
        assert not fold.ended()
        taken(fold, [message(32.49, 90.0)])
        assert not fold.ended()
        taken(fold, [message(33.5, 90.0)])
        assert fold.ended()

    def test_without_an_end_it_never_ends(self) -> None:
        fold = Fold(ward())
        taken(fold, messages(50))
        assert not fold.ended()

    def test_it_finishes_with_the_tick_of_the_newest_reading(self) -> None:
        fold = Fold(ward())
        taken(fold, messages(20))
        list(fold.finish())
        assert fold.fleets[0].timeline.frontier == at(20) // TICK

    def test_it_finishes_at_until_though_the_readings_end_before(self) -> None:
        fold = Fold(ward(), until=at(40))
        taken(fold, messages(20))
        records = list(fold.finish())
        assert [record.tick for record in records][-1] == at(40) // TICK - 1
        assert balance(fold) == 0

    def test_nothing_has_nothing_to_finish(self) -> None:
        for fold in (Fold(ward()), Fold(ward(), until=at(10))):
            assert list(fold.finish()) == []
            assert not fold.ended()
            assert fold.tips == []


class TestPace:
    def test_on_the_stream_clock_ticks_run_by_event_time_whatever_the_clock_says(self) -> None:
        fold = Fold(ward())
        taken(fold, messages(20))
        assert fold.fleets[0].timeline.frontier == at(19) // TICK
        assert list(fold.run(EPOCH + 3600 * SECOND)) == []

    def test_on_the_wall_clock_silence_does_not_stop_it(self) -> None:
        fold = Fold(ward(clock="wall"))
        list(fold.run(at(100)))
        assert fold.fleets[0].timeline.frontier is None
        fold.take(entry for each in messages(1) for entry in fold.assembly.router().read(each))
        ticks = [record.tick for record in fold.run(at(100) + SECOND // 10)]
        assert ticks == list(range(at(0) // TICK, at(100) // TICK))

    def test_a_tick_for_which_all_is_there_does_not_wait(self) -> None:
        fold = Fold(ward(clock="wall"))
        intake = fold.assembly.router()
        fold.take(entry for each in messages(10) for entry in intake.read(each))
        assert [record.tick for record in fold.run(at(9.6))] == list(range(at(0) // TICK, at(9) // TICK))
        fold.take(entry for entry in intake.read(message(10.5, 90.0, "flow")))
        assert not fold.due(at(11))
        assert fold.due(at(10) + SECOND // 10)


class TestResuming:
    @staticmethod
    def reported(fold: Fold, batch: Sequence[Message], records: list[Record]) -> None:
        intake = fold.assembly.router()
        fold.take(entry for each in batch for entry in intake.read(each))
        records += fold.run()

    def test_a_fold_taken_up_again_is_the_same_and_accounts_for_both_parts(self) -> None:
        assembly, records = ward(2), list[Record]()
        whole, first = Fold(assembly), Fold(assembly)
        self.reported(first, messages(60, 2), records)
        taken(whole, messages(60, 2))
        again = self.taken_up(assembly, first, records)
        assert list(again.run()) == []
        for fold in (whole, again):
            taken(fold, messages(30, 2, first=60))
            list(fold.finish())
        assert again.state_hash == whole.state_hash
        assert again.accounting() == whole.accounting()

    @staticmethod
    def taken_up(assembly: Assembly, first: Fold, records: Sequence[Record]) -> Fold:
        """Another fold that takes up what the first would have stored."""
        checkpoint = first.fleets[0].settled()
        assert checkpoint is not None
        intake = assembly.router()
        entries = (entry for each in messages(60, 2) for entry in intake.read(each))
        kept = [e.reading for e in entries if e.reading and e.reading.time >= checkpoint.tick * TICK]
        again = Fold(assembly)
        stored = [record for record in records if record.tick >= checkpoint.tick]
        again.fleets[0].resume(first.counts, checkpoint, kept, stored, first.fleets[0].timeline.frontier)
        return again


class TestDivergence:
    def test_it_is_reported_loudly_once_and_by_name(self, caplog: pytest.LogCaptureFixture) -> None:
        """The second patient's pressure is that of another body from the 100th tick on."""
        fold = Fold(ward(2))
        story = messages(300, 2)
        spoilt = [m for m in story if m.topic != "patient-1/abp" or m.arrival < at(100)]
        swapped = [message(n + 0.5, 290.0 - 40.0 * (n % 7), patient=1) for n in range(100, 300)]
        taken(fold, sorted([*spoilt, *swapped], key=lambda m: m.arrival))
        reported = [record.getMessage() for record in caplog.records if record.name == "twin_runtime.runs.fleet_fold"]
        assert len(reported) == 1
        assert re.fullmatch(r"twin 'patient-1' has diverged from its sensors in tick \d+; response: flag", reported[0])

    def test_a_twin_that_is_well_is_not_talked_of(self, caplog: pytest.LogCaptureFixture) -> None:
        taken(Fold(ward()), messages(200))
        assert not caplog.records
