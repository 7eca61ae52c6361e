"""The deterministic ensemble Kalman filter."""

from dataclasses import dataclass
from typing import ClassVar

from numba import njit

from twin_runtime.assimilation.observation_space import dot
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.transform import transform
from twin_runtime.core import FloatArray


@dataclass(frozen=True, slots=True)
class Denkf:
    """The DEnKF (Sakov & Oke 2008, Tellus A 60:361-371).

    The mean is the Kalman filter's; the anomalies gain half of what the gain would give them, A - K H A / 2, so that
    the covariance is the Kalman filter's plus K HPH' K' / 4: never too small, and right for small corrections.
    """

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; draws nothing."""
        return transform(fill_weights, given, out)


@njit(cache=True, error_model="numpy")
def fill_weights(rows: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d, member i gains (d - s_i / 2) / (s's + N - 1)."""
    members = weights.shape[2]
    for t in range(weights.shape[0]):
        for row in range(weights.shape[1]):
            s, w = rows[t, row], weights[t, row]
            total = dot(s, s, members) + members - 1.0
            for i in range(members):
                w[i] = (s[members] - 0.5 * s[i]) / total
