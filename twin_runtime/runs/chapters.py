"""A store survives a change: under another configuration, or with another model, it goes on in a new chapter."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from twin_runtime.core import Checkpoint, Code, Entry, Reading
from twin_runtime.engine.carrying import Before, carried
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly, TypeAssembly
from twin_runtime.runs.kept_configuration import assembled_again, configuration_changes, contents, kept_of
from twin_runtime.runs.recorded import time_text
from twin_runtime.runs.resuming import resume
from twin_runtime.store.chapter import Beginning, Chapter, Contents, Kept, Signal
from twin_runtime.store.chapters import newest_chapter
from twin_runtime.store.identity import TypeIdentity, differences
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

LOG = logging.getLogger(__name__)

NAMED = 8
"""Variables that are named in one line."""


@dataclass(frozen=True)
class Change:
    """What a chapter that is to begin takes over: its ``kept``, the states of its types, readings that waited."""

    number: int
    kept: Kept
    origins: tuple[Checkpoint, ...]
    entries: tuple[Entry, ...]


def open_store(assembly: Assembly, path: Path) -> Store:
    """The store of a deployment, opened for writing, made where there is none.

    Where another configuration or model has written it, a chapter begins, and what it carries over is logged. Raises
    :class:`StoreError` where none of the twins is in it: it is the store of something else.
    """
    chapter, kept = newest_chapter(path), kept_of(assembly)
    if chapter is None or not differences(chapter.identity, assembly.identity):
        return Store.create_or_open(path, assembly.identity, kept)
    store = Store.create_or_open(path, chapter.identity)
    try:
        _require_common(store, assembly)
        _close_chapter(store)
        change = change_to(assembly, store)
        for line in told(change.number, change.kept):
            LOG.warning("%s", line)
        store.begin_chapter(assembly.identity, change.kept, change.origins, change.entries)
    except BaseException:
        store.close()
        raise
    return store


def change_of(assembly: Assembly, path: Path) -> Change | None:
    """What would be carried over from a store as it stands now; None where no chapter would begin.

    Raises :class:`StoreError` where the store cannot be gone on with.
    """
    with Reader.open(path) as reader:
        if not differences(reader.chapter.identity, assembly.identity):
            return None
        _require_common(reader, assembly)
        return change_to(assembly, reader)


def _require_common(store: Reader, assembly: Assembly) -> None:
    if not set(store.chapter.identity.twins) & set(assembly.identity.twins):
        theirs, ours = (", ".join(of.twins[:NAMED]) for of in (store.chapter.identity, assembly.identity))
        remedy = "name another file under [store] path, or begin anew with `twin run --fresh`"
        raise StoreError(
            f"has other twins: {theirs}; the configuration has {ours}", where=str(store.path), remedy=remedy
        )


def _close_chapter(store: Store) -> None:
    """Fold again what the last run left open, so that the state is that of the chapter's end."""
    begun = [place for place in range(len(store.identity.types)) if store.reached(place) is not None]
    if all(store.tip(place) is not None for place in begun):
        return
    try:
        before = assembled_again(store.chapter)
    except StoreError as error:
        LOG.warning("the run before was cut off, and what it left open is not folded again: %s", error)
        return
    fold, _ = resume(before, store)
    store.write(records=fold.revise(), tallies=fold.tallies)
    store.conclude(fold.tips, fold.tallies)


def change_to(assembly: Assembly, reader: Reader) -> Change:
    """What a chapter of another assembly would take over from the newest one, as it stands."""
    before = reader.chapter
    kept, beginnings, origins, entries = kept_of(assembly), list[Beginning](), list[Checkpoint](), list[Entry]()
    waiting = 0
    for of in assembly.types:
        place = _place_before(before, of.identity, alone=len(assembly.types) == 1)
        if place is None:
            beginnings.append(Beginning(of.identity.name, notes=("begins from its prior: it is new",)))
            continue
        checkpoint = _state(reader, place)
        origin, beginning = _begun(of, before, place, checkpoint, whole=_is_end(reader, place, checkpoint))
        begins = 0 if origin is None else origin.tick * of.fleet.tick
        left = _waiting(reader, place, 0 if checkpoint is None else checkpoint.tick)
        taken = list(_taken(left, of, reader, place, begins))
        origins, entries, waiting = [*origins, *([origin] if origin else [])], [*entries, *taken], waiting + len(left)
        beginnings.append(beginning)
    changes = (*configuration_changes(before.kept.configuration, kept.configuration), *_model_changes(before, assembly))
    kept = replace(kept, changes=changes, beginnings=tuple(beginnings))
    kept = replace(kept, taken_over=len(entries), left_behind=waiting - len(entries))
    return Change(before.number + 1, kept, tuple(origins), tuple(entries))


