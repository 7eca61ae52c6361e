"""Readings come in any order within the lateness, ticks run at any moments: the end is that of the sorted log."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.deployments import (
    PATIENT,
    Case,
    Finder,
    case_of,
    configured,
    patient,
    pipe,
    section,
    shuffled,
    smoothed,
    ward,
)
from tests.acceptance.folding import Outcome, finished, folded
from tests.acceptance.ledger import History, balance, history_of
from twin_adapters.recordings import load
from twin_runtime.core import SECOND, Code
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.replay import replay_store
from twin_runtime.runs.resuming import resume
from twin_runtime.store.store import Store


@pytest.fixture(scope="module", params=[patient, smoothed, pipe, ward], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recording: Finder) -> Case:
    make: Callable[[Path, Finder], Case] = request.param
    return make(tmp_path_factory.mktemp("deployment"), recording)


@pytest.fixture(scope="module")
def in_order(case: Case) -> Outcome:
    """The sorted log, as a live run would fold it."""
    return finished(folded(case, case.messages))


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_within_the_lateness_ends_like_the_sorted_log(case: Case, in_order: Outcome, seed: int) -> None:
    rng = random.Random(seed)
    messages = shuffled(case.messages, case.lateness, rng)
    fold, history = finished(folded(case, messages, lambda: rng.random() < 0.02, lambda: rng.random() < 0.5))
    assert fold.counts[Code.ACCEPTED] == len(case.messages)
    assert fold.counts[Code.DUPLICATE] == len(messages) - len(case.messages) > 0
    assert balance(fold.accounting()) == 0
    assert history.revised > 100
    assert history.is_contiguous(len(case.assembly.types[0].fleet.twins))
    assert history.newest == in_order.history.newest
    assert fold.state_hash == in_order.fold.state_hash


def test_a_run_that_is_killed_again_and_again_ends_like_the_sorted_log(
    case: Case, in_order: Outcome, tmp_path: Path
) -> None:
    """It dies before a batch is durable, or after that and before the sender hears of it: the batch comes again."""
    rng, history, deaths = random.Random(3), History(), 0
    left = shuffled(case.messages, case.lateness, rng)
    while left:
        with Store.create_or_open(tmp_path / "restless.db", case.assembly.identity) as store:
            fold, intake = resume(case.assembly, store)
            mended = fold.fleets[0].timeline.revise()
            store.write(records=mended)
            history.add(mended)
            while left:
                batch, fate = left[: rng.randint(1, len(case.messages) // 20)], rng.random()
                entries = fold.take(entry for message in batch for entry in intake.read(message))
                records = list(fold.run(revise=rng.random() < 0.5))
                if fate < 0.1:
                    break
                store.write(entries, records, fold.settled() if rng.random() < 0.3 else [])
                history.add(records)
                if fate < 0.2:
                    break
                del left[: len(batch)]
            deaths += bool(left)
    history.add(fold.finish())
    assert deaths > 5
    assert balance(fold.accounting()) == 0
    assert history.is_contiguous(len(case.assembly.types[0].fleet.twins))
    assert history.newest == in_order.history.newest
    assert fold.state_hash == in_order.fold.state_hash


def test_what_comes_later_than_that_is_counted_and_never_used(case: Case) -> None:
    """One of the first readings comes at the very end."""
    too_late = case.messages[10]
    rest = [message for message in case.messages if message is not too_late]
    without = finished(folded(case, rest))
    fold, history = finished(folded(case, [*rest, too_late]))
    assert fold.counts[Code.LATE] == 1
    assert balance(fold.accounting()) == 0
    assert history.newest == without.history.newest
    assert fold.state_hash == without.fold.state_hash


def test_on_the_wall_clock_a_replay_of_the_store_folds_the_silence_too(tmp_path: Path, recording: Finder) -> None:
    """Nothing comes for 8 s, and nothing in the end; the replay has the readings, and where the run stopped."""
    clock, whole = ('clock = "stream"', 'clock = "wall"'), section(load(PATIENT, recording("surgery-patient")), 20)
    case = case_of(configured(tmp_path, "artery", clock), whole)
    silence = range(whole.start + 6 * SECOND, whole.start + 14 * SECOND)
    arriving = [message for message in case.messages if message.arrival not in silence]
    fold, intake = Fold(case.assembly), case.assembly.router()
    with Store.create_or_open(tmp_path / "wall.db", case.assembly.identity) as store:
        for number, message in enumerate(shuffled(arriving, case.lateness, random.Random(6))):
            entries = fold.take(intake.read(message))
            store.write(entries, list(fold.run(message.arrival, revise=number % 50 == 0)))
        store.write(records=list(fold.run(whole.end + 10 * SECOND)))
        assert history_of(store).is_contiguous(twins=1)
    replayed = replay_store(case.assembly, tmp_path / "wall.db")
    assert replayed["frontier"] * case.assembly.types[0].fleet.tick > whole.end + 9 * SECOND
    assert replayed["readings"] == fold.accounting()
    assert replayed["state_hash"] == fold.state_hash
