"""Random rotations of an ensemble that keep its mean."""

import math

import numpy as np
from numba import njit

from twin_runtime.assimilation.observation_space import count_available, dot
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Keys, Purpose, normals


def rotate_members(analysis: FloatArray, given: AnalysisInput) -> None:
    """Mix the members of every twin that has observations, in place: mean and covariance stay as they are."""
    rotate(analysis, np.flatnonzero(count_available(given.predicted, given.observed)), given)


def rotate(analysis: FloatArray, twins: IntArray, given: AnalysisInput) -> None:
    """Mix the members of some twins in place."""
    for t, rotation in zip(twins, rotations(twins, given), strict=True):
        mean = analysis[t].mean(0)
        analysis[t] = mean + rotation @ (analysis[t] - mean)


def rotations(twins: IntArray, given: AnalysisInput) -> FloatArray:
    """The matrices ``[twin, member, member]`` of an analysis for some of its twins."""
    return mean_preserving_rotations(given.keys[twins], given.tick, given.x.shape[1])


def mean_preserving_rotations(keys: Keys, tick: int, members: int) -> FloatArray:
    """Orthogonal matrices ``[twin, member, member]`` for which Q 1 = 1, evenly distributed (Haar) among those."""
    gauss = normals(keys, tick, Purpose.ROTATION, members - 1, members - 1)
    rotations = np.zeros((len(keys), members, members))
    rotations[:, 0, 0] = 1.0
    rotations[:, 1:, 1:] = gauss
    _rotations(rotations)
    return rotations


@njit(cache=True, error_model="numpy")
def _rotations(matrices: FloatArray) -> None:
    for Q in matrices:
        _orthogonalise(Q)
        _reflect_to_mean(Q)
        _reflect_to_mean(Q.T)


@njit(cache=True, error_model="numpy")
def _orthogonalise(Q: FloatArray) -> None:
    """Gram and Schmidt, twice is enough: rows of independent normals become a Haar distributed basis (Stewart 1980)."""
    size = len(Q)
    for p in range(size):
        for _ in range(2):
            for q in range(p):
                along = dot(Q[p], Q[q], size)
                for i in range(size):
                    Q[p, i] -= along * Q[q, i]
        length = math.sqrt(dot(Q[p], Q[p], size))
        for i in range(size):
            Q[p, i] /= length


@njit(cache=True, error_model="numpy")
def _reflect_to_mean(Q: FloatArray) -> None:
    """Reflect every row so that the first axis becomes the direction of the mean, 1 / sqrt(N) (Householder)."""
    size = Q.shape[1]
    share = 1.0 / math.sqrt(size)
    v = np.full(size, -share)
    v[0] += 1.0
    factor = 2.0 / dot(v, v, size)
    for row in Q:
        along = 0.0
        for i in range(size):
            along += row[i] * v[i]
        for i in range(size):
            row[i] -= factor * along * v[i]
