"""The serial filter with tapered corrections: of the variables, and of the observations still to come."""

import numpy as np
from numba import njit

from twin_runtime.assimilation.etkf import fill_twin_weights
from twin_runtime.assimilation.local import by_output, correlation_taper
from twin_runtime.assimilation.localisation import Localisation, OutputNeighbours
from twin_runtime.assimilation.observation_space import available, dot, whitened_rows
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray


def correct_locally(given: AnalysisInput, localisation: Localisation, out: FloatArray) -> None:
    """The analysis of all twins with tapered corrections, into ``out``."""
    outputs = localisation.outputs_of(given)
    _correct_locally(given.arrays(), outputs, localisation.output_neighbours, out)


@njit(cache=True)
def _correct_locally(given: AnalysisInput, outputs: IntArray, near: OutputNeighbours, out: FloatArray) -> None:
    for t in range(len(given.x)):
        predicted, observed = given.predicted[t], given.observed[t]
        rows = whitened_rows(predicted, observed, given.variance[t])
        out[t] = given.x[t]
        _one_by_one_locally(rows, outputs[t][available(predicted, observed)], near, out[t])


@njit(cache=True)
def _one_by_one_locally(rows: FloatArray, outputs: IntArray, near: OutputNeighbours, x: FloatArray) -> None:
    """Correct ``x[member, variable]`` by every row, and by every row those that come after it."""
    weights, sorting = np.empty((1, len(x))), by_output(outputs, len(near.outputs.first) - 1)
    for row in range(len(rows)):
        output = outputs[row]
        fill_twin_weights(rows[row : row + 1], weights)
        for entry in range(near.variables.first[output], near.variables.first[output + 1]):
            variable = near.variables.near[entry]
            taper = near.variables.taper[entry]
            if near.nowhere[variable]:
                taper = correlation_taper(x[:, variable], rows[row])
            _correct(rows[row], weights[0], taper, x[:, variable])
        for entry in range(near.outputs.first[output], near.outputs.first[output + 1]):
            other = near.outputs.near[entry]
            for later in sorting.order[sorting.first[other] : sorting.first[other + 1]]:
                if later > row:
                    correct_row(rows[row], weights[0], near.outputs.taper[entry], rows[later])


@njit(cache=True)
def _correct(s: FloatArray, weights: FloatArray, taper: float, values: FloatArray) -> None:
    """One variable of all members, in place."""
    projected = 0.0
    for i in range(len(values)):
        projected += s[i] * values[i]
    for i in range(len(values)):
        values[i] += taper * weights[i] * projected


@njit(cache=True)
def correct_row(s: FloatArray, weights: FloatArray, taper: float, later: FloatArray) -> None:
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
