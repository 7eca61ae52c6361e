"""The ensemble transform Kalman filter, with the symmetric square root."""

import math
from dataclasses import dataclass
from typing import ClassVar

from numba import njit

from twin_runtime.assimilation.observation_space import dot
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.transform import transform
from twin_runtime.core import FloatArray


@dataclass(frozen=True, slots=True)
class Etkf:
    """The ETKF (Bishop, Etherton & Majumdar 2001; symmetric and so mean-preserving, Wang, Bishop & Julier 2004).

    Deterministic: the analysis has exactly the mean and the covariance that the Kalman filter gives for the forecast's
    sample covariance. ``rotate`` mixes the members by a random rotation after every update, which leaves both as they
    are and keeps the members from clustering (Sakov & Oke 2008, Mon Wea Rev 136:1042).
    """

    rotate: bool = False

    keeps_points: ClassVar[bool] = False
    whole_members: ClassVar[bool] = False

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`."""
        return transform(fill_weights, given, out, rotated=self.rotate)


@njit(cache=True)
def fill_weights(rows: FloatArray, weights: FloatArray) -> None:
    """The weights ``[twin, row, member]`` of all twins."""
    for t in range(len(rows)):
        fill_twin_weights(rows[t], weights[t])


@njit(cache=True, error_model="numpy")
def fill_twin_weights(rows: FloatArray, weights: FloatArray) -> None:
    """For a row s with innovation d and c = N - 1, the mean gains d / (s's + c) and the anomalies gain f s.

    Here f = (sqrt(c / (s's + c)) - 1) / s's, written so that it holds for s = 0 too.
    """
    k, members = weights.shape
    c = members - 1.0
    for row in range(k):
        total = dot(rows[row], rows[row], members) + c
        f = -1.0 / (total * (1.0 + math.sqrt(c / total)))
        mean = rows[row, members] / total
        for i in range(members):
            weights[row, i] = mean + f * rows[row, i]
