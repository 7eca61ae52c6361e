"""What a run came to: one JSON object."""

from typing import Any

from twin_runtime.core import SECOND, FloatArray, Record, Trust
from twin_runtime.fold import Fold
from twin_runtime.memory import Slot
from twin_runtime.vvuq.checks import reasons
from twin_runtime.vvuq.identifiability import blind_directions


def summary(fold: Fold, seconds: float, ticks: int) -> dict[str, Any]:
    """What a fold that took ``seconds`` of wall time came to; every key is explained in the README."""
    memory, fleet = fold.timeline.state.memory, fold.assembly.fleet
    total, last = memory.sum(axis=0), fold.timeline.newest_record
    return {
        "name": fold.assembly.identity.name,
        "model": fleet.model.name,
        "model_hash": fold.assembly.identity.model_hash,
        "ticks": ticks,
        "frontier": fold.timeline.frontier,
        "readings": fold.accounting(),
        "state_hash": fold.state_hash,
        "realtime_factor": ticks * fleet.tick / SECOND / seconds if seconds > 0.0 else None,
        "coverage_90": _share(total[Slot.SUM_COVERED], total[Slot.SUM_COMPARED]),
        "interval_90_width": _share(total[Slot.SUM_WIDTH], total[Slot.SUM_ASSIMILATED]),
        "nis": _share(total[Slot.SUM_NIS], total[Slot.SUM_DEGREES]),
        "verdicts": verdicts(memory),
        "reasons": [] if last is None else sorted({name for bits in last.reasons for name in reasons(int(bits))}),
        "blind": _blind(fold),
        "estimates": _estimates(fold, last),
        "unit": {quantity.name: quantity.unit for quantity in fleet.model.quantities},
    }


def verdicts(memory: FloatArray) -> dict[str, int]:
    """How many estimates of each trust there have been."""
    slots = (Slot.SUM_TRUSTED, Slot.SUM_DEGRADED, Slot.SUM_UNTRUSTED)
    return {level.name.lower(): int(memory[:, slot].sum()) for level, slot in zip(Trust, slots, strict=True)}


def _blind(fold: Fold) -> dict[str, list[str]]:
    """What the sensors of each twin cannot tell, in words, by the readings of the time that is still open."""
    fleet = fold.assembly.fleet
    found = {twin: blind_directions(fleet, *fold.timeline.window(row)) for row, twin in enumerate(fleet.twins)}
    return {twin: [blind.says for blind in directions] for twin, directions in found.items() if directions}


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _estimates(fold: Fold, last: Record | None) -> dict[str, Any]:
    """Mean and sd by quantity; by twin first, in a fleet of more than one."""
    if last is None:
        return {}
    fleet = fold.assembly.fleet
    by_twin = {
        fleet.twins[row]: {
            quantity.name: {"mean": float(figures[0]), "sd": float(figures[1])}
            for quantity, figures in zip(fleet.model.quantities, last.figures[i], strict=True)
        }
        for i, row in enumerate(last.rows)
    }
    return by_twin if len(fleet.twins) > 1 else next(iter(by_twin.values()))
