"""Ensembles that are no draw but points, laid out so that they have exactly a given mean and covariance.

The points are pairs at either side of the mean, one for each column of the covariance's Cholesky factor: those of
Julier & Uhlmann 1997 (Proc SPIE 3068:182-193) without one at the centre, also known as cubature points (Arasaratnam &
Haykin 2009, IEEE Trans Autom Control 54:1254-1269). Of N members whose sample covariance divides by N - 1 they lie at
sqrt((N - 1) / 2) instead of sqrt(N / 2) times a column, so that the curvature of a model moves the mean by the share
1 / N too little. Members beyond two for every uncertain variable stay at the mean.
"""

from typing import NamedTuple

import numpy as np

from twin_runtime.assimilation.cholesky import factorise
from twin_runtime.core import FloatArray


class Moments(NamedTuple):
    """Mean ``[variable]``, and covariance in units of the variables' ``scale``; a mean that is not finite stays so."""

    mean: FloatArray
    scale: FloatArray
    covariance: FloatArray


def anomalies(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, scale, and the deviations from the mean in units of the scale, of one ensemble ``x[member, variable]``."""
    sound = np.isfinite(x).all(0)
    mean = np.where(sound, 0.0, np.nan)
    mean[sound] = x[0, sound] + (x[:, sound] - x[0, sound]).mean(0)
    deviations = np.zeros_like(x)
    deviations[:, sound] = x[:, sound] - mean[sound]
    largest = np.abs(deviations).max(0)
    return mean, largest, np.divide(deviations, largest, out=deviations, where=largest > 0.0)


def moments(x: FloatArray) -> Moments:
    """Mean and covariance of one ensemble ``x[member, variable]``."""
    mean, scale, deviations = anomalies(x)
    return Moments(mean, scale, deviations.T @ deviations / (len(x) - 1))


def lay_out(given: Moments, members: int) -> FloatArray:
    """So many points ``[member, variable]`` with this mean and covariance.

    Raises:
        ValueError: There are fewer than two for every variable that has a variance.
    """
    uncertain = np.count_nonzero(np.diag(given.covariance) > 0.0)
    if members < 2 * uncertain:
        raise ValueError(f"{members} members as points for {uncertain} variables; it takes {2 * uncertain}")
    factor = given.covariance.copy()
    rank = factorise(factor)
    columns = np.tril(factor)[:, np.diag(factor) > 0.0].T * np.sqrt((members - 1) / 2.0)
    points = np.zeros((members, len(factor)))
    points[0 : 2 * rank : 2], points[1 : 2 * rank : 2] = columns, -columns
    return given.mean + given.scale * points


def widened(x: FloatArray, sd: FloatArray) -> FloatArray:
    """Ensembles ``x[twin, member, variable]`` laid out anew after a random walk with the standard deviations ``sd``."""
    return np.stack([_widened(ensemble, sd) for ensemble in x]) if len(x) else x.copy()


def _widened(x: FloatArray, sd: FloatArray) -> FloatArray:
    mean, scale, covariance = moments(x)
    larger = np.maximum(np.maximum(scale, sd), np.finfo(float).tiny)
    before, walk = scale / larger, sd / larger
    return lay_out(Moments(mean, larger, covariance * np.outer(before, before) + np.diag(walk**2)), len(x))


def laid_out_prior(centre: FloatArray, sd: FloatArray, twins: int, members: int) -> FloatArray:
    """Ensembles ``[twin, member, variable]`` of independent variables."""
    points = lay_out(Moments(centre, sd, np.diag((sd > 0.0).astype(np.float64))), members)
    return np.tile(points, (twins, 1, 1))
