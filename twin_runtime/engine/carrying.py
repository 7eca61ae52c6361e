"""What a fleet takes over from the states of another: where a chapter of a store begins under another configuration.

A variable of the same name, unit and position keeps its ensemble, row by row, so that what is known of it, and its
correlations with the others, stay; every other one begins from its prior. A parameter that is known exactly, then or
now, has no ensemble to be kept. What the checks remember is dropped, and trust is earned again, but for how old and how
steady the readings are, the newest samples of inputs, and the variances that quantities had before any reading.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from twin_runtime.assimilation.sigma_points import Moments, lay_out
from twin_runtime.core import Checkpoint, FleetState, FloatArray, IntArray, Quantity, Trust
from twin_runtime.engine.fleet import Fleet, held, observed_prior
from twin_runtime.modelling.positions import positions_of
from twin_runtime.modelling.random import Purpose, normals
from twin_runtime.modelling.spaces import TO_PHYSICAL, TO_SPACE, Space
from twin_runtime.modelling.variables import Parameter, Variable
from twin_runtime.store.chapter import Column, Contents, Signal
from twin_runtime.store.identity import TypeIdentity
from twin_runtime.vvuq.memory import PRIOR, TAKEN, Layout, by_twin


class Before(NamedTuple):
    """The states of a type in which the chapter before ended, and what lies in them."""

    identity: TypeIdentity
    contents: Contents
    checkpoint: Checkpoint

    @property
    def layout(self) -> Layout:
        """Where things lie in its memory."""
        known = self.contents
        variables = len(known.variables) if known.remembers else 0
        quantities = len(self.identity.quantities)
        return Layout(self.identity.sensors, len(known.inputs), variables, quantities, known.alike)


class Carried(NamedTuple):
    """The states with which a chapter begins, whose ensembles are kept, and why the others are not."""

    state: FleetState
    twins: tuple[str, ...]
    variables: tuple[str, ...]
    fresh: Mapping[str, str]
    notes: tuple[str, ...]


def contents_of(fleet: Fleet, channels: Sequence[Signal]) -> Contents:
    """What lies in the states of a fleet."""
    positions = positions_of(fleet.model)
    at = [()] * len(fleet.model.variables) if positions is None else list(map(_place, positions.variables))
    return Contents(
        variables=tuple(_column(variable, place) for variable, place in zip(fleet.model.variables, at, strict=True)),
        channels=tuple(channels),
        inputs=tuple(Signal(given.name, given.name, given.unit) for given in fleet.model.inputs),
        members=fleet.members,
        remembers=fleet.inflation.remembers,
        alike=fleet.layout.alike,
        points=fleet.method.keeps_points,
    )


def _column(variable: Variable, at: tuple[float, ...]) -> Column:
    fixed = isinstance(variable, Parameter) and variable.prior.sd == 0.0
    return Column(variable.name, variable.unit, int(variable.prior.space), variable.prior.bounds, at, fixed)


def _place(position: FloatArray) -> tuple[float, ...]:
    """The coordinates of a variable; none where it is nowhere."""
    return tuple(position.tolist()) if np.isfinite(position).all() else ()


def carried(fleet: Fleet, now: Contents, before: Before, number: int) -> Carried:
    """The states of a fleet at the start of tick ``number``, as far as those of ``before`` can be kept."""
    begun = by_twin(before.checkpoint.state.memory)["paused"] != -1.0
    places = {twin: i for i, twin in enumerate(before.checkpoint.twins) if begun[i]}
    rows = np.array([row for row, twin in enumerate(fleet.twins) if twin in places], np.int64)
    state, old = fleet.start(), before.checkpoint.state.rows(np.array([places[fleet.twins[r]] for r in rows], np.int64))
    kept, fresh = _kept(fleet, now, before, old.x)
    x, notes = _ensembles(fleet, now, before, kept, rows, number)
    memory = _memory(fleet, now, before, old.memory, list(kept))
    _remember_variances(fleet, before, x, memory, old.memory)
    if rows.size:
        state.put(rows, FleetState(x, memory, observed_prior(fleet, x, memory)))
    names = tuple(fleet.model.variables[j].name for j in kept)
    return Carried(state, tuple(fleet.twins[row] for row in rows), names, fresh, notes)


def _kept(fleet: Fleet, now: Contents, before: Before, x: FloatArray) -> tuple[dict[int, FloatArray], dict[str, str]]:
    """``[twin, member]`` of each variable that is kept, by column, in its space; why the others are not, by name."""
    columns = {column.name: (j, column) for j, column in enumerate(before.contents.variables)}
    kept, fresh = dict[int, FloatArray](), dict[str, str]()
    for j, (variable, mine) in enumerate(zip(fleet.model.variables, now.variables, strict=True)):
        if mine.name not in columns:
            fresh[mine.name] = "new"
            continue
        place, column = columns[mine.name]
        values = _converted(x[:, :, place], column, variable)
        if column.unit != mine.unit:
            fresh[mine.name] = f"its unit was {column.unit}, and is {mine.unit}"
        elif column.at != mine.at:
            fresh[mine.name] = "it was elsewhere in the field"
        elif mine.fixed or column.fixed:
            fresh[mine.name] = "known exactly" if mine.fixed else "it was known exactly"
        elif values is None:
            fresh[mine.name] = "values that it had are out of its range now"
        else:
            kept[j] = values
    return kept, fresh


def _converted(x: FloatArray, before: Column, variable: Variable) -> FloatArray | None:
    """Values in the space of a variable; None where there is no such value in it."""
    prior = variable.prior
    if (before.space, before.bounds) == (int(prior.space), prior.bounds):
        return x
    with np.errstate(all="ignore"):
        physical = TO_PHYSICAL[Space(before.space)](x, np.exp, *before.bounds)
        values: FloatArray = TO_SPACE[prior.space](physical, np.log, *prior.bounds)
    return values if np.isfinite(values).all() else None


def _ensembles(
    fleet: Fleet, now: Contents, before: Before, kept: Mapping[int, FloatArray], rows: IntArray, number: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """The members ``[twin, member, variable]``: what is kept, and the prior of the rest; and what there is to say."""
    x, notes, columns = fleet.drawn(rows, number), tuple[str, ...](), list(kept)
    if not columns or not rows.size:
        return x, notes
    values = np.stack(list(kept.values()), axis=2)
    if now.points:
        if now.members == before.contents.members and before.contents.points and len(columns) == len(now.variables):
            return np.ascontiguousarray(values), notes
        notes = ("members are laid out anew with the mean and the covariance that they had",)
        return np.stack([_laid_out(fleet, of_twin, columns) for of_twin in values]), notes
    if now.members != before.contents.members:
        what = f"{before.contents.members} members before, {now.members} now"
        notes = (f"{what}: drawn from the mean and the covariance that they had",)
        values = _resampled(values, normals(fleet.keys[rows], number, Purpose.CARRYING, now.members, values.shape[1]))
    x[:, :, columns] = values
    return x, notes


def _resampled(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Other members with the same mean, and the same covariance but for chance: normal combinations of the anomalies.

    ``weights[twin, member, former member]`` are standard normals. The mean is kept exactly.
    """
    mean = x.mean(axis=1, keepdims=True)
    centred = weights - weights.mean(axis=1, keepdims=True)
    drawn: FloatArray = mean + centred @ (x - mean) / np.sqrt(x.shape[1] - 1.0)
    return drawn


