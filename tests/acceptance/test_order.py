"""Readings come in any order within the lateness, ticks run at any moment in between: the end is that of the sorted log."""

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from tests.acceptance.deployments import Case, Finder, patient, pipe, ward
from tests.acceptance.ledger import History, balance
from twin_runtime.core import Code, Message
from twin_runtime.fold import Fold
from twin_runtime.run import recover
from twin_runtime.stream.store import Store


@pytest.fixture(params=[patient, pipe, ward], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path, recording: Finder) -> Case:
    make: Callable[[Path, Finder], Case] = request.param
    return make(tmp_path, recording)


def shuffled(messages: Iterable[Message], delay: int, rng: random.Random) -> list[Message]:
    """Each message under way for up to ``delay`` ns; one in twenty comes twice."""
    arrivals = [(m.arrival + rng.randint(0, delay), m) for m in messages for _ in range(1 + (rng.random() < 0.05))]
    return [message for _, message in sorted(arrivals, key=lambda arrival: arrival[0])]


def folded(case: Case, messages: Sequence[Message], moments: Callable[[], bool]) -> tuple[Fold, History]:
    """A run to its end, with the ticks that are due run whenever ``moments`` says so."""
    fold, intake, history = Fold(case.assembly), case.assembly.intake(), History()
    for message in messages:
        fold.take(intake.read(message))
        if moments():
            history.add(fold.run())
    history.add(fold.finish())
    return fold, history


def in_order(case: Case) -> tuple[Fold, History]:
    """The sorted log."""
    return folded(case, case.messages, lambda: True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_within_the_lateness_ends_like_the_sorted_log(case: Case, seed: int) -> None:
    rng = random.Random(seed)
    messages = shuffled(case.messages, case.lateness, rng)
    fold, history = folded(case, messages, lambda: rng.random() < 0.02)
    expected_fold, expected = in_order(case)
    assert fold.counts[Code.ACCEPTED] == len(case.messages)
    assert fold.counts[Code.DUPLICATE] == len(messages) - len(case.messages) > 0
    assert balance(fold.accounting()) == 0
    assert history.revised > 100
    assert history.is_contiguous(len(case.assembly.fleet.twins))
    assert fold.state_hash == expected_fold.state_hash
    assert history.newest == expected.newest


def test_a_run_taken_up_from_its_store_at_any_moment_ends_like_the_sorted_log(case: Case, tmp_path: Path) -> None:
    rng = random.Random(4)
    path, history = tmp_path / "any.db", History()
    store = Store.create_or_open(path, case.assembly.identity)
    fold, intake = recover(case.assembly, store)
    for message in shuffled(case.messages, case.lateness, rng):
        entries = fold.take(intake.read(message))
        records = list(fold.run()) if rng.random() < 0.02 else []
        history.add(records)
        store.write(entries, records, fold.timeline.settled() if rng.random() < 0.02 else None)
        if rng.random() < 0.01:
            store.close()
            store = Store.create_or_open(path, case.assembly.identity)
            fold, intake = recover(case.assembly, store)
    history.add(fold.finish())
    store.close()
    expected_fold, expected = in_order(case)
    assert fold.state_hash == expected_fold.state_hash
    assert balance(fold.accounting()) == 0
    assert history.newest == expected.newest


def test_what_comes_later_than_that_is_counted_and_never_used(case: Case) -> None:
    """One of the first readings comes at the very end."""
    too_late = case.messages[10]
    rest = Case(case.assembly, [message for message in case.messages if message is not too_late])
    fold, history = folded(case, [*rest.messages, too_late], lambda: True)
    expected_fold, expected = in_order(rest)
    assert fold.counts[Code.LATE] == 1
    assert balance(fold.accounting()) == 0
    assert fold.state_hash == expected_fold.state_hash
    assert history.newest == expected.newest
