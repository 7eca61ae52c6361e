"""Perturbed observations: random numbers with mean zero over the members."""

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Keys, Purpose, fill_normals

_OBSERVATION = int(Purpose.OBSERVATION)


@njit(cache=True)
def add_perturbations(rows: FloatArray, used: IntArray, keys: Keys, tick: int) -> None:
    """Put perturbations of unit variance into the last N columns of ``rows[twin, row, :]``, the first ``used`` rows.

    They are numbered by an observation's place among those that are there, so that it does not matter how the missing
    ones are laid out.
    """
    members = rows.shape[2] // 2
    z = np.empty((4, members))
    for t in range(len(rows)):
        for row in range(used[t]):
            if row % 4 == 0:
                fill_normals(keys[t], tick, _OBSERVATION, row // 4, z)
            mean = z[row % 4].sum() / members
            for i in range(members):
                rows[t, row, members + 1 + i] = z[row % 4, i] - mean
