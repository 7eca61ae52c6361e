"""The observations of one twin against its ensemble: scaled to unit errors, and turned until uncorrelated.

Everything is in ``rows[observation, :]``. The first N columns are S', the anomalies of the predicted observation in
units of the error's standard deviation; the next is d, the innovation in the same units; any further columns
(perturbations) take part in the turning. Once the rows of S' are orthogonal, each is a scalar observation of its own,
and any method is a formula for one row.
"""

import math

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray

SWEEPS = 30
"""More than Jacobi rotations ever need: they converge quadratically, after 4 to 8 sweeps."""

TOLERANCE = 1e-13
"""How nearly orthogonal rows are left, relative to their lengths with the errors' added."""


@njit(cache=True)
def count_available(predicted: FloatArray, observed: FloatArray) -> IntArray:
    """How many observations each twin has: those for which the reading and every prediction are finite."""
    counts = np.zeros(len(observed), np.int64)
    for t in range(len(observed)):
        counts[t] = len(available(predicted[t], observed[t]))
    return counts


@njit(cache=True)
def available(predicted: FloatArray, observed: FloatArray) -> IntArray:
    """The columns of the observations that one twin has."""
    places, k = np.empty(len(observed), np.int64), 0
    for j in range(len(observed)):
        if is_available(predicted[:, j], observed[j]):
            places[k] = j
            k += 1
    return places[:k]


@njit(cache=True)
def is_available(predicted: FloatArray, observed: float) -> bool:
    """Whether an observation can be used. A sum is finite only if all that went into it is."""
    total = observed
    for value in predicted:
        total += value
    return math.isfinite(total)


@njit(cache=True)
def whitened_rows(predicted: FloatArray, observed: FloatArray, variance: FloatArray) -> FloatArray:
    """The rows of the observations that one twin has, in their order.

    Raises:
        ValueError: The variance of one is not positive.
    """
    rows = np.empty((len(available(predicted, observed)), len(predicted) + 1))
    whiten(predicted, observed, variance, rows)
    return rows


@njit(cache=True, error_model="numpy")
def whiten(predicted: FloatArray, observed: FloatArray, variance: FloatArray, rows: FloatArray) -> int:
    """Fill ``rows`` with the observations that are available, in their order, and return their number."""
    places = available(predicted, observed)
    for k, j in enumerate(places):
        if not variance[j] > 0.0:
            raise ValueError("the variance of an observation must be positive")
        whiten_one(predicted[:, j], observed[j], 1.0 / math.sqrt(variance[j]), rows[k])
    return len(places)


@njit(cache=True, error_model="numpy")
def whiten_one(predicted: FloatArray, observed: float, scale: float, row: FloatArray) -> None:
    """Fill the row of one observation: anomalies and innovation, times ``scale``; zeros if they cannot be squared."""
    # About the first member, not about zero: the spread may be small against the value.
    members, first, shift = len(predicted), predicted[0], 0.0
    for i in range(members):
        shift += predicted[i] - first
    shift /= members
    for i in range(members):
        row[i] = (predicted[i] - first - shift) * scale
    row[members] = (observed - first - shift) * scale
    if not math.isfinite(dot(row, row, members + 1)):
        row[: members + 1] = 0.0


@njit(cache=True)
def decouple(rows: FloatArray, members: int, turned: FloatArray) -> None:
    """Fill ``turned`` with orthogonal combinations of the rows: V' rows, where V holds the eigenvectors of S'S."""
    k = len(rows)
    G, V = np.empty((k, k)), np.eye(k)
    for p in range(k):
        for q in range(p, k):
            G[p, q] = G[q, p] = dot(rows[p], rows[q], members)
    diagonalise(G, V, members - 1.0)
    turned[:] = 0.0
    for p in range(k):
        for q in range(k):
            for i in range(rows.shape[1]):
                turned[p, i] += V[p, q] * rows[q, i]


@njit(cache=True, error_model="numpy")
def diagonalise(G: FloatArray, V: FloatArray, noise: float) -> None:
    """Jacobi's rotations (Golub & Van Loan 2013, section 8.5) until G is diagonal; the rows of V turn along.

    An element is negligible against the diagonal with the ``noise`` that every method adds to it.
    """
    size = len(G)
    for _ in range(SWEEPS):
        rotated = False
        for p in range(size - 1):
            for q in range(p + 1, size):
                alpha, beta, gamma = G[p, p] + noise, G[q, q] + noise, G[p, q]
                if gamma * gamma > TOLERANCE**2 * alpha * beta:
                    cosine, sine = _angle(beta - alpha, 2.0 * gamma)
                    _rotate(G[p], G[q], cosine, sine)
                    _rotate(V[p], V[q], cosine, sine)
                    _rotate(G[:, p], G[:, q], cosine, sine)
                    rotated = True
        if not rotated:
            return


@njit(cache=True, error_model="numpy", forceinline=True)
def _angle(gap: float, twice: float) -> tuple[float, float]:
    """Cosine and sine of the smaller angle that makes an element (``twice`` is its double) zero."""
    size = twice / (abs(gap) + math.sqrt(gap * gap + twice * twice))
    tangent = size if gap >= 0.0 else -size
    cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
    return cosine, cosine * tangent


@njit(cache=True, forceinline=True)
def _rotate(p: FloatArray, q: FloatArray, cosine: float, sine: float) -> None:
    for i in range(len(p)):
        p[i], q[i] = cosine * p[i] - sine * q[i], sine * p[i] + cosine * q[i]


@njit(cache=True)
def dot(a: FloatArray, b: FloatArray, count: int) -> float:
    """The product of the first ``count`` elements, in eight partial sums that do not wait for each other."""
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = count - count % 8
    for i in range(0, whole, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    for i in range(whole, count):
        s0 += a[i] * b[i]
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


def decouple_many(rows: FloatArray, members: int) -> FloatArray:
    """:func:`decouple` by LAPACK's singular values, which is faster for many rows; at most N rows are left."""
    turn, _, _ = np.linalg.svd(rows[:, :members], full_matrices=False)
    return turn.T @ rows
