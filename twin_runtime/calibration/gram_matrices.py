"""The Gram matrices of predictions and innovations, N x N: all that a smoother needs of any number of readings.

Predictions and readings are taken in units of the readings' standard deviations. S are the predictions' anomalies
``[member, reading]``, D the readings, perturbed, less the predictions. S S' and D S' are summed over blocks of
readings, so that no matrix of readings by readings is ever made, nor a second one as large as the predictions.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import Purpose, fill_normals

BLOCK = 4096
"""Readings that are summed at a time; four share a call of the random numbers."""
_OBSERVATION = int(Purpose.OBSERVATION)


class Observed(NamedTuple):
    """Readings with independent errors, ``value[reading]`` and ``variance[reading]``.

    ``key`` is that of their perturbations (see :mod:`twin_runtime.modelling.random`).
    """

    value: FloatArray
    variance: FloatArray
    key: np.uint64


class Misfit(NamedTuple):
    """Squared errors in units of the readings' variances, a reading: of the members' mean, and of the mean member."""

    of_mean: float
    of_members: float


class GramMatrices(NamedTuple):
    """S S' and D S', ``[member, member]``; the rows of D squared and summed, ``[member]``; and the misfit."""

    gram: FloatArray
    cross: FloatArray
    squares: FloatArray
    misfit: Misfit


def gram_matrices(
    predicted: FloatArray, observed: Observed, iteration: int = 0, inflation: float = 1.0
) -> GramMatrices:
    """The matrices of readings for members that predict ``predicted[member, reading]``.

    The perturbations have the readings' variances times ``inflation``, mean zero over the members, and are others in
    every ``iteration``.
    """
    members, readings = predicted.shape
    gram, cross, squares = np.zeros((members, members)), np.zeros((members, members)), np.zeros(members)
    of_mean, of_members = 0.0, 0.0
    for first in range(0, readings, BLOCK):
        part = slice(first, min(first + BLOCK, readings))
        scale = 1.0 / np.sqrt(observed.variance[part])
        scaled, value = predicted[:, part] * scale, observed.value[part] * scale
        mean = scaled.mean(axis=0)
        D, S = value - scaled, scaled - mean
        of_mean += float(((value - mean) ** 2).sum())
        of_members += float((D**2).sum()) / members
        D += np.sqrt(inflation) * perturbations(observed, iteration, part, members)
        gram += S @ S.T
        cross += D @ S.T
        squares += (D**2).sum(axis=1)
    return GramMatrices(gram, cross, squares, Misfit(of_mean / readings, of_members / readings))


def perturbations(observed: Observed, iteration: int, part: slice, members: int) -> FloatArray:
    """Normals of unit variance and mean zero over the members, ``[member, reading]``; ``part`` starts a block."""
    z = np.empty((part.stop - part.start, members))
    _perturb(observed.key, iteration, part.start, z)
    return z.T


@njit(cache=True)
def _perturb(key: np.uint64, iteration: int, first: int, out: FloatArray) -> None:
    z = np.empty((4, out.shape[1]))
    for row in range(len(out)):
        if row % 4 == 0:
            fill_normals(key, iteration, _OBSERVATION, (first + row) // 4, z)
        mean = z[row % 4].sum() / out.shape[1]
        for i in range(out.shape[1]):
            out[row, i] = z[row % 4, i] - mean
