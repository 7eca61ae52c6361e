"""The observations of many twins in batches: small twins together in one kernel, large ones one by one.

A twin's route is decided for it alone, since its bits must not depend on the others.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.assimilation.observation_space import count_available, decouple, decouple_many, whiten
from twin_runtime.assimilation.perturbations import add_perturbations
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray

MAX_ROWS = 16
"""Up to here Jacobi rotations are as fast as LAPACK (measured at N = 16 and 64)."""

MAX_PRODUCTS = 200_000
"""Observations x members x states up to which the kernel is as fast as the product with its overhead (measured)."""

TOGETHER = 1024
"""Twins whose rows are held at the same time."""


class Batch(NamedTuple):
    """Observations of some twins as ``rows[twin, row, :]`` of which the first ``used[twin]`` count, the rest is zero.

    The rows are as in :mod:`twin_runtime.assimilation.observation_space`. ``small`` is the route.
    """

    twins: IntArray
    rows: FloatArray
    used: IntArray
    small: bool


def whitened(given: AnalysisInput, perturbed: bool = False) -> Iterator[Batch]:
    """The observations of all twins, scaled to unit errors.

    Where they are ``perturbed``, N perturbations follow the innovation in every row.
    """
    members, states = given.x.shape[1:]
    counts = count_available(given.predicted, given.observed)
    small = (counts <= MAX_ROWS) & (counts * members * states <= MAX_PRODUCTS)
    few, many = np.flatnonzero(small), np.flatnonzero(~small)
    groups = [few[first : first + TOGETHER] for first in range(0, len(few), TOGETHER)]
    for twins in (*groups, *many[:, None]):
        used = counts[twins]
        rows = np.zeros((len(twins), int(used.max()), (2 if perturbed else 1) * members + 1))
        _whiten_all(twins, *given[1:4], rows)
        if perturbed:
            add_perturbations(rows, used, given.keys[twins], given.tick)
        yield Batch(twins, rows, used, bool(small[twins[0]]))


def uncoupled(batch: Batch, members: int) -> Batch:
    """The same observations turned until they are uncorrelated."""
    if batch.small:
        turned = np.zeros_like(batch.rows)
        _decouple_all(batch.used, batch.rows, members, turned)
        return batch._replace(rows=turned)
    turned = decouple_many(batch.rows[0], members)[None]
    return batch._replace(rows=turned, used=np.array([turned.shape[1]]))


@njit(cache=True)
def _whiten_all(
    twins: IntArray, predicted: FloatArray, observed: FloatArray, variance: FloatArray, rows: FloatArray
) -> None:
    for place, t in enumerate(twins):
        whiten(predicted[t], observed[t], variance[t], rows[place])


@njit(cache=True)
def _decouple_all(used: IntArray, rows: FloatArray, members: int, turned: FloatArray) -> None:
    for place, k in enumerate(used):
        decouple(rows[place, :k], members, turned[place, :k])
