"""The correction of a twin: every member gains a combination of the projected forecast, ``X + B' (S' X)``.

``rows`` holds S' (see :mod:`twin_runtime.assimilation.observation_space`), ``weights[observation, member]`` holds B',
which is the method. Two routes lead to the same result. With few observations and a small state, one kernel over all
twins needs a microsecond a twin. With many, the weights are multiplied out to one N x N matrix and applied by one
product of matrices: more arithmetic, but at seven times the speed, once 20 to 100 us are spent in Python and LAPACK.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from twin_runtime.assimilation.batches import Batch, uncoupled, whitened
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.rotation import rotate, rotations
from twin_runtime.core import FloatArray, IntArray

FillWeights = Callable[[FloatArray, FloatArray], None]
"""A method as a formula: fills ``weights[twin, row, member]`` from uncoupled ``rows[twin, row, :]``."""


def transform(
    fill: FillWeights,
    given: AnalysisInput,
    out: FloatArray | None = None,
    perturbed: bool = False,
    rotated: bool = False,
) -> FloatArray:
    """The analysis by a method that is a formula for uncoupled rows.

    Where observations are ``perturbed``, N perturbations follow the innovation in every row. Where members are
    ``rotated``, those of every twin that has observations are mixed by a random rotation.
    """
    analysis = np.empty_like(given.x) if out is None else out
    for batch in whitened(given, perturbed):
        correct(fill, given, uncoupled(batch, given.x.shape[1]), analysis, rotated)
    return analysis


def correct(fill: FillWeights, given: AnalysisInput, batch: Batch, out: FloatArray, rotated: bool = False) -> None:
    """The analysis of some twins, by their route, into their places in ``out``."""
    x = given.x
    weights = np.empty((*batch.rows.shape[:2], x.shape[1]))
    fill(batch.rows, weights)
    if batch.small:
        combine(x, batch.twins, batch.rows, weights, batch.used, out)
        if rotated:
            rotate(out, batch.twins[batch.used > 0], given)
    else:
        (twin,) = batch.twins
        W = multiplied_out(batch.rows[0], weights[0])
        if rotated:
            W = rotations(batch.twins, given)[0] @ W
        np.matmul(W, x[twin], out=out[twin])


@njit(cache=True)
def combine(
    x: FloatArray, twins: IntArray, rows: FloatArray, weights: FloatArray, used: IntArray, out: FloatArray
) -> None:
    """The small route: ``out = x + B' (S' x)`` for some twins, with shapes (N, n), (k, N or more), (k, N), (N, n)."""
    for place, t in enumerate(twins):
        k = used[place]
        _combine(x[t], rows[place, :k], weights[place, :k], out[t])


@njit(cache=True)
def _combine(x: FloatArray, rows: FloatArray, weights: FloatArray, out: FloatArray) -> None:
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


def multiplied_out(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """The large route: the matrix W = I + B' S' of one product W x, for which W 1 = 1, since S' 1 = 0."""
    members = weights.shape[1]
    W: FloatArray = weights.T @ rows[:, :members]
    W[np.diag_indices(members)] += 1.0
    return W
