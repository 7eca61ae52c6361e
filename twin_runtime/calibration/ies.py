"""The iterative ensemble smoother in the ensemble's own subspace."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin_runtime.calibration.gram_matrices import GramMatrices, Observed, gram_matrices
from twin_runtime.calibration.smoother import Forward, Smoothed, anomalies, finite
from twin_runtime.core import FloatArray

SHORTEST = 2.0**-6
"""A step rejected at this length ends the search."""


class Iterate(NamedTuple):
    """A point of the search: coefficients ``T[member, member]`` and what follows from them.

    ``cost`` is the mean over members of the squared distance from their prior draw and from their perturbed readings.
    """

    T: FloatArray
    members: FloatArray
    predicted: FloatArray
    matrices: GramMatrices
    cost: float


@dataclass(frozen=True, slots=True)
class Ies:
    """The stochastic iterative ensemble smoother in its subspace form.

    Raanes, Stordal & Evensen 2019, Nonlin Processes Geophys 26:325-338; Evensen et al. 2019, Frontiers Appl Math Stat
    5:47. Every member minimises its own cost, the squared distances from its prior draw and from perturbed readings,
    by Gauss-Newton steps whose sensitivity is that of the ensemble. A step is taken at ``length`` of its full size; if
    the mean cost rises, or a member diverges, it is rejected and tried again at half of that. The search ends when the
    cost changes by less than the share ``tolerance``, or after ``iterations`` runs besides the first.
    """

    iterations: int = 20
    length: float = 1.0
    tolerance: float = 1e-3

    def smooth(self, members: FloatArray, forward: Forward, observed: Observed) -> Smoothed:
        """See :class:`twin_runtime.calibration.smoother.Smoother`."""
        prior, predicted = finite(members, forward(members))
        current = _iterate(prior, np.zeros((len(prior), len(prior))), predicted, observed)
        misfits, length = [current.matrices.misfit], self.length
        for _ in range(self.iterations):
            T = current.T + length * (newton(current) - current.T)
            tried = _iterate(prior, T, forward(_members(prior, T)), observed)
            settled = abs(tried.cost - current.cost) <= self.tolerance * current.cost
            if tried.cost < current.cost:
                current, length = tried, min(self.length, 2.0 * length)
                misfits.append(current.matrices.misfit)
            else:
                length *= 0.5
            if settled or length < SHORTEST:
                break
        return Smoothed(current.members, current.predicted, tuple(misfits), len(members) - len(prior))


def _members(prior: FloatArray, T: FloatArray) -> FloatArray:
    """Each member at its prior draw plus a combination ``T`` of the prior's anomalies."""
    moved: FloatArray = prior + T @ anomalies(prior) / np.sqrt(len(prior) - 1)
    return moved


def _iterate(prior: FloatArray, T: FloatArray, predicted: FloatArray, observed: Observed) -> Iterate:
    matrices = gram_matrices(predicted, observed)
    cost = float(((T**2).sum(axis=1) + matrices.squares).mean())
    return Iterate(T, _members(prior, T), predicted, matrices, cost if np.isfinite(cost) else np.inf)


def newton(current: Iterate) -> FloatArray:
    """The coefficients to which a full Gauss-Newton step leads.

    With Y the predictions' anomalies over sqrt(N - 1), omega = I + P T the matrix that makes the current anomalies from
    the prior's (P removes the mean and divides by sqrt(N - 1)), and V the directions in which members differ at all,
    the sensitivity is S = omega^-1 V V' Y: what in Y is no linear function of the variables is left out. The step leads
    to (T S + D) S' (S S' + I)^-1. These are the papers' formulas transposed, as here rows are members.
    """
    N = len(current.T)
    omega = np.eye(N) + anomalies(current.T) / np.sqrt(N - 1)
    V = directions(current.members)
    root = np.linalg.solve(omega, V)
    SS = root @ (V.T @ current.matrices.gram @ V) @ root.T / (N - 1)
    DS = (current.matrices.cross @ V) @ root.T / np.sqrt(N - 1)
    target: FloatArray = np.linalg.solve(SS + np.eye(N), (current.T @ SS + DS).T).T
    return target


def directions(members: FloatArray) -> FloatArray:
    """An orthonormal basis ``[member, direction]`` of the differences among members."""
    deviations = anomalies(members)
    scale = deviations.std(axis=0)
    U, sizes, _ = np.linalg.svd(deviations / np.where(scale > 0.0, scale, 1.0), full_matrices=False)
    basis: FloatArray = U[:, sizes > 1e-10 * sizes.max(initial=0.0)]
    return basis
