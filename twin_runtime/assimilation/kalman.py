"""Kalman's filter and the unscented one, by filterpy: for twins of a few variables, one after the other.

Their members are points (see :mod:`twin_runtime.assimilation.sigma_points`), which carry a mean and a covariance
exactly and without chance; a random walk is added to the covariance. They are laid out anew before every forecast and
after every analysis, and so no member has a past.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twin_runtime.assimilation.observation_space import seen, whiten
from twin_runtime.assimilation.protocol import Assimilator, Occasion
from twin_runtime.assimilation.sigma_points import Moments, anomalies, lay_out
from twin_runtime.core import FloatArray

Correct = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""The shift of the mean and the covariance left, from anomalies of states and of predictions, and innovations."""


@dataclass(frozen=True, slots=True)
class Kalman:
    """The Kalman filter (Kalman 1960, J Basic Eng 82:35-45), for a model that is linear or nearly so.

    The predictions are taken for a linear function of the states, which is found by regression over the members.
    """

    def update(
        self,
        x: FloatArray,
        predicted: FloatArray,
        observed: FloatArray,
        variance: FloatArray,
        occasion: Occasion,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; needs two members for every variable."""
        return _updated(_linear, x, predicted, observed, variance, out)


@dataclass(frozen=True, slots=True)
class Unscented:
    """The unscented Kalman filter (Julier & Uhlmann 2004, Proc IEEE 92:401-422).

    What the members' predictions do not have in common with any linear function of the states adds to their variance.
    """

    def update(
        self,
        x: FloatArray,
        predicted: FloatArray,
        observed: FloatArray,
        variance: FloatArray,
        occasion: Occasion,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """See :class:`twin_runtime.assimilation.protocol.Assimilator`; needs two members for every variable."""
        return _updated(_unscented, x, predicted, observed, variance, out)


def keeps_points(method: Assimilator) -> bool:
    """Whether the members of a method are points laid out, not draws."""
    return isinstance(method, Kalman | Unscented)


def _updated(
    correct: Correct,
    x: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    out: FloatArray | None,
) -> FloatArray:
    analysis = np.empty_like(x) if out is None else out
    members = x.shape[1]
    for t in range(len(x)):
        analysis[t] = x[t]
        rows = np.empty((len(seen(predicted[t], observed[t])), members + 1))
        if whiten(predicted[t], observed[t], variance[t], rows) > 0:
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
