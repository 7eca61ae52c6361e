"""What became of everything that came in, and what proves that two runs agree; from counts and a state alone."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from twin_runtime.core import Code, FleetState, FloatArray, Tally, Trust
from twin_runtime.vvuq.memory import by_twin, totals


def tally(place: int, ticks: int, memory: FloatArray) -> Tally:
    """What the ticks of a type have come to, by the ``memory[twin, slot]`` of its state."""
    twins = by_twin(memory)
    columns = ("sum_assimilated", "sum_inputs", "sum_outliers", "sum_omitted")
    assimilated, inputs, outliers, omitted = (int(twins[name].sum()) for name in columns)
    return Tally(place, ticks, assimilated + inputs, outliers, omitted)


def accounting(counts: Mapping[Code, int], tally: Tally | None, pending: int | None = None) -> dict[str, Any]:
    """The ledger: accepted = assimilated + rejected + duplicate + late + pending.

    ``tally`` is what the ticks have come to (None: none has run). ``pending`` is what waits for its tick; where it is
    not counted, it is what the others leave.
    """
    assimilated, outliers, omitted = (0, 0, 0) if tally is None else tally[2:]
    rejected = {str(code): count for code, count in sorted(counts.items()) if code.is_rejection and count}
    rest = counts.get(Code.ACCEPTED, 0) - assimilated - outliers - omitted
    in_ticks = {code: count for code, count in (("outlier", outliers), ("overload", omitted)) if count}
    return {
        "accepted": sum(counts.values()),
        "assimilated": assimilated,
        "rejected": rejected | in_ticks,
        "duplicate": counts.get(Code.DUPLICATE, 0),
        "late": counts.get(Code.LATE, 0),
        "pending": rest if pending is None else pending,
    }


def state_hash(tick: int | None, state: FleetState) -> str:
    """SHA-256 of a tick and the whole state at its start, with shapes: equal exactly if two runs agree bit for bit."""
    digest = hashlib.sha256(str(tick).encode())
    for array in (state.x, state.memory, state.lagged):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.astype("<f8").tobytes())
    return digest.hexdigest()


def joint_hash(hashes: Sequence[str]) -> str:
    """One hash of the states of all types: that of the state itself where there is one type only."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def total(parts: Sequence[Mapping[str, Any]], unroutable: Mapping[Code, int]) -> dict[str, Any]:
    """The accounts of all types as one, with the rejected messages that belong to none."""
    rejected = Counter({str(code): count for code, count in unroutable.items()})
    for part in parts:
        rejected.update(part["rejected"])
    return {
        "accepted": sum(part["accepted"] for part in parts) + sum(unroutable.values()),
        "assimilated": sum(part["assimilated"] for part in parts),
        "rejected": dict(sorted(rejected.items())),
        **{name: sum(part[name] for part in parts) for name in ("duplicate", "late", "pending")},
    }


def since(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What came in between two accounts, and what became of it and of what was pending before.

    ``pending_before`` + ``accepted`` = ``assimilated`` + ``rejected`` + ``duplicate`` + ``late`` + ``pending``.
    """
    rejected = Counter(now["rejected"])
    rejected.subtract(before["rejected"])
    return {
        "pending_before": before["pending"],
        **{name: now[name] - before[name] for name in ("accepted", "assimilated")},
        "rejected": {code: count for code, count in sorted(rejected.items()) if count},
        **{name: now[name] - before[name] for name in ("duplicate", "late")},
        "pending": now["pending"],
    }


def consistency(memory: FloatArray) -> dict[str, float | None]:
    """Coverage and mean width of the 90 % predictive interval, and the mean normalised innovation squared."""
    total = totals(memory)
    return {
        "coverage_90": _share(total.sum_covered, total.sum_compared),
        "interval_90_width": _share(total.sum_width, total.sum_assimilated),
        "nis": _share(total.sum_nis, total.sum_degrees),
    }


def verdicts(memory: FloatArray) -> dict[str, int]:
    """How many estimates of each trust there have been."""
    counts = totals(memory).sum_verdicts
    return {level.name.lower(): int(count) for level, count in zip(Trust, counts, strict=True)}


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
