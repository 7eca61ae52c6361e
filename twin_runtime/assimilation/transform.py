"""The correction of one twin: every member gains a combination of the projected forecast, ``X + B' (S' X)``.

``rows`` holds S' (see :mod:`twin_runtime.assimilation.observation_space`), ``weights[observation, member]`` holds B',
which is the method. Two routes lead to the same result. With few observations and a small state, one kernel over all
twins needs a microsecond a twin. With many, the weights are multiplied out to one N x N matrix and applied by one
product of matrices: more arithmetic, but at seven times the speed, once 20 to 100 us are spent in Python and LAPACK.
"""

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray

MAX_ROWS = 16
"""Up to here Jacobi rotations are as fast as LAPACK (measured at N = 16 and 64)."""

MAX_PRODUCTS = 200_000
"""Observations x members x states up to which the kernel is as fast as the product with its overhead (measured)."""


@njit(cache=True)
def is_small(rows: int, members: int, states: int) -> bool:
    """Whether the kernel is the faster route: decided for each twin alone, whose bits must not depend on the others."""
    return rows <= MAX_ROWS and rows * members * states <= MAX_PRODUCTS


@njit(cache=True)
def combine(x: FloatArray, rows: FloatArray, weights: FloatArray, out: FloatArray) -> None:
    """The small route: ``out = x + B' (S' x)``, shapes (N, n), (k, N or more), (k, N), (N, n)."""
    k, members = weights.shape
    states = x.shape[1]
    projected = np.zeros((k, states))
    for i in range(members):
        for row in range(k):
            for j in range(states):
                projected[row, j] += rows[row, i] * x[i, j]
    out[:] = x
    for i in range(members):
        for row in range(k):
            for j in range(states):
                out[i, j] += weights[row, i] * projected[row, j]


def multiply(x: FloatArray, rows: FloatArray, weights: FloatArray, out: FloatArray) -> None:
    """The large route: the same as one product of matrices, ``W x`` with W = I + B' S'; W 1 = 1, since S' 1 = 0."""
    members = len(x)
    W = weights.T @ rows[:, :members]
    W[np.diag_indices(members)] += 1.0
    np.matmul(W, x, out=out)
