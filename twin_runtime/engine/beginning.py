"""A twin begins with its own first reading, pauses after a long silence, and begins again with the reading after it.

All of it follows from the twin's own state and readings: it does not depend on the other twins of its fleet.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FIGURES, FleetState, FloatArray, IntArray, Reading, Record, Trust
from twin_runtime.engine.fleet import Fleet, observed_prior
from twin_runtime.engine.forecast import forecast
from twin_runtime.engine.tick import laid_out, tick
from twin_runtime.modelling.random import perturb
from twin_runtime.modelling.signals import InputSamples
from twin_runtime.modelling.variables import Parameter
from twin_runtime.vvuq.memory import PRIOR, by_twin

BoolArray = npt.NDArray[np.bool_]

SILENCE_CHECKED = 64
"""Whether a twin has been silent for too long is looked at in every so many ticks."""


def tick_of_begun(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None = None,
) -> tuple[FleetState, Record]:
    """:func:`twin_runtime.engine.tick.tick` for the twins that run; the others stay as they are.

    A twin runs from its first reading on, until it has had none for longer than ``fleet.pause_after``. The record has
    only the rows that have run.
    """
    running = is_running(state.memory)
    if running.all():
        whole, record = tick(fleet, state, number, readings, rows, after)
    else:
        whole, record = _tick_of_some(fleet, state, number, readings, rows, after)
    if fleet.pause_after and number % SILENCE_CHECKED == 0:
        _pause(fleet, whole.memory, number)
    return whole, record


def _tick_of_some(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None,
) -> tuple[FleetState, Record]:
    """The tick of the twins that run, and of those that begin."""
    running, begins = is_running(state.memory), np.zeros(rows.size, np.bool_)
    begins[[reading.twin for reading in readings]] = True
    places = np.flatnonzero(running | begins)
    whole = state.copy()
    if not places.size:
        none = np.empty(0, np.int64)
        quantities = len(fleet.model.quantities)
        figures, standing = np.empty((0, quantities, len(FIGURES))), np.empty((0, quantities), np.int64)
        return whole, Record(number, none, figures, none, none, none, standing)
    for place in np.flatnonzero(begins & ~running):
        _begin(fleet, whole, int(place), number, rows)
    own = {int(place): i for i, place in enumerate(places)}
    moved = [reading._replace(twin=own[reading.twin]) for reading in readings]
    behind = None if after is None else InputSamples(after.time[places], after.value[places])
    part = whole.rows(places)
    if not running[places].all():
        _remember_prior(fleet, part, number, moved, rows[places], behind, ~running[places])
    part, record = tick(fleet, part, number, moved, rows[places], behind)
    whole.put(places, part)
    return whole, replace(record, rows=rows[places])


def is_running(memory: FloatArray) -> BoolArray:
    """Whether each twin has begun and is not paused."""
    running: BoolArray = by_twin(memory)["paused"] == 0.0
    return running


def paused_rows(memory: FloatArray) -> list[int]:
    """The places of the twins that had begun and are paused."""
    return [int(place) for place in np.flatnonzero(by_twin(memory)["paused"] > 0.0)]


def _begin(fleet: Fleet, state: FleetState, place: int, number: int, rows: IntArray) -> None:
    """Let a twin run from tick ``number`` on, in place.

    After a pause its state is drawn from the prior again, as nothing is known of it any more; parameters have gone on
    with their random walks. What the checks remember of the time before is dropped, and trust has to be earned again.
    """
    memory = by_twin(state.memory)[place]
    paused, row = float(memory["paused"]), rows[place : place + 1]
    memory["paused"] = 0.0
    if paused < 0.0:
        return
    x = fleet.drawn(row, number)
    if not fleet.method.keeps_points:
        kept = [isinstance(variable, Parameter) for variable in fleet.model.variables]
        walked = np.empty_like(x)
        walk = fleet.walk * math.sqrt(max(0.0, number - paused))
        perturb(state.x[place : place + 1].copy(), walk, fleet.keys[row], number - 1, walked)
        x[:, :, kept] = walked[:, :, kept]
    state.x[place] = x[0]
    fleet.layout.reset_window(state.memory, place)
    state.lagged[place] = observed_prior(fleet, x, state.memory[place : place + 1])[0]
    memory["trust"], memory["better"], memory["worse"], memory["diverged"] = Trust.UNTRUSTED, 0.0, 0.0, 0.0
    memory["sum_pauses"] += 1.0


def _remember_prior(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None,
    begin: BoolArray,
) -> None:
    """Remember, in place, the variance of the quantities of the twins that begin, as no sensor has corrected it yet."""
    signals, observed = laid_out(fleet, state.memory.copy(), number, readings, after)
    x, _, _ = forecast(fleet, state.x, number, rows, signals, observed.points)
    with np.errstate(over="ignore", invalid="ignore"):  # a twin that blows up at once is found by the checks
        prior = fleet.model.observe(x, fleet.seconds, signals).var(axis=1)
    fleet.layout.by_quantity(state.memory)[begin, PRIOR] = prior[begin]


def _pause(fleet: Fleet, memory: FloatArray, number: int) -> None:
    """Pause the twins that have had no reading for longer than ``pause_after``, from the next tick on, in place."""
    sensors, times = fleet.layout.records(memory).sensors["newest"], fleet.layout.by_input(memory).time
    newest = np.full(len(memory), -np.inf)
    for ticks in (sensors, np.where(np.isnan(times), -np.inf, times // fleet.tick)):
        newest = np.maximum(newest, ticks.max(axis=1, initial=-np.inf))
    silent = is_running(memory) & (number - newest > fleet.pause_after)
    by_twin(memory)["paused"][silent] = number + 1
