"""The summary of a run from its store, for any process that can read the file, while the run goes on or after it.

Counts, verdicts and estimates are of all that is stored at one moment, of the twins that are still there. What the
checks sum up and the state's hash are those of the end of the run; while it goes on, or if it was killed, of the newest
checkpoint, which lies behind by the lateness: ``checkpoint_tick`` names it.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from twin_runtime.core import FIGURES, Code, FloatArray, IntArray, Record, Standing, Trust
from twin_runtime.ingest.router import NO_TYPE
from twin_runtime.runs.accounting import accounting, consistency, joint_hash, state_hash, total
from twin_runtime.runs.bulletin_summary import bulletin_summary
from twin_runtime.runs.overload import left_out
from twin_runtime.runs.recorded import time_text
from twin_runtime.runs.sinks import sinks
from twin_runtime.runs.validity import NO_ESTIMATE, validity
from twin_runtime.store.chapter import Chapter
from twin_runtime.store.identity import TypeIdentity
from twin_runtime.store.reader import Reader
from twin_runtime.vvuq.diagnostics import diagnosed
from twin_runtime.vvuq.memory import Layout, totals


def stored_summary(reader: Reader, now: int | None = None) -> dict[str, Any]:
    """The same keys as the summary of a replay; those that a store cannot know are None.

    ``verdict`` is the newest of a type, the worst of its twins: "expired", as for a run that is dead, where it does not
    count any more ``now`` (ns; by default the time of this machine).
    """
    with reader.snapshot():
        return _summary(reader, time.time_ns() if now is None else now)


def _summary(reader: Reader, now: int) -> dict[str, Any]:
    counts = reader.counts(without=reader.removed())
    parts = {known.name: _of_type(reader, place, counts, now) for place, known in enumerate(reader.identity.types)}
    unroutable = {code: count for (place, code), count in counts.items() if place == NO_TYPE}
    hashes = [part["state_hash"] for part in parts.values()]
    joint: dict[str, Any] = {
        "name": reader.identity.name,
        "readings": total([part["readings"] for part in parts.values()], unroutable),
        "state_hash": None if None in hashes else joint_hash(hashes),
        "sinks": sinks(reader),
    }
    if len(reader.chapters) > 1:
        joint["chapters"] = [_of_chapter(chapter) for chapter in reader.chapters]
    if len(parts) == 1:
        return next(iter(parts.values())) | joint
    return {**joint, "ticks": sum(part["ticks"] for part in parts.values()), "types": parts}


def _of_chapter(chapter: Chapter) -> dict[str, Any]:
    """What a chapter is, and what it took over; the other figures are those of the newest."""
    begins = [each.begins for each in chapter.kept.beginnings if each.begins is not None]
    return {
        "chapter": chapter.number,
        "opened": chapter.opened,
        "begins": time_text(min(begins)) if begins else None,
        "config_hashes": {known.name: known.config_hash for known in chapter.identity.types},
        "model_hashes": {known.name: known.model_hash for known in chapter.identity.types},
        "changes": list(chapter.kept.changes),
        "taken_over": chapter.kept.taken_over,
        "left_behind": chapter.kept.left_behind,
    }


def _of_type(reader: Reader, place: int, counts: Mapping[tuple[int, Code], int], now: int) -> dict[str, Any]:
    known, checkpoint = (
        reader.identity.types[place],
        reader.tip(place) or reader.checkpoint(place) or reader.origin(place),
    )
    ticks, verdicts, last, newest = _estimated(reader, place)
    valid = validity(reader, place, newest, now)
    layout = Layout(known.sensors, 0)
    twins = known.twins if checkpoint is None else checkpoint.twins
    memory = layout.fresh(len(twins)) if checkpoint is None else checkpoint.state.memory
    own = {code: count for (of, code), count in counts.items() if of == place}
    return {
        "name": known.name,
        "config_hash": known.config_hash,
        "model_hash": known.model_hash,
        "ticks": ticks,
        "frontier": reader.frontier(place),
        "readings": accounting(own, reader.tally(place)),
        "state_hash": None if checkpoint is None else state_hash(checkpoint.tick, checkpoint.state),
        "checkpoint_tick": None if checkpoint is None else checkpoint.tick,
        "realtime_factor": None,
        **consistency(memory),
        "verdict": _verdict(last, valid),
        "validity": valid,
        "verdicts": {level.name.lower(): verdicts[level] for level in Trust},
        "overload": left_out(reader.decisions(place), reader.frontier(place)),
        "pauses": int(totals(memory).sum_pauses),
        "reasons": [] if last is None else sorted({name for bits in last.reasons for name in known.reasons(int(bits))}),
        **diagnosed(layout.records(memory), twins, known.channels[: known.sensors]),
        "estimates": {} if last is None else _estimates(known, last),
        "unit": {quantity.name: quantity.unit for quantity in known.quantities},
        **bulletin_summary(reader, place),
    }


def _estimated(reader: Reader, place: int) -> tuple[int, Counter[Trust], Record | None, IntArray]:
    """How many ticks there are, how often each verdict, the newest record, and the newest tick of each twin."""
    ticks, verdicts, last = 0, Counter[Trust](), None
    newest = np.full(len(reader.identity.types[place].twins), NO_ESTIMATE)
    for last in reader.latest(place=place):  # the last one is wanted
        ticks += 1
        verdicts.update(map(Trust, last.trust.tolist()))
        newest[last.rows] = last.tick
    return ticks, verdicts, last, newest


def _verdict(last: Record | None, valid: Mapping[str, Any] | None) -> str | None:
    if last is None or valid is None:
        return None
    return "expired" if valid["expired_seconds"] else Trust(int(last.trust.max())).name.lower()


def _estimates(known: TypeIdentity, last: Record) -> dict[str, Any]:
    """All figures by quantity; by twin first, in a fleet of more than one."""
    by_twin = {known.twins[row]: _figures(known, last.figures[i], last.standing[i]) for i, row in enumerate(last.rows)}
    return by_twin if len(known.twins) > 1 else next(iter(by_twin.values()))


def _figures(known: TypeIdentity, figures: FloatArray, standing: IntArray) -> dict[str, dict[str, Any]]:
    names = (quantity.name for quantity in known.quantities)
    return {
        name: {**dict(zip(FIGURES, row.tolist(), strict=True)), "standing": Standing(level).name.lower()}
        for name, row, level in zip(names, figures, standing.tolist(), strict=True)
    }
