"""Cholesky factors of covariances that may lack rank."""

import math

from numba import njit

from twin_runtime.core import FloatArray

SMALLEST_PIVOT = 1e-12
"""Of a variance: less of it left is none."""


@njit(cache=True, error_model="numpy")
def factorise(matrix: FloatArray) -> int:
    """Replace the lower triangle of a covariance by its Cholesky factor; returns its rank.

    A variable that is a combination of those before it, or constant, gets a pivot of zero.
    """
    rank = 0
    for j in range(len(matrix)):
        pivot, size = matrix[j, j], matrix[j, j]
        for k in range(j):
            pivot -= matrix[j, k] ** 2
        positive = pivot > SMALLEST_PIVOT * size
        matrix[j, j] = math.sqrt(pivot) if positive else 0.0
        rank += positive
        for i in range(j + 1, len(matrix)):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = value / matrix[j, j] if positive else 0.0
    return rank
