"""Mean and variance of ensembles, and anomalies by a factor."""

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray


@njit(cache=True, error_model="numpy")
def scale_anomalies(x: FloatArray, mean: FloatArray, scale: FloatArray) -> None:
    """Multiply the anomalies of each column by its ``scale``, in place; bit for bit nothing for 1."""
    for i in range(len(x)):
        for j in range(len(mean)):
            scaled = mean[j] + scale[j] * (x[i, j] - mean[j])
            x[i, j] = x[i, j] if scale[j] == 1.0 else scaled


@njit(cache=True, error_model="numpy")
def mean_and_variance(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and (biased) variance of each column in one pass, about the first member so that nothing large cancels."""
    members, states = x.shape
    shift, square = np.zeros(states), np.zeros(states)
    for i in range(1, members):
        for j in range(states):
            away = x[i, j] - x[0, j]
            shift[j] += away
            square[j] += away * away
    for j in range(states):
        shift[j] /= members
        square[j] = square[j] / members - shift[j] * shift[j]
        shift[j] += x[0, j]
    return shift, square
