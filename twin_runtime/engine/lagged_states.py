"""The past that a state carries: what its members were at the ends of the last ticks, corrected along with them.

A reading says something of what has been, too. Every update is applied to the ensemble and to its past side by side,
which makes the past an ensemble Kalman smoother (Evensen & van Leeuwen 2000, Mon Wea Rev 128:1852-1867); and as the
past stays consistent with the present, a late reading can be compared with it and yet correct the present: the
asynchronous EnKF (Sakov, Evensen & Bertino 2010, Tellus A 62:24-29).

``past[twin, member, slot]`` holds all quantities of the model, in the model's order, for one tick after the other, the
oldest first. The corrections are linear in the quantities themselves: one that cannot be negative may become so.
"""

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.figures import summarise


def beside(x: FloatArray, past: FloatArray, quantities: int) -> FloatArray:
    """The ensemble and its past as columns of one array, less the oldest tick, which is corrected no more.

    Where nothing is kept, ``x`` itself.
    """
    return np.concatenate([x, past[:, :, quantities:]], axis=2) if past.shape[2] else x


def onwards(joint: FloatArray, states: int, now: FloatArray, past: FloatArray) -> FloatArray:
    """The past one tick later: what stands behind the ``states`` columns of ``joint``, and ``now``, all quantities."""
    return np.concatenate([joint[:, :, states:], now], axis=2) if past.shape[2] else past


def figures_of(past: FloatArray, quantities: int, ago: int) -> FloatArray:
    """The figures ``[twin, quantity, figure]`` of all quantities so many ticks before the newest in the past."""
    end = past.shape[2] - ago * quantities
    return summarise(past[:, :, end - quantities : end].copy())


@njit(cache=True, error_model="numpy")
def recalled(past: FloatArray, quantities: int, ages: FloatArray, outputs: IntArray) -> FloatArray:
    """What every member says that late readings should read, ``[twin, member, reading]``; NaN where there is none.

    ``ages[twin, reading]`` counts ticks (not only whole ones) back from the newest end of a tick in the past, -inf
    where there is no reading; between two ends the ``outputs[twin, reading]`` are linear in time.
    """
    predicted = np.full((past.shape[0], past.shape[1], ages.shape[1]), np.nan)
    newest = past.shape[2] // quantities - 1
    for t in range(ages.shape[0]):
        for k in range(ages.shape[1]):
            if outputs[t, k] >= 0:
                place = newest - ages[t, k]
                before = min(max(int(place), 0), newest - 1)
                weight = place - before
                first = before * quantities + outputs[t, k]
                for i in range(past.shape[1]):
                    earlier, later = past[t, i, first], past[t, i, first + quantities]
                    predicted[t, i, k] = (1.0 - weight) * earlier + weight * later
    return predicted
