"""The correction of a twin: every member gains a combination of the projected forecast, ``X + B' (S' X)``.

``rows`` holds S' (see :mod:`twin_runtime.assimilation.observation_space`), ``weights[observation, member]`` holds B',
which is the method. Two routes lead to the same result. With few observations and a small state, one kernel over all
twins needs a microsecond a twin. With many, the weights are multiplied out to one N x N matrix and applied by one
product of matrices: more arithmetic, but at seven times the speed, once 20 to 100 us are spent in Python and LAPACK.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.assimilation.observation_space import count_seen, decouple, decouple_many, whiten
from twin_runtime.assimilation.perturbations import disturb
from twin_runtime.assimilation.protocol import Occasion
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import key_of

MAX_ROWS = 16
"""Up to here Jacobi rotations are as fast as LAPACK (measured at N = 16 and 64)."""

MAX_PRODUCTS = 200_000
"""Observations x members x states up to which the kernel is as fast as the product with its overhead (measured)."""

TOGETHER = 1024
"""Twins whose rows are held at the same time."""

Weigh = Callable[[FloatArray, FloatArray], None]
"""A method as a formula: fills ``weights[twin, row, member]`` from uncoupled ``rows[twin, row, :]``."""


class Uncoupled(NamedTuple):
    """The observations of some twins, turned until uncorrelated: ``rows[twin, row, :]``, of which the first are used.

    ``used[twin]`` says how many; the others are zero. ``small`` is the route.
    """

    twins: IntArray
    rows: FloatArray
    used: IntArray
    small: bool


def transform(
    weigh: Weigh,
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    out: FloatArray | None = None,
    perturbed: Occasion | None = None,
) -> FloatArray:
    """The analysis by a method that is a formula for uncoupled rows; arguments as of ``Assimilator.update``.

    Where ``perturbed`` is given, N perturbations follow the innovation in every row.
    """
    analysis = np.empty_like(x) if out is None else out
    for batch in uncoupled(x.shape, predicted, observed, variance, perturbed):
        correct(weigh, x, batch, analysis)
    return analysis


def correct(weigh: Weigh, x: FloatArray, batch: Uncoupled, out: FloatArray) -> None:
    """The analysis of some twins, by their route, into their places in ``out``."""
    weights = np.empty((*batch.rows.shape[:2], x.shape[1]))
    weigh(batch.rows, weights)
    if batch.small:
        combine(x, batch.twins, batch.rows, weights, batch.used, out)
    else:
        (twin,) = batch.twins
        multiply(x[twin], batch.rows[0], weights[0], out[twin])


def uncoupled(
    shape: tuple[int, ...],
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    perturbed: Occasion | None = None,
) -> Iterator[Uncoupled]:
    """The observations of all twins with ensembles of a ``shape``, many small twins together, large ones one by one.

    A twin's route is decided for it alone, since its bits must not depend on the others.
    """
    members, states = shape[1:]
    seen = count_seen(predicted, observed)
    small = (seen <= MAX_ROWS) & (seen * members * states <= MAX_PRODUCTS)
    width = members + 1 if perturbed is None else 2 * members + 1
    few = np.flatnonzero(small)
    for first in range(0, len(few), TOGETHER):
        yield together(few[first : first + TOGETHER], seen, predicted, observed, variance, width, perturbed)
    for twin in np.flatnonzero(~small):
        yield alone(int(twin), seen, predicted, observed, variance, width, perturbed)


def together(
    twins: IntArray,
    seen: IntArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    width: int,
    perturbed: Occasion | None = None,
) -> Uncoupled:
    """The observations of some twins by the small route, turned by Jacobi rotations; ``seen[twin]`` of all twins."""
    used = seen[twins]
    rows, turned = np.zeros((2, len(twins), int(used.max(initial=0)), width))
    _whiten_all(twins, predicted, observed, variance, rows)
    _disturb_all(twins, used, rows, perturbed)
    _decouple_all(used, rows, predicted.shape[1], turned)
    return Uncoupled(twins, turned, used, small=True)


def alone(
    twin: int,
    seen: IntArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    width: int,
    perturbed: Occasion | None = None,
) -> Uncoupled:
    """The observations of one twin by the large route, turned by LAPACK."""
    twins, used = np.array([twin]), seen[[twin]]
    rows = np.zeros((1, used[0], width))
    _whiten_all(twins, predicted, observed, variance, rows)
    _disturb_all(twins, used, rows, perturbed)
    turned = decouple_many(rows[0], predicted.shape[1])
    return Uncoupled(twins, turned[None], np.array([len(turned)]), small=False)


def _disturb_all(twins: IntArray, used: IntArray, rows: FloatArray, perturbed: Occasion | None) -> None:
    if perturbed is not None:
        disturb(rows, used, key_of(perturbed.seed), perturbed.tick, perturbed.twins[twins])


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


@njit(cache=True)
def combine(
    x: FloatArray, twins: IntArray, rows: FloatArray, weights: FloatArray, used: IntArray, out: FloatArray
) -> None:
    """The small route: ``out = x + B' (S' x)`` for some twins, with shapes (N, n), (k, N or more), (k, N), (N, n)."""
    for place, t in enumerate(twins):
        k = used[place]
        combine_one(x[t], rows[place, :k], weights[place, :k], out[t])


@njit(cache=True)
def combine_one(x: FloatArray, rows: FloatArray, weights: FloatArray, out: FloatArray) -> None:
    """The small route of one twin."""
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
