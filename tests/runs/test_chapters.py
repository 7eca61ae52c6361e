"""A store survives a change: it goes on in a new chapter, and is replayed through all of them, bit for bit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ward import TICK, at, message, messages, pressure, ward
from twin_runtime.core import Code, Message
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.chapters import open_store
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.replay import replay_store
from twin_runtime.runs.resuming import resume
from twin_runtime.store.reader import Reader

SOONER = {"priors": {"resistance": {"lognormal": [1.2, 0.1]}}}


def lived(path: Path, assembly: Assembly, sent: Sequence[Message], *, killed: bool = False) -> Fold:
    """A run that gets some messages, and is stopped, or killed."""
    with open_store(assembly, path) as store:
        fold, router = resume(assembly, store)
        store.write(records=fold.revise())
        for each in sent:
            entries = fold.take(router.read(each))
            store.write(entries, list(fold.run()), fold.settled(), tallies=fold.tallies)
        if not killed:
            store.conclude(fold.tips, fold.tallies)
    return fold


def x_of(fold: Fold, variable: str) -> Any:  # noqa: ANN401  # an array
    fleet = fold.fleets[0].assembly.fleet
    column = [each.name for each in fleet.model.variables].index(variable)
    return fold.fleets[0].timeline.state.x[:, :, column]


CHANGES: dict[str, dict[str, Any]] = {
    "a seed": {"seed": 9},
    "a prior": SOONER,
    "a walk": {"walk": {"resistance": 0.01}},
    "fewer members": {"members": 6},
    "more members": {"members": 20},
    "a tick": {"tick": "100 ms"},
    "a shorter tick": {"tick": "20 ms"},
    "a lateness": {"lateness": "200 ms"},
    "a method": {"assimilation": {"method": "particle"}},
    "points": {"assimilation": {"method": "unscented"}, "members": 8},
    "inflation": {"assimilation": {"adaptive": True}},
    "smoothing": {"assimilation": {"smoothing": "0.2 s"}},
    "late readings": {"assimilation": {"late": "asynchronous"}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_replay_goes_through_all_chapters(path: Path, change: dict[str, Any], killed: bool) -> None:
    """There and back again: each chapter under its own configuration, which is in the store."""
    stages = [ward(2), ward(2, **change), ward(2)]
    for k, assembly in enumerate(stages):
        fold = lived(path, assembly, messages(60, 2, first=60 * k), killed=killed)
    replayed = replay_store(stages[-1], path)
    assert replayed["state_hash"] == fold.state_hash
    assert [each["replayed"] for each in replayed["chapters"]] == [True] * 3
    assert replayed["readings"] == fold.accounting()
    with Reader.open(path) as reader:
        reader.require_intact()
        assert [chapter.number for chapter in reader.chapters] == [1, 2, 3]
        assert all(chapter.kept.beginnings[0].carried for chapter in reader.chapters[1:])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"


def test_what_belongs_to_before_a_chapter_is_late_and_what_waited_is_taken_over(path: Path) -> None:
    first = lived(path, ward(), [*messages(40), message(40.5, 80.0)])
    assert first.accounting()["pending"] > 0
    frontier = first.fleets[0].timeline.frontier
    assert frontier is not None
    before = message(frontier - at(0) // TICK - 3.2, pressure(1))
    second = lived(path, ward(seed=9), [before, *messages(20, first=41)])
    assert second.counts[Code.LATE] == 1
    with Reader.open(path) as reader:
        kept = reader.chapter.kept
    assert kept.taken_over + kept.left_behind == first.accounting()["pending"]
    assert kept.taken_over > 0


def test_a_prior_that_has_changed_leaves_the_ensembles_as_they_are(path: Path) -> None:
    first = lived(path, ward(), messages(40))
    with open_store(ward(priors={"resistance": {"lognormal": [1.2, 0.1]}}), path) as store:
        origin = store.origin()
    assert origin is not None
    np.testing.assert_array_equal(origin.state.x, first.fleets[0].timeline.state.x)


def test_more_members_keep_the_mean(path: Path) -> None:
    first = lived(path, ward(), messages(40))
    with open_store(ward(members=20), path) as store:
        origin = store.origin()
    assert origin is not None
    before = first.fleets[0].timeline.state.x.mean(axis=1)
    np.testing.assert_allclose(origin.state.x.mean(axis=1), before, rtol=1e-12)


def test_a_twin_is_added_and_one_removed_with_a_chapter(path: Path) -> None:
    lived(path, ward(2), messages(40, 2))
    names = ["patient-1", "patient-2"]
    sent = [each for each in messages(40, 3, first=40) if not each.topic.startswith("patient-0")]
    fold = lived(path, ward(2, twins=names, seed=9), sent)
    with Reader.open(path) as reader:
        assert reader.chapter.kept.beginnings[0].twins == ("patient-1",)
        assert reader.identity.twins == tuple(names)
    assert replay_store(fold.assembly, path)["state_hash"] == fold.state_hash


def test_the_store_of_other_twins_is_left_alone(path: Path) -> None:
    lived(path, ward(), messages(10))
    with pytest.raises(StoreError, match=r"has other twins: patient-0.*--fresh"):
        open_store(ward(twins=["boiler"], seed=9), path)
    lived(path, ward(), messages(10, first=10))
