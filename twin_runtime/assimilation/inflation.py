"""Covariance inflation, which makes up for the spread that small ensembles and wrong models lose with every update."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray

BLOCK = 64
"""States handled together, so that their members stay in the cache between the passes over them."""


@dataclass(frozen=True, slots=True)
class Inflation:
    """Inflation about the mean: by a factor (Anderson & Anderson 1999), and by relaxation to the prior spread.

    Relaxation (RTPS, Whitaker & Hamill 2012) gives each state back the share ``rtps`` of the spread that the update
    took: 0 is none, 1 restores the prior spread. A twin without observations is never inflated.
    """

    factor: float = 1.0
    rtps: float = 0.0

    def __call__(self, prior: FloatArray, analysis: FloatArray, observed: FloatArray) -> None:
        """Inflate ``analysis[twin, member, state]`` in place; ``prior`` is the forecast it came from.

        ``observed[twin, observation]`` is NaN where there was none.
        """
        if self.factor != 1.0 or self.rtps != 0.0:
            _inflate(prior, analysis, observed, self.factor, self.rtps)


@njit(cache=True)
def _inflate(prior: FloatArray, analysis: FloatArray, observed: FloatArray, factor: float, rtps: float) -> None:
    states = prior.shape[2]
    for t in range(len(prior)):
        if not np.isnan(observed[t]).all():
            for first in range(0, states, BLOCK):
                last = min(first + BLOCK, states)
                _inflate_block(prior[t, :, first:last], analysis[t, :, first:last], factor, rtps)


@njit(cache=True, error_model="numpy")
def _inflate_block(prior: FloatArray, analysis: FloatArray, factor: float, rtps: float) -> None:
    _, before = _mean_and_variance(prior)
    mean, after = _mean_and_variance(analysis)
    scale = np.ones(len(mean))
    for j in range(len(mean)):
        if after[j] > 0.0:
            scale[j] = factor * (1.0 + rtps * (math.sqrt(before[j] / after[j]) - 1.0))
    for i in range(len(analysis)):
        for j in range(len(mean)):
            inflated = mean[j] + scale[j] * (analysis[i, j] - mean[j])
            analysis[i, j] = analysis[i, j] if scale[j] == 1.0 else inflated


@njit(cache=True, error_model="numpy")
def _mean_and_variance(x: FloatArray) -> tuple[FloatArray, FloatArray]:
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
