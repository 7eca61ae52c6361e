"""A profile carried along a ring at constant velocity: the linear test of assimilation of Evensen 2009.

Evensen 2009, Data Assimilation (2nd ed., Springer), section 4.2.4: a thousand cells of unit length, velocity one. The
upwind scheme at a Courant number of one is exact: a tick that is a whole number of cells long shifts the profile, and
its Kalman filter is known in closed form.
"""

from collections.abc import Mapping

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.modelling.field import FieldModel
from twin_runtime.modelling.model import with_settings
from twin_runtime.modelling.positions import Periodic, Positions, along
from twin_runtime.modelling.schedule import OBSERVE, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Normal, Prior, State


class Advection(FieldModel):
    """A profile carried along a ring; ``velocity`` in cells a second, positive."""

    name = "advection"

    def __init__(
        self,
        cells: int = 1000,
        velocity: float = 1.0,
        *,
        priors: Mapping[str, Prior] | None = None,
        walk: Mapping[str, float] | None = None,
    ) -> None:
        table = [State(f"c{i}", "1", Normal(0.0, 1.0)) for i in range(1, cells + 1)]
        super().__init__(with_settings(table, priors or {}, walk or {}, "model advection"), (velocity,))
        self.velocity = velocity

    @property
    def positions(self) -> Positions:
        """Places on the ring, in cells."""
        places = along(np.arange(len(self.variables)))
        return Positions(places, places, Periodic((float(len(places)),)))

    def advance(
        self,
        x: FloatArray,
        duration: float,
        signals: InputSignals,
        points: Points,
        predicted: FloatArray,
        residual: FloatArray,
    ) -> None:
        """Advance the ensemble in place; see :class:`twin_runtime.modelling.model.Model`."""
        _advance(x, self.velocity, duration, signals, points, predicted)
        residual[:] = 0.0


@njit(cache=True, error_model="numpy")
def _advance(
    x: FloatArray, velocity: float, duration: float, signals: InputSignals, points: Points, predicted: FloatArray
) -> None:
    room, no_events = unfilled(1.0 / velocity, duration, signals, points), np.zeros(0, np.int64)
    for i in range(x.shape[0]):
        inputs = TwinInputs(signals.times[i], signals.values[i], no_events)
        steps = schedule(1.0 / velocity, duration, inputs, points.times[i], room)
        for member in range(x.shape[1]):
            row = x[i, member]
            for s in range(steps.lengths.size):
                _carry(row, velocity * steps.lengths[s])
                if steps.actions[s] >= OBSERVE:
                    reading = steps.actions[s] - OBSERVE
                    predicted[i, member, reading] = row[points.outputs[i, reading]]


@njit(cache=True, error_model="numpy")
def _carry(x: FloatArray, courant: float) -> None:
    """Move the profile on by up to one cell."""
    before = x[-1]
    for k in range(x.size):
        here = x[k]
        x[k] = before if courant == 1.0 else here - courant * (here - before)
        before = here
