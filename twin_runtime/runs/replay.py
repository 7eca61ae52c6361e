"""Replay: the fold without waiting for anything. A recording or a store goes in, and the same states come out."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import dropwhile, groupby, takewhile
from pathlib import Path
from typing import Any, Protocol

from twin_runtime.core import Checkpoint, Code, Entry, Message, RawReading, Record, Recording
from twin_runtime.errors import RecordingError
from twin_runtime.ingest.decode import Sample
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.bulletin_summary import Again
from twin_runtime.runs.chapter_replay import replay_chapters
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.forecast_skill import Horizons
from twin_runtime.runs.kept_configuration import kept_of
from twin_runtime.runs.recorded import Findings, in_order, report
from twin_runtime.runs.resuming import at_origins
from twin_runtime.runs.summary import run_summary
from twin_runtime.runs.verification import verified
from twin_runtime.store.identity import require_same
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

Progress = Callable[[int], None]
"""Called with the number of readings folded so far."""

CHUNK = 64
"""Ticks between two writes and two calls of the progress."""


def replay_recording(
    assembly: Assembly,
    recording: Recording,
    *,
    begin: int | None = None,
    until: int | None = None,
    store: Path | None = None,
    horizons: Sequence[int] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fold a recording, from event time ``begin`` to ``until`` (ns), and write a store where one is named.

    ``horizons`` (ns): forecasts so far ahead are made and compared with what came, and so are those that are declared,
    where anything is asked of forecasts or a store is written. Returns the summary. Readings are
    taken in order of time, and what is remarkable about their times is logged.
    """
    found, raw = section_of(assembly, recording, begin, until)
    fold, entries = Fold(assembly, "stream", until), admitted(assembly, raw, recording.units)
    return _replay(fold, entries, store, horizons, progress) | {"recording": found.summary()}


def section_of(
    assembly: Assembly, recording: Recording, begin: int | None, until: int | None
) -> tuple[Findings, Iterable[RawReading]]:
    """The readings of a recording from ``begin`` to ``until``, with those that the last tick waits for, in order.

    And what is found in it; what is remarkable about its times is logged.
    """
    margin = max(twin_type.config.twin.wait for twin_type in assembly.types)
    found, raw = in_order(recording)
    report(found, min(twin_type.fleet.pause_after * twin_type.fleet.tick for twin_type in assembly.types))
    if begin is not None:
        raw = dropwhile(lambda r: r.time < begin, raw)
    if until is not None:
        raw = takewhile(lambda r: r.time < until + margin, raw)
    return found, raw