def _laid_out(fleet: Fleet, x: FloatArray, columns: list[int]) -> FloatArray:
    """Points with the moments of ``x[member, column]`` in some columns, and those of the prior in the others."""
    mean, covariance = fleet.prior.centre.copy(), np.diag(fleet.prior_sd**2)
    mean[columns] = x.mean(axis=0)
    covariance[np.ix_(columns, columns)] = np.atleast_2d(np.cov(x, rowvar=False))
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0.0] = 1.0
    return lay_out(Moments(mean, scale, covariance / np.outer(scale, scale)), fleet.members)


def _memory(fleet: Fleet, now: Contents, before: Before, old: FloatArray, columns: list[int]) -> FloatArray:
    """What is still to be remembered: who runs, how old readings are, samples of inputs, inflation."""
    memory, layout, theirs = fleet.layout.fresh(len(old)), fleet.layout, before.layout
    ticks = before.identity.tick, fleet.tick
    twins, paused = by_twin(memory), by_twin(old)["paused"]
    twins["paused"], twins["trust"] = np.where(paused > 0.0, _in_ticks(paused, *ticks), paused), Trust.UNTRUSTED
    mine, other = layout.records(memory).sensors, theirs.records(old).sensors
    channels, former = now.channels[: len(fleet.sensors)], before.contents.channels[: before.identity.sensors]
    for k, j in _pairs(channels, former):
        for name in ("newest", "same_since"):
            mine[name][:, k] = _in_ticks(other[name][:, j], *ticks)
        mine["value"][:, k] = other["value"][:, j]
    for sample, former_sample in zip(layout.by_input(memory), theirs.by_input(old), strict=True):
        for k, j in _pairs(now.inputs, before.contents.inputs):
            sample[:, k] = former_sample[:, j]
    if now.remembers and before.contents.remembers:
        names = [column.name for column in before.contents.variables]
        for mode, former_mode in zip(layout.by_variable(memory), theirs.by_variable(old), strict=True):
            for k in columns:
                mode[:, k] = former_mode[:, names.index(now.variables[k].name)]
    return memory


def _remember_variances(fleet: Fleet, before: Before, x: FloatArray, memory: FloatArray, old: FloatArray) -> None:
    """The variance of every quantity before any reading, in place: as it was, or for a new quantity as it is now."""
    if not len(x):
        return
    mine, theirs = fleet.layout.by_quantity(memory), before.layout.by_quantity(old)
    with np.errstate(over="ignore", invalid="ignore"):  # a twin that blows up at once is found by the checks
        mine[:, PRIOR] = fleet.model.observe(x, fleet.seconds, held(fleet, memory)).var(axis=1)
    for k, j in _pairs(fleet.model.quantities, before.identity.quantities):
        known = np.isfinite(theirs[:, PRIOR, j])
        mine[known, PRIOR, k], mine[known, TAKEN, k] = theirs[known, PRIOR, j], theirs[known, TAKEN, j]


def _pairs(
    now: Sequence[Signal] | Sequence[Quantity], before: Sequence[Signal] | Sequence[Quantity]
) -> list[tuple[int, int]]:
    """The places now and before of all that is the same."""
    places = {each: j for j, each in enumerate(before)}
    return [(k, places[each]) for k, each in enumerate(now) if each in places]


def _in_ticks(numbers: FloatArray, before: int, now: int) -> FloatArray:
    """The numbers of ticks of other lengths (ns); what is not finite stays as it is."""
    if before == now:
        return numbers
    found, finite = numbers.copy(), np.isfinite(numbers)
    found[finite] = numbers[finite].astype(np.int64) * before // now
    return found
