"""The LETKF against DAPPER's: a ring of states, every tenth of them observed."""

from collections.abc import Iterator

import numpy as np

from tests.benchmarks.peers.agreement import members, ring
from tests.benchmarks.peers.process import clock, started_if_installed
from tests.benchmarks.timing import Row, clocked, medians
from twin_runtime.core import FloatArray

MILLI = 1e3
STATES, SPACING, MEMBERS, HALF_WIDTH = 10_000, 10, 32, 10.0
SIZE = "(1e4, 1000, 32)"
PEER = "DAPPER LETKF"


def rows() -> Iterator[Row]:
    """All lines of this part of the table; what is near each state is found beforehand on both sides."""
    problem, method = ring(STATES, SPACING, MEMBERS, HALF_WIDTH)
    near = int(np.diff(method.localisation.outputs_near_places.first).max())
    out, matrices = np.empty_like(problem.x), local_matrices(near)
    with started_if_installed() as peers:
        if peers:
            peers.pose("ring", problem, method.localisation)
        difference = members(peers, PEER, method, problem, "ring")
        ours, lapack = clocked(lambda: method.update(problem, out)), clocked(lambda: np.linalg.eigh(matrices))
        seconds, eigenvectors, theirs = medians([ours, lapack, clock(peers, PEER, "ring")], repeats=11)
    yield Row(f"LETKF {SIZE}", seconds * MILLI, PEER, theirs * MILLI, "ms", 1 / 50, difference)
    yield Row(f"LETKF {SIZE}", seconds * MILLI, "eigh of as many k x k", eigenvectors * MILLI, "ms", 1.0)


def local_matrices(near: int) -> FloatArray:
    """As many products S'S as there are states, of as many rows as a state has observations: for LAPACK alone."""
    S = np.random.default_rng(0).normal(size=(STATES, near, MEMBERS))
    return np.asarray(S @ S.transpose(0, 2, 1))
