"""The bootstrap particle filter, for twins of a few variables whose distributions are not normal."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from twin_runtime.assimilation.cholesky import factorise
from twin_runtime.assimilation.observation_space import whitened_rows
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Purpose, counter, normals, philox

_RESAMPLING = int(Purpose.RESAMPLING)


@dataclass(frozen=True, slots=True)
class ParticleFilter:
    """The bootstrap filter (Gordon, Salmond & Smith 1993, IEE Proc F 140:107-113), resampled at every update.

    Resampling is systematic (Kitagawa 1996). A survivor keeps its place and its state; its copies are moved apart from
    it by a kernel with the members' covariance (Musso, Oudjane & Le Gland 2001). ``jitter`` is the kernel's width in
    units of the best for a normal distribution of which all members move, 0 for plain copies. Narrow is sharp, wide is
    safe: to follow Lorenz 1963, 4000 members need 1.0, 800 need 1.3, and 100 with 2.6 lose it in one run of twelve. It
    needs a thousand members for three variables, and exponentially more for more.
    """

    jitter: float = 1.5

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = True

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        analysis = np.empty_like(given.x) if out is None else out
        z = np.zeros_like(given.x)
        if self.jitter > 0.0:
            z = normals(given.keys, given.tick, Purpose.JITTER, *given.x.shape[1:])
        _update(given.arrays(), self.jitter, z, analysis)
        return analysis


@njit(cache=True)
def _update(given: AnalysisInput, jitter: float, z: FloatArray, out: FloatArray) -> None:
    x = given.x
    for t in range(len(x)):
        out[t] = x[t]
        rows = whitened_rows(given.predicted[t], given.observed[t], given.variance[t])
        if len(rows) > 0:
            weights = likelihoods(rows, x.shape[1])
            chosen = resample(weights, uniform(given.keys[t], given.tick))
            out[t] = x[t][chosen]
            if jitter > 0.0:
                _jitter_copies(x[t], weights, chosen, jitter, z[t], out[t])


@njit(cache=True)
def likelihoods(rows: FloatArray, members: int) -> FloatArray:
    """The likelihood of every member in units of their sum, from rows with anomalies s_i and innovation d."""
    weights = np.zeros(members)
    for row in rows:
        for i in range(members):
            weights[i] -= 0.5 * (row[members] - row[i]) ** 2
    weights[:] = np.exp(weights - weights.max())
    weights /= weights.sum()
    return weights


@njit(cache=True)
def uniform(key: np.uint64, tick: int) -> float:
    """A number between 0 and 1 for a twin and a tick."""
    c0, c1, c2, c3 = counter(tick, _RESAMPLING, 0, 0)
    word, _, _, _ = philox(c0, c1, c2, c3, key)
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@njit(cache=True)
def resample(weights: FloatArray, offset: float) -> IntArray:
    """Which member comes to each place: ``N weights`` copies of each, rounded up or down; survivors stay in place."""
    members = len(weights)
    copies, total, taken = np.zeros(members, np.int64), 0.0, 0
    for i in range(members):
        total += members * weights[i]
        upto = members if i == members - 1 else min(members, math.ceil(total - offset))
        copies[i] = max(0, upto - taken)
        taken += copies[i]
    chosen = np.arange(members)
    spare = 0
    for i in range(members):
        if copies[i] == 0:
            while copies[spare] < 2:
                spare += 1
            copies[spare] -= 1
            chosen[i] = spare
    return chosen


@njit(cache=True, error_model="numpy")
def _jitter_copies(
    x: FloatArray, weights: FloatArray, chosen: IntArray, jitter: float, z: FloatArray, out: FloatArray
) -> None:
    """Move copies apart by normals ``z[member, variable]`` with the covariance of the weighted members."""
    members, states = x.shape
    shift = np.zeros(states)
    for i in range(members):
        shift += weights[i] * (x[i] - x[0])
    mean = x[0] + shift
    covariance = np.zeros((states, states))
    for i in range(members):
        for j in range(states):
            for k in range(j + 1):
                covariance[j, k] += weights[i] * (x[i, j] - mean[j]) * (x[i, k] - mean[k])
    rank = factorise(covariance)
    width = jitter * (4.0 / ((rank + 2.0) * members)) ** (1.0 / (rank + 4.0))
    for copy in np.flatnonzero(chosen != np.arange(members)):
        for j in range(states):
            for k in range(j + 1):
                out[copy, j] += width * covariance[j, k] * z[copy, k]
