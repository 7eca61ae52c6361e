"""The covariance of innovations, S = (1 + 1/N) H P H' + R, solved for what an update makes of its readings.

With anomalies Y of the predictions, S = c Y Y' + R with c = (1 + 1/N) / (N - 1). Up to N readings it is factorised as
it is. For more, all follows from the N x N matrix M = I / c + Y' R^-1 Y instead (Woodbury 1950): the weights
w = M^-1 Y' R^-1 d minimise (d - Y w)' R^-1 (d - Y w) + w' w / c, and the least value is d' S^-1 d.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray


class Update(NamedTuple):
    """The readings that an update of one twin takes, and what it makes of them; the arrays may be longer.

    ``deviations[reading, :]`` hold the anomalies of N predictions, then the innovation d; ``noise[reading]`` is the
    diagonal of R, and ``sensor[reading]`` the place of its sensor. :func:`solve` fills the rest: ``solved`` is S^-1 d;
    ``signal`` the diagonal of H K = I - R S^-1: how much of the analysis at a reading is due to that reading, 0 to 1
    (Cardinali, Pezzulli & Andersson 2004, Q J R Meteorol Soc 130:2767-2786).
    """

    deviations: FloatArray
    noise: FloatArray
    sensor: IntArray
    solved: FloatArray
    signal: FloatArray


class Scratch(NamedTuple):
    """Arrays to work in: ``factor[N, N]`` (the readings will do for N where they are fewer) and ``vectors[2, N]``."""

    factor: FloatArray
    vectors: FloatArray


@njit(cache=True, error_model="numpy")
def scratch(readings: int, members: int) -> Scratch:
    """For updates of so many readings at the most."""
    size = min(readings, members)
    return Scratch(np.empty((size, size)), np.empty((2, members)))


@njit(cache=True, error_model="numpy")
def empty_update(readings: int, members: int) -> Update:
    """An update of so many readings at the most, its arrays not yet filled."""
    numbers, sensor = np.empty((3, readings)), np.empty(readings, np.int64)
    return Update(np.empty((readings, members + 1)), numbers[0], sensor, numbers[1], numbers[2])


@njit(cache=True, error_model="numpy")
def solve(update: Update, readings: int, scratch: Scratch) -> float:
    """The statistic d' S^-1 d of so many innovations of one twin; fills ``solved`` and ``signal`` of the update."""
    members = update.deviations.shape[1] - 1
    scale = (1.0 + 1.0 / members) / (members - 1.0)
    if readings <= members:
        return _by_readings(update, scale, scratch.factor[:readings, :readings], scratch.vectors[0, :readings])
    return _by_members(update, readings, scale, scratch.factor, scratch.vectors)


@njit(cache=True, error_model="numpy")
def _by_readings(update: Update, scale: float, S: FloatArray, column: FloatArray) -> float:
    deviations, noise = update.deviations, update.noise
    readings, members = column.size, deviations.shape[1] - 1
    for r in range(readings):
        for c in range(r, readings):
            S[r, c] = scale * _dot(deviations[r], deviations[c], members)
        S[r, r] += noise[r]
        column[r] = deviations[r, members]
    _factorise(S)
    _substitute(S, column, 0)
    statistic = _dot(column, column, readings)
    _substitute_back(S, column)
    update.solved[:readings] = column
    for r in range(readings):
        column[:] = 0.0
        column[r] = 1.0
        _substitute(S, column, r)
        update.signal[r] = 1.0 - noise[r] * _dot(column, column, readings)
    return statistic


@njit(cache=True, error_model="numpy")
def _by_members(update: Update, readings: int, scale: float, M: FloatArray, vectors: FloatArray) -> float:
    deviations, noise = update.deviations, update.noise
    members = deviations.shape[1] - 1
    weights, row = vectors[0], vectors[1]
    weights[:] = 0.0
    M[:] = 0.0
    for r in range(readings):
        for i in range(members):
            share = deviations[r, i] / noise[r]
            weights[i] += share * deviations[r, members]
            for j in range(i, members):
                M[i, j] += share * deviations[r, j]
    for i in range(members):
        M[i, i] += 1.0 / scale
    _factorise(M)
    _substitute(M, weights, 0)
    _substitute_back(M, weights)
    statistic = _dot(weights, weights, members) / scale
    for r in range(readings):
        left = deviations[r, members] - _dot(deviations[r], weights, members)
        update.solved[r] = left / noise[r]
        statistic += left * update.solved[r]
        row[:] = deviations[r, :members]
        _substitute(M, row, 0)
        update.signal[r] = _dot(row, row, members) / noise[r]
    return statistic


@njit(cache=True, error_model="numpy")
def _factorise(matrix: FloatArray) -> None:
    """Replace the upper triangle of a symmetric matrix by U, where U' U is the matrix (Cholesky)."""
    size = len(matrix)
    for p in range(size):
        pivot = math.sqrt(matrix[p, p])
        for c in range(p, size):
            matrix[p, c] /= pivot
        for r in range(p + 1, size):
            along = matrix[p, r]
            for c in range(r, size):
                matrix[r, c] -= along * matrix[p, c]


@njit(cache=True, error_model="numpy")
def _substitute(U: FloatArray, values: FloatArray, first: int) -> None:
    """Solve U' y = values in place; the values before the ``first`` are zero."""
    for r in range(first, len(values)):
        values[r] /= U[r, r]
        for c in range(r + 1, len(values)):
            values[c] -= values[r] * U[r, c]


@njit(cache=True, error_model="numpy")
def _substitute_back(U: FloatArray, values: FloatArray) -> None:
    """Solve U y = values in place."""
    for r in range(len(values) - 1, -1, -1):
        for c in range(r + 1, len(values)):
            values[r] -= U[r, c] * values[c]
        values[r] /= U[r, r]


@njit(cache=True, error_model="numpy")
def _dot(a: FloatArray, b: FloatArray, size: int) -> float:
    total = 0.0
    for i in range(size):
        total += a[i] * b[i]
    return total
