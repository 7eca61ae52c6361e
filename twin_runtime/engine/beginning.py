"""A twin begins with its own first reading, whenever the other twins of its fleet have begun."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FIGURES, FleetState, FloatArray, IntArray, Reading, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.signals import InputSamples
from twin_runtime.vvuq.memory import by_twin


def tick_of_begun(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None = None,
) -> tuple[FleetState, Record]:
    """:func:`twin_runtime.engine.tick.tick` for the twins that have begun; the others stay as they are.

    A twin has begun when it has had a reading, in this tick or before. The record has only the rows that have begun.
    """
    begun = has_begun(state.memory, readings)
    if begun.all():
        return tick(fleet, state, number, readings, rows, after)
    places = np.flatnonzero(begun)
    if not places.size:
        none = np.empty(0, np.int64)
        return state, Record(number, none, np.empty((0, len(fleet.model.quantities), len(FIGURES))), none, none, none)
    own = {int(place): i for i, place in enumerate(places)}
    moved = [reading._replace(twin=own[reading.twin]) for reading in readings]
    behind = None if after is None else InputSamples(after.time[places], after.value[places])
    part, record = tick(fleet, state.rows(places), number, moved, rows[places], behind)
    whole = state.copy()
    whole.x[places], whole.memory[places], whole.lagged[places] = part.x, part.memory, part.lagged
    return whole, replace(record, rows=rows[places])


def has_begun(memory: FloatArray, readings: Sequence[Reading]) -> npt.NDArray[np.bool_]:
    """Whether each twin has had a tick, or has a reading in this one."""
    begun: npt.NDArray[np.bool_] = np.any(by_twin(memory)["sum_verdicts"], axis=1)
    if not begun.all():
        begun[[reading.twin for reading in readings]] = True
    return begun
