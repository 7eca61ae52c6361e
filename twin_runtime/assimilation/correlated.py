"""Observations whose errors are correlated, turned into ones whose errors are not.

The errors of a twin's readings have the covariance R = L D L' with a unit lower triangle L. Each reading is replaced by
what it says beyond those before it, L^-1 y, and so are its predictions; the errors left are independent with the
variances D, in the units of their sensors. That is whitening by a Cholesky factor, up to a scale that no method sees.
"""

import numpy as np
from numba import njit

from twin_runtime.assimilation.observation_space import seen
from twin_runtime.core import FloatArray, IntArray


@njit(cache=True)
def independent(
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    sensor: IntArray,
    times: FloatArray,
    correlation: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predictions, observations and variances as of ``Assimilator.update``, with independent errors.

    Two readings of a twin are correlated if they are of the same time: as their sensors' ``correlation[sensor,
    sensor]`` says. ``sensor[twin, observation]`` and ``times`` likewise; missing observations stay missing.

    Raises:
        ValueError: The covariance of the errors is not positive definite.
    """
    foreseen, read, left = predicted.copy(), observed.copy(), variance.copy()
    members = predicted.shape[1]
    for t in range(len(observed)):
        there = seen(predicted[t], observed[t])
        values = np.empty((len(there), members + 1))
        values[:, members] = observed[t][there]
        for row, j in enumerate(there):
            values[row, :members] = predicted[t, :, j]
        remaining = variance[t][there]
        decorrelate(values, remaining, sensor[t][there], times[t][there], correlation)
        for row, j in enumerate(there):
            foreseen[t, :, j] = values[row, :members]
            read[t, j], left[t, j] = values[row, members], remaining[row]
    return foreseen, read, left


@njit(cache=True, error_model="numpy")
def decorrelate(
    values: FloatArray, variance: FloatArray, sensor: IntArray, times: FloatArray, correlation: FloatArray
) -> None:
    """Replace ``values[reading, :]`` by what they say beyond those before, and ``variance`` by what is left of it."""
    count = len(values)
    R, L = np.diag(variance), np.zeros((count, count))
    for a in range(count):
        for b in range(a):
            if times[a] == times[b]:
                R[a, b] = correlation[sensor[a], sensor[b]] * np.sqrt(R[a, a] * R[b, b])
    for a in range(count):
        for b in range(a):
            L[a, b] = R[a, b]
            for c in range(b):
                L[a, b] -= L[a, c] * L[b, c] * variance[c]
            L[a, b] /= variance[b]
            variance[a] -= L[a, b] ** 2 * variance[b]
            values[a] -= L[a, b] * values[b]
        if not variance[a] > 0.0:
            raise ValueError("the covariance of the observations' errors must be positive definite")
