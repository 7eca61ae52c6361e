"""The serial filter with tapered corrections: of the variables, and of the observations still to come."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.assimilation.etkf import weigh_one
from twin_runtime.assimilation.local import by_output, correlation_taper
from twin_runtime.assimilation.localisation import Localisation, Table
from twin_runtime.assimilation.observation_space import dot, seen, whiten
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.positions import nowhere


def correct_locally(given: AnalysisInput, localisation: Localisation, out: FloatArray) -> None:
    """The analysis of all twins with tapered corrections, into ``out``."""
    x, predicted, observed, variance = given[:4]
    outputs = localisation.outputs_of(x, given.outputs)
    tables = localisation.variables_near_outputs, localisation.outputs_near_outputs
    lost = nowhere(localisation.positions.variables) & math.isfinite(localisation.radius)
    for t in range(len(x)):
        _one_by_one_locally(x[t], predicted[t], observed[t], variance[t], outputs[t], *tables, lost, out[t])


@njit(cache=True)
def _one_by_one_locally(
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    outputs: IntArray,
    variables: Table,
    others: Table,
    lost: npt.NDArray[np.bool_],
    out: FloatArray,
) -> None:
    out[:] = x
    there = seen(predicted, observed)
    rows, weights = np.empty((len(there), len(x) + 1)), np.empty((1, len(x)))
    whiten(predicted, observed, variance, rows)
    of = outputs[there]
    first, order = by_output(of, len(others.first) - 1)
    for row in range(len(rows)):
        weigh_one(rows[row : row + 1], weights)
        for entry in range(variables.first[of[row]], variables.first[of[row] + 1]):
            variable = variables.near[entry]
            taper = correlation_taper(out[:, variable], rows[row]) if lost[variable] else variables.taper[entry]
            _correct(rows[row], weights[0], taper, out[:, variable])
        for entry in range(others.first[of[row]], others.first[of[row] + 1]):
            for later in order[first[others.near[entry]] : first[others.near[entry] + 1]]:
                if later > row:
                    foresee(rows[row], weights[0], others.taper[entry], rows[later])


@njit(cache=True)
def _correct(s: FloatArray, weights: FloatArray, taper: float, values: FloatArray) -> None:
    """One variable of all members, in place."""
    projected = 0.0
    for i in range(len(values)):
        projected += s[i] * values[i]
    for i in range(len(values)):
        values[i] += taper * weights[i] * projected


@njit(cache=True)
def foresee(s: FloatArray, weights: FloatArray, taper: float, later: FloatArray) -> None:
    """What the correction by row s changes in a ``later`` row: its anomalies, and its innovation the other way."""
    members = len(weights)
    projected = taper * dot(s, later, members)
    mean = 0.0
    for i in range(members):
        mean += weights[i]
    mean /= members
    for i in range(members):
        later[i] += (weights[i] - mean) * projected
    later[members] -= mean * projected
