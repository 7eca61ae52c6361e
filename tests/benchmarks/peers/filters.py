"""filterpy's filters, which run in our own process, for small twins that each see their first state."""

import numpy as np
from filterpy.kalman import EnsembleKalmanFilter, KalmanFilter

from tests.benchmarks.peers.agreement import compared
from twin_runtime.assimilation import AnalysisInput, Etkf
from twin_runtime.assimilation.batches import uncoupled, whitened
from twin_runtime.assimilation.conformance import covariance, of_twins
from twin_runtime.assimilation.enkf import fill_weights
from twin_runtime.assimilation.transform import correct
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys


def small_twins(twins: int, states: int, members: int) -> AnalysisInput:
    """Independent states, and one reading a twin."""
    rng = np.random.default_rng(0)
    x, observed = rng.normal(size=(twins, members, states)), rng.normal(size=(twins, 1))
    variance = rng.uniform(0.5, 2.0, size=(twins, 1))
    return AnalysisInput(x, np.ascontiguousarray(x[:, :, :1]), observed, variance, numbered_keys(0, twins), 0)


def ensemble_filter(problem: AnalysisInput, twin: int) -> EnsembleKalmanFilter:
    """The ensemble filter with the forecast of one twin."""
    _, members, states = problem.x.shape
    peer = EnsembleKalmanFilter(
        x=np.zeros(states), P=np.eye(states), dim_z=1, dt=1.0, N=members, hx=lambda s: s[:1], fx=lambda s, dt: s
    )
    peer.sigmas, peer.x, peer.R = problem.x[twin].copy(), problem.x[twin].mean(0), np.diag(problem.variance[twin])
    return peer


def kalman_filter(problem: AnalysisInput, twin: int) -> KalmanFilter:
    """The Kalman filter with mean and covariance of one twin's forecast."""
    states = problem.x.shape[2]
    peer = KalmanFilter(dim_x=states, dim_z=1)
    peer.x, peer.P = problem.x[twin].mean(0)[:, None], covariance(problem.x[twin])
    peer.H, peer.R = np.eye(1, states), np.diag(problem.variance[twin])
    return peer


def same_members(problem: AnalysisInput, twin: int) -> float:
    """How much the members of the ensemble filter differ from our EnKF's with the errors that it draws."""
    peer = ensemble_filter(problem, twin)
    np.random.seed(twin)  # noqa: NPY002  # it draws from the global generator
    drawn = np.random.multivariate_normal(np.zeros(1), peer.R, problem.x.shape[1])  # noqa: NPY002
    np.random.seed(twin)  # noqa: NPY002
    peer.update(problem.observed[twin])
    return compared(with_errors(of_twins(problem, [twin]), drawn.T), peer.sigmas, "filterpy's EnKF")


def same_moments(problem: AnalysisInput, twin: int) -> float:
    """How much mean and covariance of the Kalman filter differ from our ETKF's."""
    peer = kalman_filter(problem, twin)
    peer.update(problem.observed[twin])
    ours = Etkf().update(of_twins(problem, [twin]))[0]
    pairs = (ours.mean(0), peer.x[:, 0]), (covariance(ours), peer.P)
    return max(compared(mine, theirs, "filterpy's Kalman filter") for mine, theirs in pairs)


def with_errors(problem: AnalysisInput, drawn: FloatArray) -> FloatArray:
    """The analysis of one twin by our EnKF, with the errors ``drawn[observation, member]`` in place of its own."""
    analysis, members = np.empty_like(problem.x), problem.x.shape[1]
    (batch,) = whitened(problem, perturbed=True)
    batch.rows[0, :, members + 1 :] = drawn / np.sqrt(problem.variance[0])[:, None]
    correct(fill_weights, problem, uncoupled(batch, members), analysis)
    return np.asarray(analysis[0])
