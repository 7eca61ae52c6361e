"""Members that are lost are replaced by members between others of their twin, before readings are compared.

A member is lost where a state is not finite, or so large that it cannot be squared; and where its prediction of a
reading is, while most members predict that reading. A new member is a random point between two that are left, chosen by
its twin's key, the tick and its own number: its states, predictions and lagged states are those of one and the same
point, and it lies within whatever bounds both respect. Of points that are laid out in pairs
(:mod:`twin_runtime.assimilation.sigma_points`) it is the mirror image of its partner. Where fewer than half of
the members are left they say too little: the twin is drawn from its prior and goes through the tick again.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Keys, Purpose, counter, philox

BoolArray = npt.NDArray[np.bool_]

LARGEST = 1e140
"""The square of a larger number, summed over members, may be infinite."""
REPLACEMENT = int(Purpose.REPLACEMENT)


class Members(NamedTuple):
    """Ensembles after a forecast: ``x[twin, member, variable]``, ``predicted[twin, member, reading]``, lagged states.

    ``lagged[twin, member, column]`` see :mod:`twin_runtime.engine.lagged_states`.
    """

    x: FloatArray
    predicted: FloatArray
    lagged: FloatArray


@njit(cache=True, error_model="numpy")
def find_lost(x: FloatArray, predicted: FloatArray, sensor: IntArray) -> tuple[int, BoolArray]:
    """How many members are lost, and which, ``[twin, member]``; ``sensor[twin, reading]`` is -1 where there is none."""
    twins, members, variables = x.shape
    lost, count = np.zeros((twins, members), np.bool_), 0
    for i in range(twins):
        for j in range(members):
            finite = 0
            for k in range(variables):
                finite += abs(x[i, j, k]) <= LARGEST
            if finite < variables:
                lost[i, j] = True
                count += 1
        for k in range(predicted.shape[2]):
            if sensor[i, k] >= 0:
                count += _add_lost_predictions(predicted[i, :, k], lost[i])
    return count, lost


@njit(cache=True, error_model="numpy")
def _add_lost_predictions(predicted: FloatArray, lost: BoolArray) -> int:
    """Add the members that do not predict a reading, unless it is most of those that are left; returns how many."""
    left = missing = 0
    for j in range(lost.size):
        if not lost[j]:
            left += 1
            missing += not abs(predicted[j]) <= LARGEST
    if missing == 0 or 2 * missing > left:
        return 0
    for j in range(lost.size):
        lost[j] = lost[j] or not abs(predicted[j]) <= LARGEST
    return missing


@njit(cache=True, error_model="numpy")
def replace_lost(members: Members, lost: BoolArray, keys: Keys, tick: int, pairs: bool) -> None:
    """Put new members in the places of those that are lost, in place; nothing is done about a twin that has no other.

    ``pairs``: the members are points laid out in pairs.
    """
    for i in range(lost.shape[0]):
        left = np.flatnonzero(~lost[i])
        if left.size == 0:
            continue
        for j in range(lost.shape[1]):
            if lost[i, j]:
                between = _between(keys[i], tick, j, left)
                _replace(members.x[i], j, between, lost[i], pairs)
                _replace(members.predicted[i], j, between, lost[i], pairs)
                _replace(members.lagged[i], j, between, lost[i], pairs)


@njit(cache=True, error_model="numpy")
def _replace(rows: FloatArray, member: int, between: tuple[int, int, float], lost: BoolArray, pairs: bool) -> None:
    first, second, weight = between
    if pairs:
        _mirror(rows, member, lost)
    else:
        rows[member] = rows[first] + weight * (rows[second] - rows[first])


@njit(cache=True, error_model="numpy")
def _between(key: np.uint64, tick: int, member: int, left: IntArray) -> tuple[int, int, float]:
    """Two of the members that are left, and how far from the first to the second a new one lies."""
    c0, c1, c2, c3 = counter(tick, REPLACEMENT, 0, member)
    a, b, c, _ = philox(c0, c1, c2, c3, key)
    first = np.int64(a) % left.size
    second = (first + 1 + np.int64(b) % max(1, left.size - 1)) % left.size
    return left[first], left[second], np.float64(np.int64(c)) * 2.0**-32


@njit(cache=True, error_model="numpy")
def _mirror(rows: FloatArray, member: int, lost: BoolArray) -> None:
    """Put a point opposite its partner about the middle of the whole pairs; at the middle where both are lost."""
    middle, count, partner = np.zeros(rows.shape[1]), 0, member ^ 1
    for j in range(lost.size):
        if not lost[j] and (j ^ 1 >= lost.size or not lost[j ^ 1]):
            middle += rows[j]
            count += 1
    if count > 0:
        middle /= count
    else:
        middle[:] = rows[partner]
    rows[member] = middle if partner >= lost.size or lost[partner] else 2.0 * middle - rows[partner]
