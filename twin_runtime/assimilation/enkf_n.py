"""The finite-size ensemble Kalman filter, which finds its inflation itself."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from twin_runtime.assimilation.anomalies import mean_and_variance, scale_anomalies
from twin_runtime.assimilation.batches import uncoupled, whitened
from twin_runtime.assimilation.etkf import Etkf
from twin_runtime.assimilation.local import BEYOND_NOISE, correlation_taper
from twin_runtime.assimilation.observation_space import available, dot
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray

ITERATIONS = 1000
"""More than the fixed point ever needs: its error shrinks by a factor at every step."""


@dataclass(frozen=True, slots=True)
class EnkfN:
    """The EnKF-N (Bocquet 2011, Nonlin Processes Geophys 18:735-750) in its dual form.

    Sampling errors make the forecast's covariance uncertain; integrated out, they amount to an inflation that depends
    on the innovation. It is applied to the whole forecast of a twin that has observations, and the ETKF does the rest.
    With the correction of the mode of Bocquet, Raanes & Hannart 2015 (Nonlin Processes Geophys 22:645-662, equation
    36). ``certainty`` is how much more than a sample of N independent members the ensemble is worth: 1 as published,
    2 for nearly linear models.

    Where no observation is correlated with a variable beyond what chance makes of ten members or more, its spread does
    not grow: a large innovation elsewhere would widen it from update to update, and nothing would narrow it again.
    """

    rotate: bool = False
    certainty: float = 1.0

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        members, squares = given.x.shape[1], np.ones(len(given.x))
        for batch in whitened(given):
            _, rows, used, _ = uncoupled(batch, members)
            squares[batch.twins] = squared_inflation(rows, used, members, self.certainty)
        x, predicted = inflated(given.x, squares), inflated(given.predicted, squares)
        if given.states is not None:  # the past would widen with every update that corrects it
            x[:, :, given.states :] = given.x[:, :, given.states :]
        analysis = Etkf(self.rotate).update(given._replace(x=x, predicted=predicted), out)
        if math.sqrt(members) > BEYOND_NOISE:
            limit_inflation(given.arrays(), squares, analysis)
        return analysis


@njit(cache=True, error_model="numpy")
def squared_inflation(rows: FloatArray, used: IntArray, members: int, certainty: float) -> FloatArray:
    """The square u of the inflation of every twin, from uncoupled ``rows[twin, row, :]``; 1 without observations.

    For rows of lengths s with innovations d it minimises the sum of d^2 / (N - 1 + u s^2), plus e / u + g log u, where
    e and g are the constants of the prior. The minimum is a fixed point, approached steadily from 1.
    """
    squares = np.ones(len(rows))
    c = members - 1.0
    for t in range(len(rows)):
        if used[t] > 0:
            strengths, innovations = _modes(rows[t, : used[t]], members)
            e, g = _prior(strengths, members, certainty)
            u = before = 1.0
            for _ in range(ITERATIONS):
                pull = 0.0
                for s2, d in zip(strengths, innovations):  # noqa: B905  # Numba knows no strict
                    pull += s2 * (u * d / (c + u * s2)) ** 2
                before, u = u, (e + pull) / g
                if abs(u - before) <= 1e-14 * u:
                    break
            squares[t] = u
    return squares


@njit(cache=True, error_model="numpy")
def _modes(rows: FloatArray, members: int) -> tuple[FloatArray, FloatArray]:
    """The squared lengths of the rows, and their innovations."""
    strengths = np.empty(len(rows))
    for row in range(len(rows)):
        strengths[row] = dot(rows[row], rows[row], members)
    return strengths, rows[:, members].copy()


@njit(cache=True, error_model="numpy")
def _prior(strengths: FloatArray, members: int, certainty: float) -> tuple[float, float]:
    """The constants e and g, corrected so that an ensemble without observations is not inflated."""
    c = members - 1.0
    e, g = (members + 1.0) / members, (members + 1.0) / c
    unobserved = 1.0
    for s2 in strengths:
        unobserved -= s2 / (s2 + c) / members
    correction = (e / g) ** (0.5 * unobserved)
    return certainty * e / correction, certainty * g * correction


@njit(cache=True)
def inflated(x: FloatArray, squares: FloatArray) -> FloatArray:
    """``x[twin, member, :]`` with its anomalies multiplied by the roots of ``squares[twin]``; as it is for 1."""
    result = x.copy()
    members, width = x.shape[1:]
    for t in range(len(x)):
        if squares[t] != 1.0:
            factor, mean = math.sqrt(squares[t]), np.zeros(width)
            for i in range(members):
                mean += (x[t, i] - x[t, 0]) / members
            mean += x[t, 0]
            for i in range(members):
                result[t, i] = mean + factor * (x[t, i] - mean)
    return result


@njit(cache=True, error_model="numpy")
def limit_inflation(given: AnalysisInput, squares: FloatArray, analysis: FloatArray) -> None:
    """Take back, in place, what the inflation of a twin has added to variables that no observation informs."""
    x, predicted = given.x, given.predicted
    for t in range(len(x)):
        if squares[t] > 1.0:
            rows = _anomalies(predicted[t], available(predicted[t], given.observed[t]))
            _, before = mean_and_variance(x[t])
            mean, after = mean_and_variance(analysis[t])
            scale = np.ones(len(mean))
            for j in range(len(mean)):
                if after[j] > before[j]:
                    taper = _largest_taper(x[t, :, j].copy(), rows)
                    scale[j] = math.sqrt((before[j] + taper * (after[j] - before[j])) / after[j])
            scale_anomalies(analysis[t], mean, scale)


@njit(cache=True)
def _anomalies(predicted: FloatArray, columns: IntArray) -> FloatArray:
    """The anomalies ``[observation, member]`` of some predictions ``[member, observation]``."""
    rows = np.empty((len(columns), len(predicted)))
    for row, j in enumerate(columns):
        rows[row] = predicted[:, j] - predicted[:, j].mean()
    return rows


@njit(cache=True, error_model="numpy")
def _largest_taper(values: FloatArray, rows: FloatArray) -> float:
    """How far observations inform a variable, 0 to 1: by the most correlated one."""
    largest = 0.0
    for row in rows:
        largest = max(largest, correlation_taper(values, row))
    return largest
