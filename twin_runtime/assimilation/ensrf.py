"""The serial ensemble square-root filter: one observation after the other."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from twin_runtime.assimilation.batches import Batch, whitened
from twin_runtime.assimilation.observation_space import dot
from twin_runtime.assimilation.protocol import Occasion
from twin_runtime.assimilation.rotation import rotate_members
from twin_runtime.core import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Ensrf:
    """The serial EnSRF (Whitaker & Hamill 2002, Mon Wea Rev 130:1913-1924).

    For one observation at a time it is the EAKF (Anderson 2001, 2003): the same members (Tippett et al. 2003). Mean and
    covariance are exactly the Kalman filter's, in whatever order the observations come; the members depend on the
    order, which is that of the readings. ``rotate`` as in :class:`twin_runtime.assimilation.etkf.Etkf`.
    """

    rotate: bool = False

    def update(
        self,
        x: FloatArray,
        predicted: FloatArray,
        observed: FloatArray,
        variance: FloatArray,
        occasion: Occasion,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        analysis = np.empty_like(x) if out is None else out
        for batch in whitened(x.shape, predicted, observed, variance):
            correct(x, batch, analysis)
        if self.rotate:
            rotate_members(analysis, predicted, observed, occasion)
        return analysis


def correct(x: FloatArray, batch: Batch, out: FloatArray) -> None:
    """The analysis of some twins, by their route, into their places in ``out``; changes the rows."""
    if batch.small:
        _in_turn(x, batch.twins, batch.rows, batch.used, out)
    else:
        (twin,) = batch.twins
        W = np.eye(x.shape[1])
        _one_by_one(batch.rows[0], W)
        np.matmul(W, x[twin], out=out[twin])


@njit(cache=True)
def _in_turn(x: FloatArray, twins: IntArray, rows: FloatArray, used: IntArray, out: FloatArray) -> None:
    """The small route: every observation corrects the ensembles themselves."""
    for place, t in enumerate(twins):
        out[t] = x[t]
        _one_by_one(rows[place, : used[place]], out[t])


@njit(cache=True)
def _one_by_one(rows: FloatArray, x: FloatArray) -> None:
    """Correct ``x[member, :]`` by every row, and by every row those that come after it."""
    members, states = x.shape
    weights, projected = np.empty(members), np.empty(states)
    for row in range(len(rows)):
        s = rows[row]
        weigh(s, weights)
        projected[:] = 0.0
        for i in range(members):
            for j in range(states):
                projected[j] += s[i] * x[i, j]
        for i in range(members):
            for j in range(states):
                x[i, j] += weights[i] * projected[j]
        for later in rows[row + 1 :]:
            foresee(s, weights, 1.0, later)


@njit(cache=True, error_model="numpy")
def weigh(s: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d and c = N - 1, the mean gains d / (s's + c) and the anomalies gain f s.

    f = -1 / ((s's + c) (1 + sqrt(c / (s's + c)))): equation 13 of the paper.
    """
    members = len(weights)
    c = members - 1.0
    total = dot(s, s, members) + c
    mean, f = s[members] / total, -1.0 / (total * (1.0 + math.sqrt(c / total)))
    for i in range(members):
        weights[i] = mean + f * s[i]


@njit(cache=True)
def foresee(s: FloatArray, weights: FloatArray, taper: float, later: FloatArray) -> None:
    """What the correction by row s changes in a ``later`` row: its anomalies, and its innovation the other way."""
    members = len(weights)
    projected = taper * dot(s, later, members)
    mean = 0.0
    for i in range(members):
        mean += weights[i]
    mean /= members
    for i in range(members):
        later[i] += (weights[i] - mean) * projected
    later[members] -= mean * projected
