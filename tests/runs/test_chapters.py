"""A store survives a change: it goes on in a new chapter, and is replayed through all of them, bit for bit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ward import messages, ward
from twin_runtime.core import Message
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
