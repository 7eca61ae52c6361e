"""The stochastic ensemble Kalman filter."""

from dataclasses import dataclass
from typing import ClassVar

from numba import njit

from twin_runtime.assimilation.observation_space import dot
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.transform import transform
from twin_runtime.core import FloatArray


@dataclass(frozen=True, slots=True)
class Enkf:
    """The EnKF with perturbed observations (Burgers, van Leeuwen & Evensen 1998; Evensen 2003).

    The perturbations have mean zero over the members, so that the analysis has exactly the Kalman filter's mean for the
    forecast's sample covariance; its covariance is the Kalman filter's in expectation.
    """

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        return transform(fill_weights, given, out, perturbed=True)


@njit(cache=True, error_model="numpy")
def fill_weights(rows: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d and perturbations e, member i gains (d + e_i - s_i) / (s's + N - 1)."""
    members = weights.shape[2]
    for t in range(weights.shape[0]):
        for row in range(weights.shape[1]):
            s, w = rows[t, row], weights[t, row]
            total = dot(s, s, members) + members - 1.0
            for i in range(members):
                w[i] = (s[members] + s[members + 1 + i] - s[i]) / total
