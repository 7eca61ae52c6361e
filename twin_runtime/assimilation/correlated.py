"""Observations whose errors are correlated, turned into ones whose errors are not.

The errors of a twin's readings have the covariance R = L D L' with a unit lower triangle L. Each reading is replaced by
what it adds to those before it, L^-1 y, and so are its predictions; the errors left are independent with the
variances D, in the units of their sensors. That is whitening by a Cholesky factor, up to a scale on which no method
depends.
"""

import numpy as np
from numba import njit

from twin_runtime.assimilation.observation_space import available
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
    sensor]`` is. ``sensor[twin, observation]`` and ``times`` likewise; missing observations stay missing.

    Raises:
        ValueError: The covariance of the errors is not positive definite.
    """
    predictions, values_left, variances = predicted.copy(), observed.copy(), variance.copy()
    members = predicted.shape[1]
    for t in range(len(observed)):
        columns = available(predicted[t], observed[t])
        values = np.empty((len(columns), members + 1))
        values[:, members] = observed[t][columns]
        for row, j in enumerate(columns):
            values[row, :members] = predicted[t, :, j]
        remaining = variance[t][columns]
        decorrelate(values, remaining, sensor[t][columns], times[t][columns], correlation)
        for row, j in enumerate(columns):
            predictions[t, :, j] = values[row, :members]
            values_left[t, j], variances[t, j] = values[row, members], remaining[row]
    return predictions, values_left, variances


@njit(cache=True, error_model="numpy")
def decorrelate(
    values: FloatArray, variance: FloatArray, sensor: IntArray, times: FloatArray, correlation: FloatArray
) -> None:
    """Replace ``values[reading, :]`` by what they add to those before, and ``variance`` by what is left of it."""
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
