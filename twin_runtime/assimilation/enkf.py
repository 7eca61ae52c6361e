"""The stochastic ensemble Kalman filter."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.assimilation.observation_space import decouple, decouple_many, dot, whiten
from twin_runtime.assimilation.protocol import Draw
from twin_runtime.assimilation.transform import combine, is_small, multiply
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Purpose, fill_normals, key_of

_OBSERVATION = int(Purpose.OBSERVATION)


@dataclass(frozen=True, slots=True)
class Enkf:
    """The EnKF with perturbed observations (Burgers, van Leeuwen & Evensen 1998; Evensen 2003).

    The perturbations have mean zero over the members, so that the analysis has exactly the Kalman filter's mean for the
    forecast's sample covariance; its covariance is the Kalman filter's in expectation. Perturbations are numbered by an
    observation's place among those that are there, so that it does not matter how the missing ones are laid out.
    """

    def update(
        self,
        x: FloatArray,
        predicted: FloatArray,
        observed: FloatArray,
        variance: FloatArray,
        draw: Draw,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        analysis = np.empty_like(x) if out is None else out
        large = np.zeros(len(x), np.bool_)
        key = key_of(draw.seed)
        _update(x, predicted, observed, variance, key, draw.twins, draw.tick, analysis, large)
        for t in np.flatnonzero(large):
            _update_one(x[t], predicted[t], observed[t], variance[t], key, draw.twins[t], draw.tick, analysis[t])
        return analysis


@njit(cache=True)
def _update(
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    key: np.uint64,
    identities: IntArray,
    tick: int,
    out: FloatArray,
    large: npt.NDArray[np.bool_],
) -> None:
    """The small route for all twins; marks those that should take the large one."""
    twins, members, states = x.shape
    rows, weights = np.empty((observed.shape[1], 2 * members + 1)), np.empty((observed.shape[1], members))
    turned, z = np.empty_like(rows), np.empty((4, members))
    for t in range(twins):
        k = whiten(predicted[t], observed[t], variance[t], rows)
        large[t] = not is_small(k, members, states)
        if not large[t]:
            disturb(rows[:k], key, tick, identities[t], z)
            decouple(rows[:k], members, turned[:k])
            weigh(turned[:k], weights[:k])
            combine(x[t], turned[:k], weights[:k], out[t])


def _update_one(
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    key: np.uint64,
    identity: int,
    tick: int,
    out: FloatArray,
) -> None:
    """The large route for one twin."""
    members = len(x)
    rows = np.empty((observed.size, 2 * members + 1))
    k = whiten(predicted, observed, variance, rows)
    disturb(rows[:k], key, tick, identity, np.empty((4, members)))
    turned = decouple_many(rows[:k], members)
    weights = np.empty((len(turned), members))
    weigh(turned, weights)
    multiply(x, turned, weights, out)


@njit(cache=True)
def disturb(rows: FloatArray, key: np.uint64, tick: int, twin: int, z: FloatArray) -> None:
    """Put perturbations, of mean zero over the members, into the last N columns; ``z`` (4, N) is scratch."""
    members = z.shape[1]
    for row in range(len(rows)):
        if row % 4 == 0:
            fill_normals(key, tick, _OBSERVATION, row // 4, twin, z)
        mean = z[row % 4].sum() / members
        for i in range(members):
            rows[row, members + 1 + i] = z[row % 4, i] - mean


@njit(cache=True, error_model="numpy")
def weigh(rows: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d and perturbations e, member i gains (d + e_i - s_i) / (s's + N - 1)."""
    k, members = weights.shape
    for row in range(k):
        total = dot(rows[row], rows[row], members) + members - 1.0
        for i in range(members):
            weights[row, i] = (rows[row, members] + rows[row, members + 1 + i] - rows[row, i]) / total
