"""A linear Gaussian problem, whose posterior is known, and a cubic one, whose posterior can be integrated."""

from typing import NamedTuple

import numpy as np

from twin_runtime.calibration import Forward, Smoother
from twin_runtime.calibration.gram_matrices import Observed
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import twin_keys


class Linear(NamedTuple):
    """Variables with the prior N(0, root' root), readings ``y = z H`` with errors of some variances."""

    root: FloatArray
    H: FloatArray
    value: FloatArray
    variance: FloatArray

    def forward(self, members: FloatArray) -> FloatArray:
        predicted: FloatArray = members @ self.H
        return predicted

    def observed(self, seed: int, twin: int = 0) -> Observed:
        return Observed(self.value, self.variance, twin_keys(seed, [str(twin)])[0])

    def prior(self, rng: np.random.Generator, members: int) -> FloatArray:
        drawn: FloatArray = rng.normal(size=(members, len(self.root))) @ self.root
        return drawn

    def posterior(self) -> tuple[FloatArray, FloatArray]:
        """Mean and covariance by Bayes' rule."""
        P = self.root.T @ self.root
        gain = P @ self.H @ np.linalg.inv(self.H.T @ P @ self.H + np.diag(self.variance))
        return gain @ self.value, P - gain @ self.H.T @ P


def linear(seed: int, variables: int = 3, readings: int = 6) -> Linear:
    rng = np.random.default_rng(seed)
    root, H = rng.normal(size=(variables, variables)), rng.normal(size=(variables, readings))
    return Linear(root, H, 2.0 * rng.normal(size=readings), rng.uniform(0.3, 3.0, readings))


def slopes(smoother: Smoother, problem: Linear, sizes: list[int], replicates: int) -> FloatArray:
    """The exponents with which the errors of the posterior's mean and covariance fall with the ensemble's size."""
    mean, C = problem.posterior()
    errors = []
    for members in sizes:
        rng, seed = np.random.default_rng(members), 1000 + members
        after = [
            smoother.smooth(problem.prior(rng, members), problem.forward, problem.observed(seed, twin)).members
            for twin in range(replicates)
        ]
        of_mean = np.mean([(ensemble.mean(axis=0) - mean) ** 2 for ensemble in after])
        of_covariance = np.mean([(np.cov(ensemble.T) - C) ** 2 for ensemble in after])
        errors.append(np.sqrt([of_mean, of_covariance]))
    fitted: FloatArray = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return fitted


CUBIC = 0.3


def cubic(members: FloatArray) -> FloatArray:
    """The scalar model y = x + 0.3 x^3 of Evensen 2018 (Computational Geosciences 22:885-908)."""
    predicted: FloatArray = members + CUBIC * members**3
    return predicted


def integrated(forward: Forward, observed: Observed, centre: float = 0.0, sd: float = 1.0) -> tuple[float, float]:
    """Mean and standard deviation of a scalar posterior with a normal prior, by quadrature."""
    x = np.linspace(centre - 8.0 * sd, centre + 8.0 * sd, 20_001)
    squares = ((x - centre) / sd) ** 2 + ((observed.value - forward(x[:, None])) ** 2 / observed.variance).sum(axis=1)
    density = np.exp(-0.5 * (squares - squares.min()))
    density /= density.sum()
    mean = float((density * x).sum())
    return mean, float((density * (x - mean) ** 2).sum() ** 0.5)
