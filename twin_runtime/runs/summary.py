"""What a run came to: one JSON object."""

from collections.abc import Iterable
from typing import Any

from twin_runtime.core import SECOND, FloatArray, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.observations import Observations
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.runs.accounting import consistency, verdicts
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.fold import Fold
from twin_runtime.vvuq.diagnostics import diagnosed
from twin_runtime.vvuq.identifiability import Interval, unidentifiable
from twin_runtime.vvuq.memory import totals


def run_summary(fold: Fold, seconds: float) -> dict[str, Any]:
    """What a fold that took ``seconds`` of wall time came to; every key is explained in the README.

    Of several twin types each has a summary of its own under ``types``.
    """
    parts = {fleet.assembly.identity.name: _of_type(fleet, seconds) for fleet in fold.fleets}
    joint = {"name": fold.assembly.identity.name, "readings": fold.accounting(), "state_hash": fold.state_hash}
    return (
        next(iter(parts.values())) | joint
        if len(parts) == 1
        else {**joint, "ticks": fold.earlier_ticks + fold.ticks, "types": parts}
    )


def _of_type(fold: FleetFold, seconds: float) -> dict[str, Any]:
    memory, fleet = fold.timeline.state.memory, fold.assembly.fleet
    known, last = fold.assembly.identity, fold.timeline.newest_record
    return {
        "name": known.name,
        "model": fleet.model.name,
        "model_hash": known.model_hash,
        "ticks": fold.earlier_ticks + fold.ticks,
        "frontier": fold.timeline.frontier,
        "readings": fold.accounting(),
        "state_hash": fold.state_hash,
        "realtime_factor": fold.ticks * fleet.tick / SECOND / seconds if seconds > 0.0 else None,
        **consistency(memory),
        "verdicts": verdicts(memory),
        "gaps": int(totals(memory).sum_gaps),
        "reasons": [] if last is None else sorted({name for bits in last.reasons for name in known.reasons(int(bits))}),
        "overload": fold.left_out,
        "unidentifiable": _unidentifiable(fold),
        **diagnosed(fleet.layout.records(memory), fleet.twins, [sensor.name for sensor in fleet.sensors]),
        "estimates": _estimates(fold, last),
        "unit": {quantity.name: quantity.unit for quantity in fleet.model.quantities},
    }


def _unidentifiable(fold: FleetFold) -> dict[str, list[str]]:
    """What the sensors of each twin cannot identify, in words, by the readings of the time that is still open."""
    fleet = fold.assembly.fleet
    found = {twin: unidentifiable_texts(fleet, *fold.timeline.window(row)) for row, twin in enumerate(fleet.twins)}
    return {twin: texts for twin, texts in found.items() if texts}


def unidentifiable_texts(fleet: Fleet, x: FloatArray, window: Iterable[tuple[InputSignals, Observations]]) -> list[str]:
    """What the sensors of one twin cannot identify, in words.

    ``x[member, variable]`` is the twin's ensemble at the start of the ``window``: inputs and readings of every tick, as
    of a fleet of one.
    """
    intervals = (Interval(fleet.seconds, signals, seen.points, seen.variance) for signals, seen in window)
    found = unidentifiable(fleet.model, [sensor.name for sensor in fleet.sensors], x, intervals)
    return [combination.text for combination in found]


def _estimates(fold: FleetFold, last: Record | None) -> dict[str, Any]:
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
