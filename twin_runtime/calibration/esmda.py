"""The ensemble smoother with multiple data assimilation."""

from dataclasses import dataclass

import numpy as np

from twin_runtime.calibration.gram_matrices import GramMatrices, Observed, gram_matrices
from twin_runtime.calibration.smoother import Forward, Smoothed, anomalies, finite
from twin_runtime.core import FloatArray


@dataclass(frozen=True, slots=True)
class EsMda:
    """ES-MDA (Emerick & Reynolds 2013, Computers & Geosciences 55:3-15).

    The readings are assimilated ``iterations`` times, each time with their variances inflated by a coefficient; the
    inverses of the coefficients sum to 1, so that a linear model is left with the posterior of one assimilation. A
    nonlinear one is linearised anew each time. ``decrease`` is the ratio of each coefficient to the next: with 2 the
    first steps are short, while the ensemble is far from the readings. The update leaves out directions of the
    predictions beyond the share ``energy`` of their variance.
    """

    iterations: int = 4
    decrease: float = 1.0
    energy: float = 1.0

    @property
    def coefficients(self) -> FloatArray:
        """The inflation of the readings' variances in each step."""
        shares = self.decrease ** np.arange(self.iterations)
        coefficients: FloatArray = shares.sum() / shares
        return coefficients

    def smooth(self, members: FloatArray, forward: Forward, observed: Observed) -> Smoothed:
        """See :class:`twin_runtime.calibration.smoother.Smoother`."""
        given, misfits = len(members), []
        for step, inflation in enumerate(self.coefficients):
            members, predicted = finite(members, forward(members))
            matrices = gram_matrices(predicted, observed, step, inflation)
            misfits.append(matrices.misfit)
            members = members + update(matrices, inflation, self.energy, anomalies(members))
        members, predicted = finite(members, forward(members))
        misfits.append(gram_matrices(predicted, observed).misfit)
        return Smoothed(members, predicted, tuple(misfits), given - len(members))


def update(matrices: GramMatrices, inflation: float, energy: float, deviations: FloatArray) -> FloatArray:
    """What each member gains, ``D S' (S S' + inflation (N - 1) I)^-1 Z``, where Z are the members' ``deviations``.

    This is the Kalman gain with sample covariances (their equation 2) by the push-through identity. Of S S' the largest
    eigenvalues are used that sum to the share ``energy`` of its trace.
    """
    ridge = inflation * (len(matrices.gram) - 1)
    if energy >= 1.0:
        gained: FloatArray = matrices.cross @ np.linalg.solve(
            matrices.gram + ridge * np.eye(len(deviations)), deviations
        )
        return gained
    values, vectors = leading(matrices.gram, energy)
    truncated: FloatArray = (matrices.cross @ (vectors / (values + ridge))) @ (vectors.T @ deviations)
    return truncated


def leading(gram: FloatArray, energy: float) -> tuple[FloatArray, FloatArray]:
    """The fewest eigenvalues, ascending, that sum to the share ``energy`` of the trace, and their eigenvectors."""
    values, vectors = np.linalg.eigh(gram)
    kept = np.cumsum(np.maximum(values, 0.0)) > (1.0 - energy) * np.trace(gram)
    return values[kept], vectors[:, kept]
