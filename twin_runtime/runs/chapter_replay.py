"""The replay of a store through all its chapters, each under its own configuration, which the store keeps.

A chapter must begin with what becomes of the state in which the one before ends, bit for bit. Where the code of a model
is no longer there, a chapter cannot be replayed: the next one is, from the state with which it began.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin_runtime.core import Checkpoint
from twin_runtime.engine.carrying import Before
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.chapters import begun
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.kept_configuration import assembled_again
from twin_runtime.runs.recorded import time_text
from twin_runtime.store.chapter import Chapter

Folded = Callable[[Assembly, int, Sequence[Checkpoint | None]], tuple[Fold, dict[str, Any]]]
"""Folds the journal of a chapter of that number from some origins; gives the fold and its summary."""
Origins = Callable[[int], Sequence[Checkpoint | None]]
"""The states with which the chapter of a number began."""


def replay_chapters(
    assembly: Assembly, path: Path, chapters: Sequence[Chapter], origins_of: Origins, folded: Folded
) -> dict[str, Any]:
    """The summary of the newest chapter, whose configuration is given, and what became of the ones before it."""
    before, found, summary = None, list[dict[str, Any]](), dict[str, Any]()
    for chapter in chapters:
        origins = origins_of(chapter.number)
        report = {"chapter": chapter.number, "begins": _begins(chapter), "changes": list(chapter.kept.changes)}
        try:
            own = assembly if chapter is chapters[-1] else assembled_again(chapter)
        except StoreError as error:
            before = None
            found.append(report | {"replayed": False, "why": error.what, "state_hash": None})
            continue
        if before is not None:
            _require_continued(path, chapter, own, before, origins)
        fold, summary = folded(own, chapter.number, origins)
        before = chapter, fold
        found.append(report | {"replayed": True, "ticks": fold.ticks, "state_hash": fold.state_hash})
    return summary | {"chapters": found}


def _begins(chapter: Chapter) -> str | None:
    """When the first of its types began, where that is not with its first reading."""
    times = [each.begins for each in chapter.kept.beginnings if each.begins is not None]
    return time_text(min(times)) if times else None


def _require_continued(
    path: Path,
    chapter: Chapter,
    own: Assembly,
    before: tuple[Chapter, Fold],
    origins: Sequence[Checkpoint | None],
) -> None:
    """Raise :class:`StoreError` unless a chapter begins where the replay of the one before it ends."""
    earlier, fold = before
    ends = {fleet.assembly.identity.name: (fleet.assembly.place, fleet.tip) for fleet in fold.fleets}
    alone = next(iter(ends.values())) if len(ends) == 1 else None
    for of, beginning, origin in zip(own.types, chapter.kept.beginnings, origins, strict=True):
        place, tip = ends.get(of.identity.name, alone) or (0, None)
        if origin is None or tip is None or not beginning.whole:
            continue
        expected, _ = begun(of, Before(earlier.identity.types[place], earlier.kept.contents[place], tip))
        if not _same(expected, origin):
            what = f"chapter {chapter.number} does not begin with the state in which chapter {earlier.number} ends"
            remedy = "compare the versions of this program and of its libraries with those that wrote it"
            raise StoreError(what, where=str(path), remedy=remedy)


def _same(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two states are the same bit for bit, of the twins of the other."""
    if one.tick != other.tick or not set(other.twins) <= set(one.twins):
        return False
    rows = np.array([one.twins.index(twin) for twin in other.twins], np.int64)
    part, whole = one.state.rows(rows), other.state
    pairs = ((part.x, whole.x), (part.memory, whole.memory), (part.lagged, whole.lagged))
    return all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)
