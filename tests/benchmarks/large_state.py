"""One twin with a field for a state: against the bare product of matrices, and against every peer that can do it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from tests.benchmarks.peers.agreement import differences
from tests.benchmarks.peers.process import Peers, clock, started_if_installed
from tests.benchmarks.timing import Row, clocked, medians, settled
from twin_runtime.assimilation import Assimilator, Denkf, Enkf, EnkfN, Ensrf, Etkf, Occasion
from twin_runtime.assimilation.conformance import Problem

MILLI = 1e3
STATES, OBSERVATIONS, MEMBERS = 100_000, 200, 64
SIZE = "(1e5, 200, 64)"

OURS: Mapping[str, tuple[Assimilator, float]] = {
    "ETKF": (Etkf(), 1.1),
    "EnKF": (Enkf(), 1.2),
    "DEnKF": (Denkf(), 1.1),
    "serial EnSRF": (Ensrf(), 1.2),
    "ETKF, rotated": (Etkf(rotate=True), 1.2),
    "EnKF-N": (EnkfN(), 1.2),
}
"""Our methods, and how many times the bare product each may cost."""

AGAINST = {
    "DAPPER Sqrt": ("ETKF", 1 / 5),
    "DAPPER Sqrt, rotated": ("ETKF, rotated", 1 / 5),
    "DAPPER Serial": ("serial EnSRF", 1 / 2.8),
    "DAPPER DEnKF": ("DEnKF", 1 / 2.8),
    "DAPPER PertObs": ("EnKF", 1 / 2.8),
    "ESMDA": ("EnKF", 1 / 2.8),
}
"""The peers, our method that does the same, and how many times the peer it may cost."""


def rows() -> Iterator[Row]:
    """All lines of this part of the table, from one run."""
    problem = field()
    with started_if_installed() as peers:
        if peers:
            peers.pose("field", problem)
        equal = differences(peers, problem, "field")
        product, ours, theirs = measured(peers, problem)
    for name, (_, bound) in OURS.items():
        yield Row(f"{name} {SIZE}", ours[name] * MILLI, "bare GEMM", product * MILLI, "ms", bound)
    for peer, (name, bound) in AGAINST.items():
        seconds, difference = theirs[peer], equal[peer]
        yield Row(f"{name} {SIZE}", ours[name] * MILLI, peer, seconds * MILLI, "ms", bound, difference)
    fastest = min(theirs, key=lambda peer: theirs[peer])
    against = f"their fastest: {fastest}"
    yield Row(f"ETKF {SIZE}", ours["ETKF"] * MILLI, against, theirs[fastest] * MILLI, "ms", 1 / 2.8)


def field() -> Problem:
    """Independent states, of which some are observed."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, MEMBERS, STATES))
    seen = np.sort(rng.choice(STATES, OBSERVATIONS, replace=False))
    observed, variance = rng.normal(size=(1, OBSERVATIONS)), rng.uniform(0.5, 2.0, size=(1, OBSERVATIONS))
    return Problem(x, np.ascontiguousarray(x[:, :, seen]), observed, variance, Occasion(0, np.zeros(1, np.int64), 0))


def measured(peers: Peers | None, problem: Problem) -> tuple[float, dict[str, float], dict[str, float]]:
    """Seconds of the bare product, of our methods and of the peers."""
    matrix, out = np.random.default_rng(0).normal(size=(MEMBERS, MEMBERS)), np.empty_like(problem.x)
    functions: list[Callable[[], object]] = [partial(np.matmul, matrix, problem.x[0], out=out[0])]
    functions += [partial(method.update, *problem, out) for method, _ in OURS.values()]
    clocks = [clocked(function) for function in functions] + [clock(peers, peer, "field") for peer in AGAINST]
    product, *seconds = medians([settled(clock) for clock in clocks], repeats=15)
    ours, theirs = seconds[: len(OURS)], seconds[len(OURS) :]
    return product, dict(zip(OURS, ours, strict=True)), dict(zip(AGAINST, theirs, strict=True))
