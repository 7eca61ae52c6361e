"""Lagged states: what the members of an ensemble were at the ends of the last ticks, corrected along with them.

A reading informs earlier states, too. Every update is applied to the ensemble and to its lagged states,
which makes these an ensemble Kalman smoother (Evensen & van Leeuwen 2000, Mon Wea Rev 128:1852-1867); and as they
stay consistent with the present, a late reading can be compared with them and yet correct the present: the
asynchronous EnKF (Sakov, Evensen & Bertino 2010, Tellus A 62:24-29).

``lagged[twin, member, column]`` holds all quantities of the model, in the model's order, for one tick after the other,
the oldest first. The corrections are linear in the quantities themselves: one that cannot be negative may become so.
"""

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.figures import summarise


def with_lagged(x: FloatArray, lagged: FloatArray, quantities: int) -> FloatArray:
    """The ensemble and its lagged states as columns of one array, less the oldest tick, which is corrected no more.

    Where nothing is kept, ``x`` itself.
    """
    return np.concatenate([x, lagged[:, :, quantities:]], axis=2) if lagged.shape[2] else x


def next_lagged(joint: FloatArray, states: int, now: FloatArray, lagged: FloatArray) -> FloatArray:
    """The lagged states one tick later: those behind the ``states`` columns of ``joint``, and quantities ``now``."""
    return np.concatenate([joint[:, :, states:], now], axis=2) if lagged.shape[2] else lagged


def figures_of(lagged: FloatArray, quantities: int, ago: int) -> FloatArray:
    """The figures ``[twin, quantity, figure]`` of all quantities so many ticks before the newest one."""
    end = lagged.shape[2] - ago * quantities
    return summarise(lagged[:, :, end - quantities : end].copy())


@njit(cache=True, error_model="numpy")
def at_earlier_times(lagged: FloatArray, quantities: int, ages: FloatArray, outputs: IntArray) -> FloatArray:
    """What every member predicts for late readings, ``[twin, member, reading]``; NaN where there is none.

    ``ages[twin, reading]`` counts ticks (not only whole ones) back from the newest lagged state, -inf
    where there is no reading; between two ends the ``outputs[twin, reading]`` are linear in time.
    """
    predicted = np.full((lagged.shape[0], lagged.shape[1], ages.shape[1]), np.nan)
    newest = lagged.shape[2] // quantities - 1
    for t in range(ages.shape[0]):
        for k in range(ages.shape[1]):
            if outputs[t, k] >= 0:
                place = newest - ages[t, k]
                before = min(max(int(place), 0), newest - 1)
                weight = place - before
                first = before * quantities + outputs[t, k]
                for i in range(lagged.shape[1]):
                    earlier, later = lagged[t, i, first], lagged[t, i, first + quantities]
                    predicted[t, i, k] = (1.0 - weight) * earlier + weight * later
    return predicted
