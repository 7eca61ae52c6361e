"""Replay: the fold without the shell. A recording or a store goes in, and the same states come out."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile, groupby, takewhile
from pathlib import Path
from typing import Any

from twin_runtime.core import Code, Entry, Message, RawReading, Record, Recording
from twin_runtime.errors import RecordingError
from twin_runtime.ingest.decode import Sample
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.forecast_skill import Horizon
from twin_runtime.runs.summary import summary
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
    horizon: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fold a recording, from event time ``begin`` to ``until`` (ns), and write a store where one is named.

    ``horizon`` (ns), where not 0, compares forecasts so far ahead with what came. Returns the summary.
    """
    margin = assembly.config.twin.wait
    raw: Iterable[RawReading] = recording.readings()
    if begin is not None:
        raw = dropwhile(lambda r: r.time < begin, raw)
    if until is not None:
        raw = takewhile(lambda r: r.time < until + margin, raw)
    return _replay(assembly, admitted(assembly, raw, recording.units), until, store, horizon, progress)


def replay_store(assembly: Assembly, path: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Fold the journal of a store again, to where its run ended."""
    with Reader.open(path) as reader:
        frontier, tick = reader.frontier(), assembly.fleet.tick
        rejected = [entry for _, entry in reader.entries() if entry.code is not Code.ACCEPTED]
        entries = (Entry(reading.time, Code.ACCEPTED, reading) for reading in reader.accepted())
        until = None if frontier is None else frontier * tick
        return _replay(assembly, entries, until, None, 0, progress, rejected)


def _replay(
    assembly: Assembly,
    entries: Iterable[Entry],
    until: int | None,
    path: Path | None,
    horizon: int,
    progress: Progress | None,
    rejected: Sequence[Entry] = (),
) -> dict[str, Any]:
    fold, began, ticks = Fold(assembly, "stream", until), time.perf_counter(), 0
    fold.take(rejected)
    ahead = Horizon(fold.timeline, horizon) if horizon else None
    store = None if path is None else Store.create_or_open(path, assembly.identity)
    try:
        for taken, records in _steps(fold, entries, ahead, progress):
            ticks += sum(1 for record in records if not record.revision.any())
            if store is not None:
                store.write(taken, records)
        if store is not None and fold.tip is not None:
            store.conclude(fold.tip)
    finally:
        if store is not None:
            store.close()
    result = summary(fold, time.perf_counter() - began, ticks)
    return result if ahead is None else result | {"horizon": ahead.scores()}


def _steps(
    fold: Fold, entries: Iterable[Entry], ahead: Horizon | None, progress: Progress | None
) -> Iterator[tuple[list[Entry], list[Record]]]:
    """Entries taken and records made, some ticks at a time."""
    span, done = fold.assembly.fleet.tick * (1 if ahead else CHUNK), 0
    for _, group in groupby(entries, key=lambda entry: _time(entry) // span):
        taken = fold.take(group)
        records = list(fold.run())
        done += len(taken)
        if ahead is not None:
            ahead.score(taken)
        if progress is not None:
            progress(done)
        yield taken, records
    yield [], list(fold.finish())


def _time(entry: Entry) -> int:
    return entry.arrival if entry.reading is None else entry.reading.time


def admitted(assembly: Assembly, raw: Iterable[RawReading], units: Mapping[str, str]) -> Iterator[Entry]:
    """Recorded values as the door would have let them in."""
    intake = assembly.intake("stream")
    twins = {twin: row for row, twin in enumerate(assembly.config.twin.twins)}
    channels = {channel.name: place for place, channel in enumerate(assembly.channels)}
    alone = 0 if len(twins) == 1 else None
    for twin, channel, moment, value, sequence in raw:
        row = twins.get(twin, alone if not twin else None)
        if row is None or channel not in channels:
            raise RecordingError(
                f"the recording has channel '{channel}' of twin '{twin}', which the configuration does not",
                remedy=f"twins: {', '.join(twins)}; channels: {', '.join(channels)}",
            )
        sample = Sample(value, moment, sequence if sequence >= 0 else None, None, units.get(channel))
        yield intake.admit(row, channels[channel], sample, Message(f"{twin}/{channel}", str(value).encode(), moment))
