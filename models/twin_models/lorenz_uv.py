"""The two-level model of Lorenz 1996: slow variables on a ring, each coupled to fast ones. A test of assimilation.

    dU_k/dt = (U_k+1 - U_k-2) U_k-1 - U_k + F - (h c / b) sum of the fast V of k
    dV_j/dt = c b (V_j-1 - V_j+2) V_j+1 - c V_j + (h c / b) U of j

Lorenz 1996, Predictability: a problem partly solved (Proc Seminar on Predictability, ECMWF, 1-18); the defaults are
those of Wilks 2005 (Q J R Meteorol Soc 131:389-407). One second is one unit of its time.
"""

from collections.abc import Mapping

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.field import FieldModel
from twin_runtime.modelling.model import with_settings
from twin_runtime.modelling.positions import Periodic, Positions, along
from twin_runtime.modelling.schedule import OBSERVE, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Normal, Prior, State


class LorenzUV(FieldModel):
    """Slow waves on a ring with fast ones on top of them.

    ``start`` is the standard deviation of the first state about rest, but for a one in the first variable.
    """

    name = "lorenz_uv"

    def __init__(
        self,
        slow: int = 8,
        fast: int = 32,
        forcing: float = 20.0,
        coupling: tuple[float, float, float] = (1.0, 10.0, 10.0),
        start: float = 0.1,
        step: float = 0.005,
        *,
        priors: Mapping[str, Prior] | None = None,
        walk: Mapping[str, float] | None = None,
    ) -> None:
        if slow < 4 or fast < 0:
            raise ModelError(
                f"a ring of {slow} variables with {fast} fast ones each",
                where=f"model {self.name}",
                remedy="take at least 4 variables, and 0 fast ones or more",
            )
        names = [f"u{k}" for k in range(1, slow + 1)] + [f"v{j}" for j in range(1, slow * fast + 1)]
        table = [State(name, "1", Normal(float(name == "u1"), start)) for name in names]
        super().__init__(
            with_settings(table, priors or {}, walk or {}, f"model {self.name}"), (forcing, *coupling, step)
        )
        self.slow, self.fast, self.step = slow, fast, step

    @property
    def positions(self) -> Positions:
        """Places on the ring, one apart from slow variable to slow variable; the fast ones lie behind their own."""
        fast = (np.arange(self.slow * self.fast) + 0.5) / max(1, self.fast)
        places = along(np.concatenate([np.arange(self.slow), fast]))
        return Positions(places, places, Periodic((float(self.slow),)))

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
        _advance(x, self.slow, np.array(self.settings), duration, signals, points, predicted)
        residual[:] = 0.0


@njit(cache=True, error_model="numpy")
def _advance(
    x: FloatArray,
    slow: int,
    settings: FloatArray,
    duration: float,
    signals: InputSignals,
    points: Points,
    predicted: FloatArray,
) -> None:
    scratch, step = np.empty((3, x.shape[2])), settings[-1]
    room, no_events = unfilled(step, duration, signals, points), np.zeros(0, np.int64)
    for i in range(x.shape[0]):
        inputs = TwinInputs(signals.times[i], signals.values[i], no_events)
        steps = schedule(step, duration, inputs, points.times[i], room)
        for member in range(x.shape[1]):
            row = x[i, member]
            for s in range(steps.lengths.size):
                if steps.lengths[s] > 0.0:
                    _runge_kutta(row, steps.lengths[s], slow, settings, scratch)
                if steps.actions[s] >= OBSERVE:
                    reading = steps.actions[s] - OBSERVE
                    predicted[i, member, reading] = row[points.outputs[i, reading]]


@njit(cache=True, error_model="numpy")
def _runge_kutta(x: FloatArray, h: float, slow: int, settings: FloatArray, scratch: FloatArray) -> None:
    """One step of the classical method, in place."""
    stage, rate, total = scratch
    stage[:] = x
    total[:] = 0.0
    for weight, ahead in ((1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)):
        _tendency(stage, slow, settings, rate)
        for i in range(x.size):
            total[i] += weight * rate[i]
            stage[i] = x[i] + ahead * h * rate[i]
    for i in range(x.size):
        x[i] += h / 6.0 * total[i]


@njit(cache=True, error_model="numpy")
def _tendency(x: FloatArray, slow: int, settings: FloatArray, rate: FloatArray) -> None:
    forcing, h, b, c, _ = settings
    _ring(x[:slow], 1, 1.0, rate[:slow])
    for k in range(slow):
        rate[k] += forcing - x[k]
    fast = x.size // slow - 1
    if fast > 0:
        _ring(x[slow:], -1, c * b, rate[slow:])
        for k in range(slow):
            for j in range(slow + k * fast, slow + (k + 1) * fast):
                rate[j] += h * c / b * x[k] - c * x[j]
                rate[k] -= h * c / b * x[j]


@njit(cache=True, error_model="numpy")
def _ring(x: FloatArray, way: int, factor: float, rate: FloatArray) -> None:
    """Advection around the ring, ``factor (x_i+1 - x_i-2) x_i-1``; the other ``way`` round for -1."""
    n = x.size
    for i in range(2, n - 2):
        rate[i] = factor * (x[i + way] - x[i - 2 * way]) * x[i - way]
    for i in (0, 1, n - 2, n - 1):
        rate[i] = factor * (x[(i + way) % n] - x[(i - 2 * way) % n]) * x[(i - way) % n]