def replay_store(assembly: Assembly, path: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Fold the journal of a store again, to where its run ended, through all its chapters.

    Raises :class:`StoreError` if it is damaged; or has several chapters, the newest of another configuration: one
    chapter alone may be replayed under any.
    """
    with Reader.open(path) as reader:
        reader.require_intact()
        chapters = reader.chapters
    if len(chapters) == 1:
        return _replay_chapter(assembly, path, 1, (), progress)[1]
    require_same(chapters[-1].identity, assembly.identity, str(path))

    def origins_of(number: int) -> list[Checkpoint | None]:
        with Reader.open(path, chapter=number) as reader:
            return [reader.origin(place) for place in range(len(reader.identity.types))]

    done = Done(progress)

    def folded(of: Assembly, number: int, origins: Sequence[Checkpoint | None]) -> tuple[Fold, dict[str, Any]]:
        return _replay_chapter(of, path, number, origins, done.chapter())

    return replay_chapters(assembly, path, chapters, origins_of, folded)


class Done:
    """The progress through one chapter after the other."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._before, self._now = progress, 0, 0

    def chapter(self) -> Progress:
        """The progress of the next chapter."""
        self._before = self._now
        return self._report

    def _report(self, done: int) -> None:
        self._now = self._before + done
        if self._progress is not None:
            self._progress(self._now)


def _replay_chapter(
    assembly: Assembly, path: Path, number: int, origins: Sequence[Checkpoint | None], progress: Progress | None
) -> tuple[Fold, dict[str, Any]]:
    with Reader.open(path, assembly.identity, number) as reader:
        rejected = [entry for _, entry in reader.entries() if entry.code is not Code.ACCEPTED]
        reached = [reader.reached(each.place) for each in assembly.types]
        ends = [
            None if tick is None else tick * of.fleet.tick for tick, of in zip(reached, assembly.types, strict=True)
        ]
        last = max((end for end in ends if end is not None), default=None)
        fold = Fold(assembly, "stream", [last if end is None else end for end in ends])
        fold.take(rejected)
        entries = accepted_entries(assembly, reader)
        again = Again(reader)
        result = _replay(at_origins(fold, origins) if origins else fold, entries, None, (), progress, again)
        return fold, result | again.summary()


def accepted_entries(assembly: Assembly, reader: Reader) -> Iterator[Entry]:
    """All accepted readings of a store by event time, as entries that arrive at it."""
    streams = (_accepted(reader, place) for place in range(len(assembly.types)))
    return merge(*streams, key=lambda entry: entry.arrival)


def _accepted(reader: Reader, place: int) -> Iterator[Entry]:
    """The accepted readings of a type as entries that arrive at their event time."""
    return (Entry(reading.time, Code.ACCEPTED, reading, type=place) for reading in reader.accepted(place=place))


def _replay(
    fold: Fold,
    entries: Iterable[Entry],
    path: Path | None,
    horizons: Sequence[int],
    progress: Progress | None,
    again: Again | None = None,
) -> dict[str, Any]:
    began, assembly = time.perf_counter(), fold.assembly
    if path is not None or horizons or again is not None:
        fold.look_ahead(horizons=horizons)
    compared = [Horizons(fleet) for fleet in fold.fleets if horizons]
    store = None if path is None else Store.create_or_open(path, assembly.identity, kept_of(assembly), fresh=True)
    try:
        for taken, records in steps(fold, entries, (), progress):
            bulletins = fold.bulletins()
            if again is not None:
                again.compare(bulletins)
            for one in compared:
                one.take(taken, bulletins)
            if store is not None:
                store.write(taken, records, tallies=fold.tallies, bulletins=bulletins)
        if store is not None:
            ends = [(fleet.assembly, fleet.reached) for fleet in fold.fleets if fleet.outlooks is not None]
            store.write(scored=[verified(store, of, end) for of, end in ends])
            store.conclude(fold.tips, fold.tallies)
    finally:
        if store is not None:
            store.close()
    result = run_summary(fold, time.perf_counter() - began)
    for one in compared:
        one.take((), (), ended=True)
    return result | {"horizon": [row for one in compared for row in one.rows()]} if horizons else result


class Scorer(Protocol):
    """What looks at a fold after every tick."""

    def score(self, entries: Iterable[Entry], /) -> None:
        """Score the state by the entries that have just been taken."""
        ...


def steps(
    fold: Fold, entries: Iterable[Entry], ahead: Sequence[Scorer] = (), progress: Progress | None = None
) -> Iterator[tuple[list[Entry], list[Record]]]:
    """Entries taken and records made, some ticks at a time; one by one where something is to be scored."""
    ticks = [twin_type.fleet.tick for twin_type in fold.assembly.types]
    span, done = min(ticks) if ahead else min(ticks) * CHUNK, 0
    for _, group in groupby(entries, key=lambda entry: _time(entry) // span):
        taken = fold.take(group)
        records = list(fold.run())
        done += len(taken)
        for skill in ahead:
            skill.score(taken)
        if progress is not None:
            progress(done)
        yield taken, records
    yield [], list(fold.finish())


def _time(entry: Entry) -> int:
    return entry.arrival if entry.reading is None else entry.reading.time


def admitted(assembly: Assembly, raw: Iterable[RawReading], units: Mapping[str, str]) -> Iterator[Entry]:
    """Recorded values as the intake of their twin's type would have let them in."""
    types = {twin: each for each in assembly.types for twin in each.fleet.twins}
    if len(types) == 1:
        types[""] = assembly.types[0]
    intakes = [twin_type.intake(Plausibility.recorded()) for twin_type in assembly.types]
    places = {
        (twin, channel.name): (each.place, each.fleet.twins.index(twin) if twin else 0, k)
        for twin, each in types.items()
        for k, channel in enumerate(each.channels)
    }
    for twin, channel, moment, value, sequence in raw:
        found = places.get((twin, channel))
        if found is None:
            raise _unknown(assembly, twin, channel)
        place, row, column = found
        sample = Sample(value, moment, sequence if sequence >= 0 else None, None, units.get(channel))
        message = Message(f"{twin}/{channel}", str(value).encode(), moment)
        entry = intakes[place].admit(row, column, sample, message)
        yield entry._replace(type=place) if place else entry


def _unknown(assembly: Assembly, twin: str, channel: str) -> RecordingError:
    channels = dict.fromkeys(each.name for twin_type in assembly.types for each in twin_type.channels)
    what = f"the recording has channel '{channel}' of twin '{twin}', which the configuration does not"
    twins = ", ".join(assembly.identity.twins)
    return RecordingError(what, remedy=f"twins: {twins}; channels: {', '.join(channels)}")
