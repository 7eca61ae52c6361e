"""The local ensemble transform Kalman filter."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from twin_runtime.assimilation.etkf import fill_twin_weights
from twin_runtime.assimilation.local import RowsByOutput, by_output, decouple_any, gather, gather_correlated
from twin_runtime.assimilation.localisation import Localisation, Neighbourhoods
from twin_runtime.assimilation.observation_space import available, dot, whitened_rows
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
        outputs = self.localisation.outputs_of(given)
        analysis = np.empty_like(given.x) if out is None else out
        _update(given.arrays(), outputs, self.localisation.neighbourhoods, analysis)
        if self.rotate:
            rotate_members(analysis, given)
        return analysis


@njit(cache=True)
def _update(given: AnalysisInput, outputs: IntArray, near: Neighbourhoods, out: FloatArray) -> None:
    for t in range(len(given.x)):
        predicted, observed = given.predicted[t], given.observed[t]
        rows = whitened_rows(predicted, observed, given.variance[t])
        sorting = by_output(outputs[t][available(predicted, observed)], near.output_count)
        out[t] = given.x[t]
        if len(rows) > 0:
            _update_one(rows, sorting, near, out[t])


@njit(cache=True)
def _update_one(rows: FloatArray, sorting: RowsByOutput, near: Neighbourhoods, x: FloatArray) -> None:
    """The analysis of one twin in place: of every place in turn, on which no other depends."""
    local, turned, weights = np.empty_like(rows), np.empty_like(rows), np.empty((len(rows), len(x)))
    variables = near.variables
    for place in range(len(near.nowhere)):
        here = variables.near[variables.first[place] : variables.first[place + 1]]
        if near.nowhere[place]:
            k = gather_correlated(x[:, here[0]].copy(), rows, local)
        else:
            k = gather(place, near.outputs, sorting, rows, local)
        k = decouple_any(local[:k], len(x), turned)
        fill_twin_weights(turned[:k], weights[:k])
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
