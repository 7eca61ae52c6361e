"""Whether a peer's analysis is ours: the same members, from the same forecast, readings and drawn errors."""

import math
from collections.abc import Mapping

import numpy as np

from tests.benchmarks.peers.process import Peers
from twin_runtime.assimilation import AnalysisInput, Assimilator, Denkf, Enkf, Ensrf, Etkf, Letkf, Localisation
from twin_runtime.core import FloatArray
from twin_runtime.modelling.positions import Periodic, Positions, along
from twin_runtime.modelling.random import numbered_keys

TOLERANCE = 1e-10
"""Of the largest element: the same formula in another order of operations."""

SAME: Mapping[str, Assimilator] = {
    "DAPPER Sqrt": Etkf(),
    "DAPPER Serial": Ensrf(),
    "DAPPER DEnKF": Denkf(),
    "DAPPER PertObs": Enkf(),
    "ESMDA": Enkf(),
}
"""The peers, and which of our methods gives the same members."""

ROTATED = "DAPPER Sqrt, rotated"
"""The peer whose members have only the same mean and covariance as ours."""


class Disagreement(Exception):
    """The results of two programs that should do the same differ."""


def compared(ours: FloatArray, theirs: FloatArray, name: str) -> float:
    """The largest difference of two results, relative to the largest element.

    Raises:
        Disagreement: It is more than rounding.
    """
    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if not difference <= TOLERANCE:
        raise Disagreement(f"{name} and ours differ by {difference:.1g} of the largest element")
    return difference


def members(peers: Peers | None, peer: str, method: Assimilator, problem: AnalysisInput, name: str) -> float:
    """How much the members differ for a problem that was posed under this name; NaN without peers."""
    return compared(method.update(problem)[0], peers.analysis(peer, name), peer) if peers else math.nan


def moments(peers: Peers | None, peer: str, method: Assimilator, problem: AnalysisInput, name: str) -> float:
    """How much means and variances differ, where random rotations mix the members."""
    if not peers:
        return math.nan
    ours, theirs = method.update(problem)[0], peers.analysis(peer, name)
    return max(compared(moment(ours, axis=0), moment(theirs, axis=0), peer) for moment in (np.mean, np.var))


def differences(peers: Peers | None, problem: AnalysisInput, name: str) -> dict[str, float]:
    """:func:`members` or :func:`moments` of every peer for one problem."""
    same = {peer: members(peers, peer, method, problem, name) for peer, method in SAME.items()}
    return same | {ROTATED: moments(peers, ROTATED, Etkf(rotate=True), problem, name)}


def ring(states: int, spacing: int, members: int, half_width: float, twins: int = 1) -> tuple[AnalysisInput, Letkf]:
    """States on a ring at distance 1, every ``spacing``-th observed, and our method for them."""
    rng, seen = np.random.default_rng(0), np.arange(0, states, spacing)
    x = rng.normal(size=(twins, members, states))
    observed, variance = rng.normal(size=(twins, len(seen))), rng.uniform(0.5, 2.0, size=(twins, len(seen)))
    inputs = numbered_keys(0, twins), 0, np.tile(np.arange(len(seen)), (twins, 1))
    positions = Positions(along(np.arange(states)), along(seen), Periodic((float(states),)))
    problem = AnalysisInput(x, np.ascontiguousarray(x[:, :, seen]), observed, variance, *inputs)
    return problem, Letkf(Localisation(positions, half_width))
