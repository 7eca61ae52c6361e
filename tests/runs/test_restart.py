"""What a run knows of its senders' numbers and times is known again after a restart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ward import TICK, at, message, messages, ward
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.ingest.router import Router
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.resuming import resume
from twin_runtime.store.store import Store


def numbered(number: float, sequence: int, **fields: object) -> Message:
    payload = {"value": 80.0, "time": at(number), "seq": sequence, **fields}
    return Message("patient-0/abp", json.dumps(payload).encode(), at(number))


class Restarted:
    """A deployment whose runs are cut off: what came is in its store, and the ticks that had run."""

    def __init__(self, assembly: Assembly, store: Store) -> None:
        self.assembly, self.store = assembly, store
        self.fold, self.router = resume(assembly, store)

    def take(self, *sent: Message) -> list[Code]:
        entries = self.fold.take(entry for each in sent for entry in self.router.read(each))
        self.store.write(entries)
        return [entry.code for entry in entries]

    def run(self, wall: float = 0.0) -> list[int]:
        """The ticks that are due, counted from the beginning of the story."""
        records = [*self.fold.run(at(wall))]
        self.store.write(records=records, checkpoints=self.fold.settled())
        return [record.tick - at(0) // TICK for record in records]

    def restart(self) -> tuple[Fold, Router]:
        self.fold, self.router = resume(self.assembly, self.store)
        return self.fold, self.router


@pytest.fixture(params=["wall", "stream"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Restarted]:
    assembly = ward(clock=request.param)
    with Store.create_or_open(tmp_path / "ward.db", assembly.identity) as store:
        yield Restarted(assembly, store)


def test_a_clock_that_runs_backwards_is_noticed_across_a_restart(run: Restarted) -> None:
    run.take(numbered(10, 7))
    run.restart()
    assert run.take(numbered(9, 8)) == [Code.CLOCK_BACKWARDS]
    assert run.take(numbered(11, 9)) == [Code.ACCEPTED]


def test_what_has_come_before_is_known_by_its_number_and_its_time(run: Restarted) -> None:
    run.take(numbered(10, 7), numbered(10, 8))
    run.restart()
    again = [numbered(10, 7), numbered(10, 8), numbered(10, 9), numbered(10, 8, value=81.0)]
    assert run.take(*again) == [Code.DUPLICATE, Code.DUPLICATE, Code.ACCEPTED, Code.CONFLICT]


def test_so_is_what_has_only_a_number(run: Restarted) -> None:
    run.take(numbered(9, 6), numbered(10, 7, time=None))
    run.restart()
    assert run.take(numbered(11, 7, time=None), numbered(11, 8, time=None)) == [Code.DUPLICATE, Code.ACCEPTED]


def test_the_time_on_which_readings_agree_is_still_that(run: Restarted) -> None:
    """On the clock of the stream one message that is hours ahead would else be the first of all, and decide."""
    run.take(*messages(10))
    run.restart()
    ahead = message(1_000_000, 80.0, arrival=at(10))
    assert run.take(ahead) == [Code.FUTURE]
    assert run.take(message(10.5, 80.0)) == [Code.ACCEPTED]


def test_ticks_go_on_from_where_signals_have_come(run: Restarted) -> None:
    """All has come that they need: the run was cut off before they ran."""
    run.take(*messages(10))
    assert run.run(9) == list(range(9))
    run.take(*messages(5, first=10))
    run.restart()
    run.fold.revise()
    assert run.run(14) == list(range(9, 14))
    assert run.fold.fleets[0].watermarks.newest.tolist() == [[at(14.5)] * 2]


def test_a_signal_that_is_behind_is_waited_for(run: Restarted) -> None:
    """As without a restart: its newest reading is known, and how often it reads."""
    run.take(*messages(10), message(10.5, 80.0), message(11.5, 80.0))
    run.run(11)
    run.restart()
    run.fold.revise()
    run.take(message(12.4, 80.0))
    assert run.run(12.4) == []
    run.take(message(12.5, 80.0, "flow"))
    assert run.run(12.5) == [9, 10, 11]


@pytest.mark.parametrize("silent", [0, 200], ids=["soon", "when its last reading is long settled"])
def test_silence_after_a_restart_does_not_stop_the_clock(silent: int, tmp_path: Path) -> None:
    assembly = ward(clock="wall")
    with Store.create_or_open(tmp_path / "ward.db", assembly.identity) as store:
        run = Restarted(assembly, store)
        run.take(*messages(10))
        run.run(10 + silent)
        run.restart()
        run.fold.revise()
        assert run.run(40 + silent)[-1] == 36 + silent
        assert run.fold.next_due() == at(38 + silent) + SECOND // 10
