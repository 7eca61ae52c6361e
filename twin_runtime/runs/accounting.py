"""What became of everything that came in, and what proves that two runs agree; from counts and a state alone."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from twin_runtime.core import Code, FleetState, FloatArray, Trust
from twin_runtime.vvuq.memory import totals


def accounting(counts: Mapping[Code, int], memory: FloatArray | None, pending: int | None = None) -> dict[str, Any]:
    """The ledger: accepted = assimilated + withheld + rejected + duplicate + late + pending.

    ``memory[twin, slot]`` is that of the state (None: none is known yet). ``pending`` is what waits for its tick; where
    it is not counted, it is what the others leave.
    """
    assimilated = outliers = withheld = 0
    if memory is not None:
        total = totals(memory)
        assimilated, outliers = int(total.sum_assimilated + total.sum_inputs), int(total.sum_outliers)
        withheld = int(total.sum_withheld)
    rejected = {str(code): count for code, count in sorted(counts.items()) if code.is_rejection and count}
    rest = counts.get(Code.ACCEPTED, 0) - assimilated - outliers - withheld
    return {
        "accepted": sum(counts.values()),
        "assimilated": assimilated,
        **({"withheld": withheld} if withheld else {}),
        "rejected": rejected | ({"outlier": outliers} if outliers else {}),
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
    withheld = sum(part.get("withheld", 0) for part in parts)
    return {
        "accepted": sum(part["accepted"] for part in parts) + sum(unroutable.values()),
        "assimilated": sum(part["assimilated"] for part in parts),
        **({"withheld": withheld} if withheld else {}),
        "rejected": dict(sorted(rejected.items())),
        **{name: sum(part[name] for part in parts) for name in ("duplicate", "late", "pending")},
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
