"""The serial ensemble square-root filter: one observation after the other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from twin_runtime.assimilation.batches import Batch, whitened
from twin_runtime.assimilation.ensrf_local import correct_locally, correct_row
from twin_runtime.assimilation.etkf import fill_twin_weights
from twin_runtime.assimilation.localisation import Localisation
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.rotation import rotate_members
from twin_runtime.core import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Ensrf:
    """The serial EnSRF (Whitaker & Hamill 2002, Mon Wea Rev 130:1913-1924, equations 8 to 13), which is the EAKF.

    Where observations come one at a time, the two are the same members: those of the EAKF in its local least squares
    form, which moves the members of the observed variable and regresses all others on them (Anderson 2003, Mon Wea Rev
    131:634-642). Mean and covariance are exactly the Kalman filter's, in whatever order the observations come; the
    members depend on the order, which is that of the readings. With a ``localisation`` the correction of every
    variable, and of every observation still to come, is tapered. ``rotate`` as in
    :class:`twin_runtime.assimilation.etkf.Etkf`.
    """

    localisation: Localisation | None = None
    rotate: bool = False

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        analysis = np.empty_like(given.x) if out is None else out
        if self.localisation is not None:
            correct_locally(given, self.localisation, analysis)
        else:
            for batch in whitened(given):
                correct(given.x, batch, analysis)
        if self.rotate:
            rotate_members(analysis, given)
        return analysis


def correct(x: FloatArray, batch: Batch, out: FloatArray) -> None:
    """The analysis of some twins, by their route, into their places in ``out``; changes the rows."""
    if batch.small:
        _in_turn(x, batch.twins, batch.rows, batch.used, out)
    else:
        (twin,) = batch.twins
        W = np.eye(x.shape[1])
        _one_by_one(batch.rows[0], W)
        np.matmul(W, x[twin], out=out[twin])


@njit(cache=True)
def _in_turn(x: FloatArray, twins: IntArray, rows: FloatArray, used: IntArray, out: FloatArray) -> None:
    """The small route: every observation corrects the ensembles themselves."""
    for place, t in enumerate(twins):
        out[t] = x[t]
        _one_by_one(rows[place, : used[place]], out[t])


@njit(cache=True)
def _one_by_one(rows: FloatArray, x: FloatArray) -> None:
    """Correct ``x[member, :]`` by every row, and by every row those that come after it."""
    members, states = x.shape
    weights, projected = np.empty((1, members)), np.empty(states)
    for row in range(len(rows)):
        fill_twin_weights(rows[row : row + 1], weights)
        projected[:] = 0.0
        for i in range(members):
            for j in range(states):
                projected[j] += rows[row, i] * x[i, j]
        for i in range(members):
            for j in range(states):
                x[i, j] += weights[0, i] * projected[j]
        for later in range(row + 1, len(rows)):
            correct_row(rows[row], weights[0], 1.0, rows[later])
