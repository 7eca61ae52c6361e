"""The ensemble transform Kalman filter, with the symmetric square root."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.assimilation.observation_space import decouple, decouple_many, dot, whiten
from twin_runtime.assimilation.protocol import Draw
from twin_runtime.assimilation.transform import combine, is_small, multiply
from twin_runtime.core import FloatArray


@dataclass(frozen=True, slots=True)
class Etkf:
    """The ETKF (Bishop, Etherton & Majumdar 2001; symmetric and so mean-preserving, Wang, Bishop & Julier 2004).

    Deterministic: the analysis has exactly the mean and the covariance that the Kalman filter gives for the forecast's
    sample covariance.
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
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; draws nothing."""
        analysis = np.empty_like(x) if out is None else out
        large = np.zeros(len(x), np.bool_)
        _update(x, predicted, observed, variance, analysis, large)
        for t in np.flatnonzero(large):
            _update_one(x[t], predicted[t], observed[t], variance[t], analysis[t])
        return analysis


@njit(cache=True)
def _update(
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    out: FloatArray,
    large: npt.NDArray[np.bool_],
) -> None:
    """The small route for all twins; marks those that should take the large one."""
    twins, members, states = x.shape
    rows, weights = np.empty((observed.shape[1], members + 1)), np.empty((observed.shape[1], members))
    turned = np.empty_like(rows)
    for t in range(twins):
        k = whiten(predicted[t], observed[t], variance[t], rows)
        large[t] = not is_small(k, members, states)
        if not large[t]:
            decouple(rows[:k], members, turned[:k])
            weigh(turned[:k], weights[:k])
            combine(x[t], turned[:k], weights[:k], out[t])


def _update_one(
    x: FloatArray, predicted: FloatArray, observed: FloatArray, variance: FloatArray, out: FloatArray
) -> None:
    """The large route for one twin."""
    members = len(x)
    rows = np.empty((observed.size, members + 1))
    k = whiten(predicted, observed, variance, rows)
    turned = decouple_many(rows[:k], members)
    weights = np.empty((len(turned), members))
    weigh(turned, weights)
    multiply(x, turned, weights, out)


@njit(cache=True, error_model="numpy")
def weigh(rows: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d and c = N - 1, the mean gains d / (s's + c) and the anomalies gain f s.

    Here f = (sqrt(c / (s's + c)) - 1) / s's, written so that it holds for s = 0 too.
    """
    k, members = weights.shape
    c = members - 1.0
    for row in range(k):
        total = dot(rows[row], rows[row], members) + c
        f = -1.0 / (total * (1.0 + math.sqrt(c / total)))
        mean = rows[row, members] / total
        for i in range(members):
            weights[row, i] = mean + f * rows[row, i]
