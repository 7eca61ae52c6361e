"""What a store says of its run, to any process that can read the file, while the run goes on or after it.

Counts, verdicts and estimates are of all that is stored. What the checks sum up and the state's hash are those of the
newest checkpoint, which lies behind the newest tick by the lateness: ``checkpoint_tick`` names it.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from twin_runtime.core import FIGURES, Checkpoint, Code, FloatArray, Record, Trust
from twin_runtime.memory import Slot
from twin_runtime.stream.reading import Reader


def stored_summary(reader: Reader) -> dict[str, Any]:
    """The same keys as the summary of a replay; those that a store cannot know are None."""
    known, checkpoint = reader.identity, reader.checkpoint()
    ticks, verdicts, last = _estimated(reader)
    memory = None if checkpoint is None else checkpoint.state.memory.sum(axis=0)
    return {
        "name": known.name,
        "config_hash": known.config_hash,
        "model_hash": known.model_hash,
        "ticks": ticks,
        "frontier": reader.frontier(),
        "readings": accounting(reader.counts(), memory),
        "state_hash": None if checkpoint is None else state_hash(checkpoint),
        "checkpoint_tick": None if checkpoint is None else checkpoint.tick,
        "realtime_factor": None,
        "coverage_90": _share(memory, Slot.SUM_COVERED, Slot.SUM_COMPARED),
        "nis": _share(memory, Slot.SUM_NIS, Slot.SUM_DEGREES),
        "verdicts": {level.name.lower(): verdicts[level] for level in Trust},
        "reasons": [] if last is None else sorted({name for bits in last.reasons for name in known.reasons(int(bits))}),
        "estimates": {} if last is None else _estimates(reader, last),
        "unit": {quantity.name: quantity.unit for quantity in known.quantities},
    }


def accounting(counts: Mapping[Code, int], memory: FloatArray | None) -> dict[str, Any]:
    """What became of everything that came in; ``memory[slot]`` is summed over the twins (None: no checkpoint yet)."""
    assimilated = 0 if memory is None else int(memory[Slot.SUM_ASSIMILATED] + memory[Slot.SUM_DRIVEN])
    outliers = 0 if memory is None else int(memory[Slot.SUM_OUTLIERS])
    rejected = {str(code): count for code, count in sorted(counts.items()) if code.is_rejection}
    return {
        "accepted": sum(counts.values()),
        "assimilated": assimilated,
        "rejected": rejected | ({"outlier": outliers} if outliers else {}),
        "duplicate": counts.get(Code.DUPLICATE, 0),
        "late": counts.get(Code.LATE, 0),
        "pending": counts.get(Code.ACCEPTED, 0) - assimilated - outliers,
    }


def state_hash(checkpoint: Checkpoint) -> str:
    """SHA-256 of tick and state: equal exactly if two runs agree bit for bit."""
    digest = hashlib.sha256(str(checkpoint.tick).encode())
    for array in (checkpoint.state.x, checkpoint.state.memory):
        digest.update(array.astype("<f8").tobytes())
    return digest.hexdigest()


def _estimated(reader: Reader) -> tuple[int, Counter[Trust], Record | None]:
    """How many ticks there are, how often each verdict, and the newest record."""
    ticks, verdicts, last = 0, Counter[Trust](), None
    for last in reader.latest():  # the last one is wanted
        ticks += 1
        verdicts.update(map(Trust, last.trust.tolist()))
    return ticks, verdicts, last


def _share(memory: FloatArray | None, part: int, whole: int) -> float | None:
    return float(memory[part] / memory[whole]) if memory is not None and memory[whole] else None


def _estimates(reader: Reader, last: Record) -> dict[str, Any]:
    """All figures by quantity; by twin first, in a fleet of more than one."""
    known = reader.identity
    by_twin = {known.twins[row]: _figures(reader, last.figures[i]) for i, row in enumerate(last.rows)}
    return by_twin if len(known.twins) > 1 else next(iter(by_twin.values()))


def _figures(reader: Reader, figures: FloatArray) -> dict[str, dict[str, float]]:
    names = (quantity.name for quantity in reader.identity.quantities)
    return {name: dict(zip(FIGURES, row.tolist(), strict=True)) for name, row in zip(names, figures, strict=True)}
