"""The local ensemble transform Kalman filter."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.assimilation.etkf import weigh_one
from twin_runtime.assimilation.local import by_output, decouple_any, gather, gather_correlated
from twin_runtime.assimilation.localisation import Localisation, Table
from twin_runtime.assimilation.observation_space import dot, seen, whiten
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.rotation import rotate_members
from twin_runtime.core import FloatArray, IntArray


@dataclass(frozen=True)
class Letkf:
    """The LETKF (Hunt, Kostelich & Szunyogh 2007, Physica D 230:112-126), in the space of the local observations.

    Every place has an ETKF of its own, for which the variance of an observation grows with its distance. Where there
    are fewer local observations than members, k x k matrices replace the paper's N x N; the result is the same.
    """

    localisation: Localisation
    rotate: bool = False

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; ``given.outputs`` must be there."""
        outputs = self.localisation.outputs_of(given.x, given.outputs)
        analysis = np.empty_like(given.x) if out is None else out
        (variables, lost), near = self.localisation.places, self.localisation.outputs_near_places
        count = len(self.localisation.positions.outputs)
        _update(*given[:4], outputs, count, variables, lost, near, analysis)
        if self.rotate:
            rotate_members(analysis, given)
        return analysis


@njit(cache=True)
def _update(
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    outputs: IntArray,
    count: int,
    variables: Table,
    lost: npt.NDArray[np.bool_],
    near: Table,
    out: FloatArray,
) -> None:
    for t in range(len(x)):
        there = seen(predicted[t], observed[t])
        rows = np.empty((len(there), x.shape[1] + 1))
        whiten(predicted[t], observed[t], variance[t], rows)
        first, order = by_output(outputs[t][there], count)
        out[t] = x[t]
        if len(there) > 0:
            _update_one(rows, first, order, variables, lost, near, out[t])


@njit(cache=True)
def _update_one(
    rows: FloatArray,
    first: IntArray,
    order: IntArray,
    variables: Table,
    lost: npt.NDArray[np.bool_],
    near: Table,
    x: FloatArray,
) -> None:
    """The analysis of one twin in place: of every place in turn, which no other place looks at."""
    local, turned, weights = np.empty_like(rows), np.empty_like(rows), np.empty((len(rows), len(x)))
    for place in range(len(lost)):
        here = variables.near[variables.first[place] : variables.first[place + 1]]
        if lost[place]:
            k = gather_correlated(x[:, here[0]].copy(), rows, local)
        else:
            k = gather(place, near, first, order, rows, local)
        k = decouple_any(local[:k], len(x), turned)
        weigh_one(turned[:k], weights[:k])
        for variable in here:
            _correct(turned[:k], weights[:k], x[:, variable])


@njit(cache=True)
def _correct(rows: FloatArray, weights: FloatArray, values: FloatArray) -> None:
    """One variable of all members: ``x + B' (S' x)``, in place."""
    # The members of a variable are far apart in memory: each is read once and written once.
    before = values.copy()
    after = before.copy()
    for row in range(len(rows)):
        projected = dot(rows[row], before, len(before))
        for i in range(len(before)):
            after[i] += weights[row, i] * projected
    values[:] = after
