"""Inflation that is estimated along with the state, from how large the innovations are."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.assimilation.anomalies import mean_and_variance, scale_anomalies
from twin_runtime.assimilation.inflation import Inflation, InflationMemory
from twin_runtime.assimilation.local import significance
from twin_runtime.assimilation.localisation import NEGLIGIBLE
from twin_runtime.assimilation.observation_space import dot, whitened_rows
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray

DAMPING = 0.9
"""What is left of an inflation after an update by which no observation could inform it."""
LEAST, MOST = 0.5, 3.0
"""Bounds of the inflation of a variance. The DEnKF leaves a quarter of a large variance: four would let it grow."""
ITERATIONS = 100
"""Of the fixed point that finds the shape of a distribution from its mode and its variance; it needs a few dozen."""


@dataclass(frozen=True, slots=True)
class AdaptiveInflation:
    """The adaptive inflation of El Gharamti 2018 (Mon Wea Rev 146:623-640).

    Every state j of a twin has an inflation of its variance of its own, lambda, known up to an inverse gamma
    distribution. An innovation informs it as far as the state is correlated with the prediction. It is
    applied to the analysis, so that the next forecast starts wider; a state that no sensor informs is left alone.
    ``before`` is applied first. ``sd`` is how uncertain lambda is at first and ``least_sd`` at the least.
    """

    before: Inflation = Inflation()  # noqa: RUF009  # frozen
    sd: float = 0.6
    least_sd: float = 0.1

    @property
    def remembers(self) -> bool:
        """The mode and the standard deviation of every state's inflation."""
        return True

    def __call__(self, given: AnalysisInput, analysis: FloatArray, memory: InflationMemory) -> None:
        """See :class:`twin_runtime.assimilation.inflation.Inflate`."""
        self.before(given, analysis, memory)
        _adapt(given.arrays(), analysis, memory, self.sd, self.least_sd)


class Innovation(NamedTuple):
    """An innovation as the inflation of one state is estimated from it, in units of the observation's error.

    ``correlation`` is that of the state with the prediction, ``square`` the square of the innovation, ``variance`` the
    prediction's without inflation, over so many ``members``.
    """

    correlation: float
    square: float
    variance: float
    members: int


@njit(cache=True, error_model="numpy")
def _adapt(given: AnalysisInput, analysis: FloatArray, memory: InflationMemory, sd: float, least_sd: float) -> None:
    for t in range(len(analysis)):
        rows = whitened_rows(given.predicted[t], given.observed[t], given.variance[t])
        if len(rows) > 0:
            mode, spread = memory.mode[t], memory.sd[t]
            if np.isnan(mode[0]):
                mode[:], spread[:] = 1.0, sd
            _estimate(given.x[t], rows, mode, spread, least_sd)
            mean, _ = mean_and_variance(analysis[t])
            scale_anomalies(analysis[t], mean, np.sqrt(mode))


@njit(cache=True, error_model="numpy")
def _estimate(x: FloatArray, rows: FloatArray, mode: FloatArray, spread: FloatArray, least_sd: float) -> None:
    """Estimate the inflation of every state anew from the innovations of one twin, in place."""
    members, states = x.shape
    mean, sample = mean_and_variance(x)
    applied, informed = mode.copy(), np.zeros(states, np.bool_)
    for row in rows:
        ensemble = dot(row, row, members)
        along = np.zeros(states)
        for i in range(members):
            for j in range(states):
                along[j] += row[i] * (x[i, j] - mean[j])
        for j in range(states):
            product = members * sample[j] * ensemble
            correlation = abs(along[j]) / math.sqrt(product) if product > 0.0 else 0.0
            gamma = correlation * significance(correlation, members)
            if gamma > NEGLIGIBLE:
                bare = ensemble / (members - 1) / spread_factor(applied[j], gamma) ** 2
                innovation = Innovation(gamma, row[members] ** 2, bare, members)
                mode[j], spread[j] = estimated(mode[j], spread[j], innovation, least_sd)
                informed[j] = True
    for j in range(states):
        mode[j] = mode[j] if informed[j] else 1.0 + DAMPING * (mode[j] - 1.0)


@njit(cache=True, error_model="numpy")
def spread_factor(mode: float, gamma: float) -> float:
    """How an inflation of a state scales the spread of a prediction that it is correlated with by gamma."""
    return 1.0 + gamma * (math.sqrt(mode) - 1.0)


@njit(cache=True, error_model="numpy")
def estimated(mode: float, sd: float, innovation: Innovation, least_sd: float) -> tuple[float, float]:
    """Mode and standard deviation of an inflation after an innovation."""
    gamma, d2, bare, members = innovation
    alpha = shape_of(mode, sd)
    beta = mode * (alpha + 1.0)
    reached = spread_factor(mode, gamma)
    theta2 = _theta2(reached, bare, members)
    slope = 0.5 * (d2 / theta2 - 1.0) / theta2 * reached * gamma * bare / math.sqrt(mode)
    # The likelihood is linear in lambda about the mode; the mode of its product with the prior solves a quadratic.
    a, b, c = alpha * slope, alpha + 1.0 - 2.0 * beta * slope, beta * (mode * slope - 1.0)
    new = _root_near(mode, a, b, c)
    if not LEAST <= new <= MOST:
        return min(max(new, LEAST), MOST), sd
    ratio = _log_density(new + sd, alpha, beta, innovation) - _log_density(new, alpha, beta, innovation)
    shape = -ratio / (math.log1p(sd / new) + new / (new + sd) - 1.0) - 1.0
    if not shape > 2.0:
        return new, sd
    narrowed = new * (shape + 1.0) / ((shape - 1.0) * math.sqrt(shape - 2.0))
    return new, min(sd, max(narrowed, least_sd))


@njit(cache=True, error_model="numpy")
def _root_near(value: float, a: float, b: float, c: float) -> float:
    """The root of a x^2 + b x + c that is nearer to ``value``."""
    root = math.sqrt(max(0.0, b * b - 4.0 * a * c))
    q = -0.5 * (b + root if b >= 0.0 else b - root)
    first, second = c / q, q / a if a != 0.0 else math.inf
    return first if abs(first - value) <= abs(second - value) else second


@njit(cache=True, error_model="numpy")
def shape_of(mode: float, sd: float) -> float:
    """The shape alpha of the inverse gamma distribution with this mode and this standard deviation."""
    share = (mode / sd) ** 2
    alpha = 3.0 + share
    for _ in range(ITERATIONS):
        alpha = 2.0 + share * ((alpha + 1.0) / (alpha - 1.0)) ** 2
    return alpha


@njit(cache=True, error_model="numpy")
def _theta2(reached: float, bare: float, members: int) -> float:
    """The variance that the innovation should have, with the paper's correction for the size of the ensemble."""
    squared = reached * reached
    return (squared - 1.0 / members if squared > 1.0 / members else squared) * bare + 1.0


@njit(cache=True, error_model="numpy")
def _log_density(value: float, alpha: float, beta: float, innovation: Innovation) -> float:
    """The logarithm of prior times likelihood, up to a constant."""
    gamma, d2, bare, members = innovation
    theta2 = _theta2(spread_factor(value, gamma), bare, members)
    return -(alpha + 1.0) * math.log(value) - beta / value - 0.5 * (math.log(theta2) + d2 / theta2)