def _place_before(chapter: Chapter, now: TypeIdentity, *, alone: bool) -> int | None:
    """The place of a type in the chapter before: by its name, or where there is no other."""
    names = [known.name for known in chapter.identity.types]
    if now.name in names:
        return names.index(now.name)
    return 0 if alone and len(names) == 1 else None


def _state(reader: Reader, place: int) -> Checkpoint | None:
    """The newest state that there is: that of the end, or where the run was cut off, one before it."""
    return reader.tip(place) or reader.checkpoint(place) or reader.origin(place)


def _is_end(reader: Reader, place: int, checkpoint: Checkpoint | None) -> bool:
    return checkpoint is None or checkpoint.tick == reader.reached(place)


def _begun(
    of: TypeAssembly, before: Chapter, place: int, checkpoint: Checkpoint | None, *, whole: bool
) -> tuple[Checkpoint | None, Beginning]:
    """The state with which a type begins, and how."""
    name, known = of.identity.name, before.identity.types[place]
    if checkpoint is None:
        return None, Beginning(name, notes=("begins from its prior: no tick had run",), whole=whole)
    if not before.kept.contents:
        why = f"begins from its prior: chapter {before.number} does not say what lies in its states"
        return None, Beginning(name, notes=(why,), whole=whole)
    return begun(of, Before(known, before.kept.contents[place], checkpoint), whole=whole)


def begun(of: TypeAssembly, before: Before, *, whole: bool = True) -> tuple[Checkpoint, Beginning]:
    """The state with which a type begins where another ended, and how it comes from it."""
    number = -(-before.checkpoint.tick * before.identity.tick // of.fleet.tick)
    found = carried(of.fleet, contents(of), before, number)
    notes = list(found.notes)
    if not whole:
        notes.append("the state is that of the newest checkpoint; what came after it is folded again")
    gone = [c.name for c in before.contents.variables if c.name not in {v.name for v in of.fleet.model.variables}]
    if gone:
        notes.append(f"dropped: {_listed(gone)}")
    begins = number * of.fleet.tick
    said = Beginning(of.identity.name, begins, found.twins, found.variables, dict(found.fresh), tuple(notes), whole)
    return Checkpoint(number, found.state, of.fleet.twins, of.place), said


def _waiting(reader: Reader, place: int, number: int) -> list[Reading]:
    """The readings that no tick before ``number`` has used."""
    tick = reader.identity.types[place].tick
    return [each for each in reader.accepted(place=place) if max(each.time // tick, each.tick) >= number]


def _taken(left: list[Reading], of: TypeAssembly, reader: Reader, place: int, begins: int) -> Iterator[Entry]:
    """Those of them that the chapter uses: of twins and channels that are left, and not before it begins."""
    known, before = reader.identity.types[place], reader.chapter.kept.contents
    rows = {twin: row for row, twin in enumerate(of.fleet.twins)}
    places = {signal: k for k, signal in enumerate(contents(of).channels)}
    for reading in left:
        row = rows.get(known.twins[reading.twin])
        channel = places.get(_signal(before, place, reading.channel)) if before else None
        if row is not None and channel is not None and reading.time >= begins:
            moved = reading._replace(twin=row, channel=channel, tick=-1)
            yield Entry(reading.time, Code.ACCEPTED, moved, detail="taken over", type=of.place)


def _signal(before: tuple[Contents, ...], place: int, channel: int) -> Signal:
    return before[place].channels[channel]


def _model_changes(before: Chapter, assembly: Assembly) -> Iterator[str]:
    """Which models are others, in code, settings or priors."""
    hashes = {known.name: known.model_hash for known in before.identity.types}
    for now in assembly.identity.types:
        if hashes.get(now.name, now.model_hash) != now.model_hash:
            yield f"model of '{now.name}' {hashes[now.name][:12]} -> {now.model_hash[:12]}"


def told(number: int, kept: Kept) -> Iterator[str]:
    """What is to be known of a chapter before it begins, a line each."""
    yield f"chapter {number} begins: {'; '.join(kept.changes) or 'another configuration or model'}"
    for each in kept.beginnings:
        if each.begins is None:
            yield f"{each.type}: {'; '.join(each.notes)}"
            continue
        yield f"{each.type}: goes on at {time_text(each.begins)}; readings of before are late, and counted so"
        yield f"{each.type}: carried over: {_listed(each.carried) or 'nothing'}"
        if each.fresh:
            yield f"{each.type}: from the prior: {_listed([f'{name} ({why})' for name, why in each.fresh.items()])}"
        yield from (f"{each.type}: {note}" for note in each.notes)
        yield f"{each.type}: twins carried over: {_listed(each.twins) or 'none'}; trust is earned again"
    if kept.taken_over or kept.left_behind:
        yield f"readings that waited: {kept.taken_over} taken over, {kept.left_behind} left behind"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
