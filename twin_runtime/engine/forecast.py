"""The forecast: ensembles through one tick, and what every member predicts for the readings in it."""

from typing import NamedTuple

import numpy as np

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.engine.fleet import Fleet, observed_prior
from twin_runtime.engine.observations import Observations
from twin_runtime.engine.replacement import BoolArray, Members, find_lost, replace_lost
from twin_runtime.modelling.signals import InputSignals, Points


class Forecast(NamedTuple):
    """Ensembles at a tick's end, predictions, residuals of the balance ``[twin]``, and lagged states."""

    x: FloatArray
    predicted: FloatArray
    residual: FloatArray
    lagged: FloatArray


def forecast(
    fleet: Fleet, x: FloatArray, number: int, rows: IntArray, signals: InputSignals, points: Points
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The ensemble at the tick's end, its predictions ``[twin, member, reading]``, and the residual of the balance."""
    ahead = fleet.walked(x, number, rows)
    predicted = np.empty((*x.shape[:2], points.times.shape[1]))
    residual = np.zeros(rows.size)
    fleet.model.advance(ahead, fleet.seconds, signals, points, predicted, residual)
    return ahead, predicted, residual


def whole(
    fleet: Fleet,
    made: Forecast,
    lost: BoolArray,
    memory: FloatArray,
    number: int,
    rows: IntArray,
    signals: InputSignals,
    observed: Observations,
) -> Forecast:
    """A forecast whose ``lost[twin, member]`` are replaced, see :mod:`twin_runtime.engine.replacement`.

    All arrays are changed in place: of a twin that is drawn again all members count as lost.
    """
    few = 2 * lost.sum(axis=1) > lost.shape[1]
    lost[few] = True
    for i in np.flatnonzero(few):
        _draw(fleet, made, memory, int(i), number, rows, signals, observed.points)
    _, left_out = find_lost(made.x, made.predicted, observed.sensor)
    members = Members(made.x, made.predicted, made.lagged)
    replace_lost(members, left_out, fleet.keys[rows], number, fleet.method.keeps_points)
    return made


def _draw(
    fleet: Fleet,
    made: Forecast,
    memory: FloatArray,
    i: int,
    number: int,
    rows: IntArray,
    signals: InputSignals,
    points: Points,
) -> None:
    """Draw a twin from its prior and let it go through the tick; its window is emptied."""
    only = slice(i, i + 1)
    drawn = fleet.drawn(rows[only], number)
    alone = InputSignals(*(part[only] for part in signals))
    own = Points(points.times[only], points.outputs[only])
    made.x[only], made.predicted[only], made.residual[only] = forecast(fleet, drawn, number, rows[only], alone, own)
    fleet.layout.reset_window(memory, i)
    made.lagged[only] = observed_prior(fleet, drawn, memory[only])
