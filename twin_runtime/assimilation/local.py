"""The observations of one twin that count at one place of its model."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.assimilation.batches import MAX_ROWS
from twin_runtime.assimilation.localisation import NEGLIGIBLE, Table, gaspari_cohn
from twin_runtime.assimilation.observation_space import decouple, dot
from twin_runtime.core import FloatArray, IntArray

BEYOND_NOISE = 3.0
"""Standard deviations by which a correlation must differ from none; each is 1 / sqrt(N) if there is none."""


class RowsByOutput(NamedTuple):
    """Rows sorted by the output they are of: ``order[first[output]:first[output + 1]]``."""

    first: IntArray
    order: IntArray


@njit(cache=True)
def by_output(outputs: IntArray, count: int) -> RowsByOutput:
    """The order of rows by the ``outputs[row]`` they are of, of which there are ``count``."""
    first = np.zeros(count + 1, np.int64)
    for output in outputs:
        first[output + 1] += 1
    return RowsByOutput(np.cumsum(first), np.argsort(outputs, kind="mergesort"))


@njit(cache=True)
def gather(place: int, near: Table, sorting: RowsByOutput, rows: FloatArray, local: FloatArray) -> int:
    """Copy the rows that count at a place, scaled by the root of their taper; returns their number."""
    k = 0
    for entry in range(near.first[place], near.first[place + 1]):
        output, root = near.near[entry], math.sqrt(near.taper[entry])
        for row in sorting.order[sorting.first[output] : sorting.first[output + 1]]:
            for i in range(rows.shape[1]):
                local[k, i] = root * rows[row, i]
            k += 1
    return k


@njit(cache=True, error_model="numpy")
def gather_correlated(values: FloatArray, rows: FloatArray, local: FloatArray) -> int:
    """Copy the rows that a variable without a place is correlated with, scaled by the root of their taper."""
    k = 0
    for row in rows:
        taper = correlation_taper(values, row)
        if taper > NEGLIGIBLE:
            for i in range(len(row)):
                local[k, i] = math.sqrt(taper) * row[i]
            k += 1
    return k


@njit(cache=True, error_model="numpy")
def correlation_taper(values: FloatArray, row: FloatArray) -> float:
    """How much an observation counts for a variable by the correlation of the two over the members."""
    members = len(values)
    anomalies = values - values.mean()
    size = math.sqrt(dot(anomalies, anomalies, members) * dot(row, row, members))
    return significance(abs(dot(anomalies, row, members)) / size if size > 0.0 else 0.0, members)


@njit(cache=True, error_model="numpy")
def significance(correlation: float, members: int) -> float:
    """How far a sample correlation (its size, 0 to 1) is to be believed.

    Luo & Bhakta 2020 (J Petrol Sci Eng 184:106559): the taper of (1 - r) / (1 - theta) for a correlation of size r,
    where theta is what chance makes of none. With nine members or fewer chance can make anything.
    """
    theta = BEYOND_NOISE / math.sqrt(members)
    return gaspari_cohn(max(0.0, 1.0 - correlation), 1.0 - theta) if theta < 1.0 else 0.0


@njit(cache=True)
def decouple_any(rows: FloatArray, members: int, turned: FloatArray) -> int:
    """:func:`decouple` of however many rows: of more than there are members, N are left; returns their number.

    Changes ``rows``. Many are turned by LAPACK.
    """
    k = min(len(rows), members)
    if len(rows) > members:
        triangularise(rows, members)
    if k <= MAX_ROWS:
        decouple(rows[:k], members, turned[:k])
    else:
        S = np.ascontiguousarray(rows[:k, :members])
        _, V = np.linalg.eigh(S @ S.T)
        turned[:k] = np.ascontiguousarray(V.T) @ rows[:k]
    return k


@njit(cache=True, error_model="numpy")
def triangularise(rows: FloatArray, columns: int) -> None:
    """Turn the rows until all behind the first ``columns`` are zero in these columns (Householder), in place."""
    k, width = rows.shape
    v, along = np.empty(k), np.empty(width)
    for c in range(min(columns, k)):
        length = 0.0
        for row in range(c, k):
            length += rows[row, c] ** 2
        length = math.sqrt(length)
        if length > 0.0:
            v[c:] = rows[c:, c]
            v[c] += length if v[c] >= 0.0 else -length
            size = 2.0 * length * abs(v[c])
            along[c:] = 0.0
            for row in range(c, k):
                for i in range(c, width):
                    along[i] += v[row] * rows[row, i]
            for row in range(c, k):
                factor = 2.0 * v[row] / size
                for i in range(c, width):
                    rows[row, i] -= factor * along[i]
