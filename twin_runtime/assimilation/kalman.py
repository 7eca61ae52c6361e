"""Kalman's filter and the unscented one, by filterpy: for twins of a few variables, one after the other.

Their members are points (see :mod:`twin_runtime.assimilation.sigma_points`), which carry a mean and a covariance
exactly and without chance; a random walk is added to the covariance. They are laid out anew before every forecast and
after every analysis, and so no member has a past.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twin_runtime.assimilation.observation_space import whitened_rows
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.sigma_points import Moments, anomalies, lay_out
from twin_runtime.core import FloatArray

Correct = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""The shift of the mean and the covariance left, from anomalies of states and of predictions, and innovations."""


@dataclass(frozen=True, slots=True)
class Kalman:
    """The Kalman filter (Kalman 1960, J Basic Eng 82:35-45), for a model that is linear or nearly so.

    The predictions are taken for a linear function of the states, which is found by regression over the members.
    """

    keeps_points: ClassVar[bool] = True
    whole_members: ClassVar[bool] = True

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; two members a variable are needed."""
        return _updated(_linear, given, out)


@dataclass(frozen=True, slots=True)
class Unscented:
    """The unscented Kalman filter (Julier & Uhlmann 2004, Proc IEEE 92:401-422).

    What the members' predictions do not have in common with any linear function of the states adds to their variance.
    """

    keeps_points: ClassVar[bool] = True
    whole_members: ClassVar[bool] = True

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; two members a variable are needed."""
        return _updated(_unscented, given, out)


def _updated(correct: Correct, given: AnalysisInput, out: FloatArray | None) -> FloatArray:
    x, predicted, observed, variance = given[:4]
    analysis = np.empty_like(x) if out is None else out
    members = x.shape[1]
    for t in range(len(x)):
        analysis[t] = x[t]
        rows = whitened_rows(predicted[t], observed[t], variance[t])
        if len(rows) > 0:
            mean, scale, deviations = anomalies(x[t])
            shift, covariance = correct(deviations, rows[:, :members].T, rows[:, members])
            analysis[t] = lay_out(Moments(mean + scale * shift, scale, covariance), members)
    return analysis


def _linear(A: FloatArray, Y: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    from filterpy.kalman import update

    H = np.linalg.lstsq(A, Y, rcond=None)[0].T
    shift, covariance = update(np.zeros(A.shape[1]), A.T @ A / (len(A) - 1), d, np.eye(len(d)), H)
    return shift, covariance


def _unscented(A: FloatArray, Y: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    from filterpy.kalman import unscented_transform

    members = len(A)
    each, of_rest = np.full(members, 1.0 / members), np.full(members, 1.0 / (members - 1))
    _, S = unscented_transform(Y, each, of_rest, np.eye(len(d)))
    K = np.linalg.solve(S, Y.T @ A / (members - 1)).T
    return K @ d, A.T @ A / (members - 1) - K @ S @ K.T
