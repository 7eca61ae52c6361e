"""Shrinkage of parameters: new values for the members every tick, and the same mean and covariance over them."""

import math

import numpy as np
from numba import njit

from twin_runtime.assimilation.cholesky import factorise
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Keys, Purpose, fill_normals

_WALK = int(Purpose.WALK)
_PARALLEL = 1e-8
"""What is left of a vector, as a share of it, that lies in the space of others."""


def shrink(x: FloatArray, discount: FloatArray, keys: Keys, tick: int) -> None:
    """Move members towards their mean and apart again, in place in ``x[twin, member, variable]``.

    Liu & West 2001 (in Doucet, de Freitas & Gordon, Sequential Monte Carlo Methods in Practice, chapter 10): a
    parameter becomes ``a theta + (1 - a) mean + h e`` with a = (3 d - 1) / (2 d) for the ``discount[variable]`` d,
    h^2 = 1 - a^2, and e with the members' covariance; d = 1 leaves a variable as it is. Unlike a random walk it adds no
    spread.

    The normals e are made orthogonal to each other and to the members' deviations, so that mean and covariance are kept
    exactly and not in expectation only: fluctuations of the spread multiply, and would make it collapse in a long
    silence. That takes more than 2 k + 1 members for k parameters. Where discounts differ, variances are kept, and
    correlations shrink a little.
    """
    columns = np.flatnonzero(discount < 1.0)
    kept = (3.0 * discount[columns] - 1.0) / (2.0 * discount[columns])
    _shrink(x, columns, kept, keys, tick)


@njit(cache=True, error_model="numpy")
def _shrink(x: FloatArray, columns: IntArray, kept: FloatArray, keys: Keys, tick: int) -> None:
    members, k = x.shape[1], len(columns)
    means, rows, factor = np.empty(k), np.empty((3 * k, members)), np.empty((k, k))
    for t in range(len(keys)):
        _deviations(x[t], columns, means, rows)
        _covariance(rows[:k], factor)
        factorise(factor)
        _draw(columns, keys[t], tick, rows[2 * k :])
        rows[k : 2 * k] = rows[:k]
        _orthonormalise(rows[k:])
        _renew(x[t], columns, kept, means, rows, factor)


@njit(cache=True)
def _deviations(x: FloatArray, columns: IntArray, means: FloatArray, rows: FloatArray) -> None:
    for c in range(len(columns)):
        means[c] = x[:, columns[c]].mean()
        for i in range(len(x)):
            rows[c, i] = x[i, columns[c]] - means[c]


@njit(cache=True)
def _covariance(rows: FloatArray, covariance: FloatArray) -> None:
    for a in range(len(rows)):
        for b in range(a + 1):
            covariance[a, b] = (rows[a] * rows[b]).mean()


@njit(cache=True)
def _draw(columns: IntArray, key: np.uint64, tick: int, rows: FloatArray) -> None:
    """Normals of the parameters' columns, less their mean over the members."""
    z = np.empty((4, rows.shape[1]))
    for c in range(len(columns)):
        fill_normals(key, tick, _WALK, columns[c] // 4, z)
        rows[c] = z[columns[c] % 4] - z[columns[c] % 4].mean()


@njit(cache=True, error_model="numpy")
def _orthonormalise(rows: FloatArray) -> None:
    """Make rows orthogonal, with a mean square of 1, in their order; those that depend on others become 0."""
    for a in range(len(rows)):
        before = math.sqrt((rows[a] ** 2).mean())
        for _ in range(2):  # once more, for rounding
            for b in range(a):
                rows[a] -= (rows[a] * rows[b]).mean() * rows[b]
        size = math.sqrt((rows[a] ** 2).mean())
        rows[a] *= 1.0 / size if size > _PARALLEL * before else 0.0


@njit(cache=True)
def _renew(
    x: FloatArray, columns: IntArray, kept: FloatArray, means: FloatArray, rows: FloatArray, factor: FloatArray
) -> None:
    """Deviations are the first k rows, orthonormal normals the last k; ``factor`` is the root of the covariance."""
    k = len(columns)
    for c in range(k):
        width = math.sqrt(1.0 - kept[c] ** 2)
        for i in range(len(x)):
            e = 0.0
            for b in range(c + 1):
                e += factor[c, b] * rows[2 * k + b, i]
            x[i, columns[c]] = means[c] + kept[c] * rows[c, i] + width * e
