"""A twin's states are its own: they do not depend on the other twins, nor on when these come and go."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.ward import message, pressure, ward
from twin_runtime.core import Code, FleetState, Message, Record
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.replay import replay_store
from twin_runtime.runs.resuming import resume
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

TWENTY = tuple(f"patient-{row}" for row in range(20))
Estimate = tuple[bytes, int, int]
"""Figures, trust and reasons."""


def of(twins: Sequence[str], **changes: Any) -> Assembly:  # noqa: ANN401  # whatever a file may say
    return ward(len(twins), twins=list(twins), **changes)


def sent_by(twin: str, ticks: range) -> list[Message]:
    """A pressure of its own for each twin, in every one of some ticks."""
    number = int(twin.removeprefix("patient-"))
    return [
        message(tick + 0.3 + number / 50, value + number, channel, number)
        for tick in ticks
        for channel, value in (("abp", pressure(tick)), ("flow", 80.0))
    ]


def sent_by_all(twins: Sequence[str], first: int, last: int, late: int = 0) -> list[Message]:
    """What several twins send, in order; each begins so many ticks later than the one before it."""
    parts = (sent_by(twin, range(first + k * late, last)) for k, twin in enumerate(twins))
    return sorted((each for part in parts for each in part), key=lambda each: each.arrival)


def folded(assembly: Assembly, sent: Sequence[Message]) -> tuple[Fold, dict[tuple[int, str], Estimate]]:
    """The fold of some messages, and the newest estimate of every tick and twin."""
    fold, router, newest = Fold(assembly), assembly.router(), dict[tuple[int, str], Estimate]()
    for each in sent:
        fold.take(router.read(each))
        newest.update(estimates(assembly, fold.run()))
    newest.update(estimates(assembly, fold.finish()))
    return fold, newest


def estimates(assembly: Assembly, records: Any) -> dict[tuple[int, str], Estimate]:  # noqa: ANN401  # records
    named = assembly.identity.types[0].twins
    return {
        (record.tick, named[row]): (record.figures[i].tobytes(), int(record.trust[i]), int(record.reasons[i]))
        for record in records
        for i, row in enumerate(record.rows.tolist())
    }


def bits(fold: Fold, twin: str) -> tuple[bytes, ...]:
    """All that a twin is."""
    [fleet] = fold.fleets
    state: FleetState = fleet.timeline.state
    row = fleet.assembly.fleet.twins.index(twin)
    return tuple(array[row].tobytes() for array in (state.x, state.memory, state.lagged))


@pytest.mark.parametrize("changes", [{}, {"assimilation": {"late": "asynchronous", "smoothing": "0.2 s"}}])
@pytest.mark.parametrize("late", [0, 3])
def test_a_twin_alone_is_the_twin_beside_nineteen_others(late: int, changes: dict[str, Any]) -> None:
    """Whether all begin together, or each some ticks after the one before it."""
    together, all_estimates = folded(of(TWENTY, **changes), sent_by_all(TWENTY, 0, 80, late))
    for k in (0, 7, 19):
        twin = TWENTY[k]
        alone, own = folded(of([twin], **changes), sent_by(twin, range(k * late, 80)))
        assert bits(together, twin) == bits(alone, twin)
        assert own == {(tick, name): each for (tick, name), each in all_estimates.items() if name == twin}


def test_the_order_of_the_twins_does_not_matter() -> None:
    sent = sent_by_all(TWENTY[:3], 0, 50)
    (one, _), (other, _) = folded(of(TWENTY[:3]), sent), folded(of(TWENTY[2::-1]), sent)
    assert [bits(one, twin) for twin in TWENTY[:3]] == [bits(other, twin) for twin in TWENTY[:3]]


def test_twins_of_other_names_are_others() -> None:
    same = [replace_topic(each, "patient-1") for each in sent_by("patient-0", range(40))]
    (one, _), (other, _) = folded(of(["patient-0"]), sent_by("patient-0", range(40))), folded(of(["patient-1"]), same)
    assert bits(one, "patient-0")[0] != bits(other, "patient-1")[0]


def replace_topic(message: Message, twin: str) -> Message:
    return message._replace(topic=f"{twin}/{message.topic.partition('/')[2]}")


class TestRestart:
    """Runs of one store with other twins each time."""

    def lived(self, path: Path, lives: Sequence[tuple[Sequence[str], Sequence[Message]]]) -> Fold:
        """The fold of the last life, come to its end; what each life gets is all that its twins send meanwhile."""
        for number, (twins, sent) in enumerate(lives, 1):
            assembly = of(twins)
            with Store.create_or_open(path, assembly.identity) as store:
                fold, router = resume(assembly, store)
                records: list[Record] = fold.revise()
                store.write(records=records)
                for each in sent:
                    entries = fold.take(router.read(each))
                    store.write(entries, list(fold.run()), fold.settled())
                if number == len(lives):
                    store.write(records=list(fold.finish()))
        return fold

    def test_who_stays_is_not_changed_by_those_who_are_added_and_removed(self, path: Path) -> None:
        stages = [["patient-7"], [*TWENTY], [*TWENTY[5:9]], ["patient-8", "patient-7"]]
        spans = list(pairwise((0, 60, 120, 180, 240)))
        lives = [(twins, sent_by_all(twins, *span)) for twins, span in zip(stages, spans, strict=True)]
        fold = self.lived(path, lives)
        for twin, began in (("patient-7", 0), ("patient-8", 60)):
            alone, own = folded(of([twin]), sent_by(twin, range(began, 240)))
            assert bits(fold, twin) == bits(alone, twin)
            with Reader.open(path, fold.assembly.identity) as reader:
                stored = estimates(fold.assembly, reader.latest())
            assert {key for key in stored if key[1] == twin} <= own.keys()
            assert all(own[key] == each for key, each in stored.items() if key[1] == twin)

    def test_the_account_is_that_of_the_twins_there_are(self, path: Path) -> None:
        lives = [(TWENTY[:3], sent_by_all(TWENTY[:3], 0, 50)), (TWENTY[:1], sent_by("patient-0", range(50, 90)))]
        fold = self.lived(path, lives)
        assert fold.counts == {Code.ACCEPTED: 180}
        readings = fold.accounting()
        assert (readings["accepted"], readings["assimilated"], readings["pending"]) == (180, 180, 0)
        replayed = replay_store(fold.assembly, path)
        assert replayed["readings"]["accepted"] == 180

    def test_a_replay_of_the_store_gives_the_states_of_those_who_are_there(self, path: Path) -> None:
        twins = TWENTY[:2]
        lives = [(["patient-0"], sent_by("patient-0", range(50))), (twins, sent_by_all(twins, 50, 100))]
        fold = self.lived(path, lives)
        assert replay_store(fold.assembly, path)["state_hash"] == fold.state_hash

    def test_the_estimates_of_the_removed_stay(self, path: Path) -> None:
        lives = [(TWENTY[:2], sent_by_all(TWENTY[:2], 0, 50)), (TWENTY[:1], sent_by("patient-0", range(50, 90)))]
        self.lived(path, lives)
        with Reader.open(path) as reader:
            assert reader.identity.twins == TWENTY[:2]
            last = {estimate.twin: estimate.tick for estimate in reader.estimates(limit=10_000)}
        assert last["patient-0"] - last["patient-1"] >= 35

    def test_who_was_removed_cannot_come_back_as_if_nothing_had_been(self, path: Path) -> None:
        lives = [(TWENTY[:2], sent_by_all(TWENTY[:2], 0, 30)), (TWENTY[:1], sent_by("patient-0", range(30, 50)))]
        self.lived(path, lives)
        with pytest.raises(StoreError, match=r"twin 'patient-1' was removed from it before.*another name"):
            Store.create_or_open(path, of(TWENTY[:2]).identity)
        Store.create_or_open(path, of(TWENTY[:1]).identity).close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"
