"""The peers' side: analyses by DAPPER and iterative_ensemble_smoother, in a process and an environment of their own.

``python worker.py`` runs in the folder of the problems. For every line ``{"peer": ..., "problem": ..., "keep": ...}``
it makes one analysis and answers ``{"seconds": ...}``, the CPU time of the analysis alone; if it is to be kept, it is
then in ``analysis.npy`` as [member, state].
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from dapper.da_methods.ensemble import EnKF_analysis, local_analyses, post_process
from dapper.tools.localization import nd_Id_localization
from dapper.tools.matrices import CovMat
from dapper.tools.randvars import GaussRV
from iterative_ensemble_smoother import ESMDA

Array = npt.NDArray[np.float64]
Problem = Mapping[str, npt.NDArray[Any]]
"""Members E [member, state], predictions Eo [member, observation], readings y, the variance of their errors; for
methods that draw errors those that are drawn [member, observation], so that both sides have the same; for local methods
the states observed, on a ring of states at distance 1, and the half-width of the taper."""

Prepare = Callable[[Problem], Callable[[], Array]]
"""Sets up what is not measured; returns the analysis."""

HALF_WIDTH = 1.82
"""Half-widths of the taper in one of DAPPER's radii, as its ``dist2coeff`` has it."""


def global_analysis(method: str, rotate: bool = False) -> Prepare:
    """One of DAPPER's flavours of the EnKF, with its random rotation after it if asked for."""

    def prepare(problem: Problem) -> Callable[[], Array]:
        noise = GaussRV(C=CovMat(problem["variance"], "diag"))
        # DAPPER takes its sample off the readings, after it has stretched it by sqrt(N / (N - 1)).
        noise.sample = lambda members: -problem["errors"] * np.sqrt(1 - 1 / members)
        arguments = problem["E"], problem["Eo"], noise, problem["y"], method
        return lambda: post_process(EnKF_analysis(*arguments), 1.0, rotate)

    return prepare


def local_analysis(problem: Problem) -> Callable[[], Array]:
    """DAPPER's LETKF, a state at a time; what is near each of them is found beforehand."""
    E, seen, radius = problem["E"], problem["seen"], float(problem["half_width"]) / HALF_WIDTH
    batches, near = nd_Id_localization((E.shape[1],), (1,), seen)(radius, "x2y", "GC")
    table = {batch[0]: near(batch) for batch in batches}
    arguments = problem["Eo"], CovMat(problem["variance"], "diag"), problem["y"], batches
    return lambda: np.asarray(local_analyses(E.copy(), *arguments, lambda batch: table[batch[0]])[0])


def smoother(problem: Problem) -> Callable[[], Array]:
    """One step of ES-MDA, which is an EnKF; its members are columns."""
    X, Y = (np.ascontiguousarray(problem[name].T) for name in ("E", "Eo"))
    errors = np.ascontiguousarray(problem["errors"].T)

    def analyse() -> Array:
        esmda = ESMDA(covariance=problem["variance"], observations=problem["y"], alpha=1)
        esmda.prepare_assimilation(Y=Y, truncation=1.0, observation_perturbations=errors)
        return np.asarray(esmda.assimilate_batch(X=X).T)

    return analyse


PEERS: Mapping[str, Prepare] = {
    "DAPPER Sqrt": global_analysis("Sqrt"),
    "DAPPER Sqrt, rotated": global_analysis("Sqrt", rotate=True),
    "DAPPER Serial": global_analysis("Serial mono"),
    "DAPPER DEnKF": global_analysis("DEnKF"),
    "DAPPER PertObs": global_analysis("PertObs"),
    "DAPPER LETKF": local_analysis,
    "ESMDA": smoother,
}


@cache
def loaded(problem: str) -> Problem:
    """A problem that was posed."""
    with np.load(f"{problem}.npz") as arrays:
        return dict(arrays)


@cache
def prepared(peer: str, problem: str) -> Callable[[], Array]:
    """The analysis of a problem by a peer, ready to be made again and again."""
    return PEERS[peer](loaded(problem))


def answer(peer: str, problem: str, keep: bool) -> dict[str, Any]:
    """Make one analysis."""
    analyse = prepared(peer, problem)
    start = time.process_time()
    analysis = analyse()
    seconds = time.process_time() - start
    if keep:
        np.save("analysis.npy", analysis)
    return {"seconds": seconds}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)
