"""The LETKF against DAPPER's: a ring of states, every tenth of them observed."""

from collections.abc import Iterator

import numpy as np

from tests.benchmarks.peers.agreement import members, ring
from tests.benchmarks.peers.process import clock, started_if_installed
from tests.benchmarks.timing import Row, clocked, medians

MILLI = 1e3
STATES, SPACING, MEMBERS, HALF_WIDTH = 10_000, 10, 32, 10.0
SIZE = "(1e4, 1000, 32)"
PEER = "DAPPER LETKF"


def rows() -> Iterator[Row]:
    """The only line of this part of the table; what is near each state is found beforehand on both sides."""
    problem, method = ring(STATES, SPACING, MEMBERS, HALF_WIDTH)
    out = np.empty_like(problem.x)
    with started_if_installed() as peers:
        if peers:
            peers.pose("ring", problem, method.localisation)
        difference = members(peers, PEER, method, problem, "ring")
        ours, theirs = medians([clocked(lambda: method.update(*problem, out)), clock(peers, PEER, "ring")], repeats=11)
    yield Row(f"LETKF {SIZE}", ours * MILLI, PEER, theirs * MILLI, "ms", 1 / 50, difference)
