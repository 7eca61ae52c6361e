"""One twin with a field for a state: against the bare product of matrices, and against every peer that can do it."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tests.benchmarks.peers.agreement import differences
from tests.benchmarks.peers.process import clock, started_if_installed
from tests.benchmarks.timing import Clock, Row, clocked, medians, settled
from twin_runtime.assimilation import AnalysisInput, Assimilator, Denkf, Enkf, EnkfN, Ensrf, Etkf
from twin_runtime.modelling.random import numbered_keys

MILLI = 1e3
STATES, OBSERVATIONS, MEMBERS = 100_000, 200, 64
SIZE = "(1e5, 200, 64)"
PRODUCT = "bare GEMM"

OURS: Mapping[str, tuple[Assimilator, float]] = {
    "ETKF": (Etkf(), 1.1),
    "ETKF, rotated": (Etkf(rotate=True), 1.2),
    "EnKF": (Enkf(), 1.2),
    "DEnKF": (Denkf(), 1.2),
    "serial EnSRF": (Ensrf(), 1.2),
    "EnKF-N": (EnkfN(), 3.5),
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
"""The peers, our method that gives the same, and how many times the peer it may cost."""

AGAINST_FASTEST = 1 / 2.8
"""How many times the fastest of the peers the ETKF may cost."""

SMALL_PAGES = {"NUMPY_MADVISE_HUGEPAGE": "0"}
"""For a peer that gets memory in pages of 4 KiB, as where the system has none of the 2 MiB for which NumPy asks.

In every update the peers ask for several arrays of the size of the ensemble, and ours for none.
"""


def rows() -> Iterator[Row]:
    """All lines of this part of the table, from one run; the results are compared before anything is measured."""
    problem = field()
    with started_if_installed() as peers, started_if_installed(**SMALL_PAGES) as restricted:
        processes = {"": peers, ", 4 KiB pages": restricted}
        for process in filter(None, processes.values()):
            process.pose("field", problem)
        same = differences(peers, problem, "field")
        theirs = {peer + pages: clock(processes[pages], peer, "field") for pages in processes for peer in AGAINST}
        seconds = measured(our_clocks(problem) | theirs)
    for name, (_, bound) in OURS.items():
        yield compared(seconds, name, PRODUCT, bound)
    for pages in processes:
        for peer, (name, bound) in AGAINST.items():
            yield compared(seconds, name, peer + pages, bound, same[peer])
        fastest = min((peer + pages for peer in AGAINST), key=lambda peer: seconds[peer])
        yield compared(seconds, "ETKF", fastest, AGAINST_FASTEST)._replace(against=f"fastest: {fastest}")


def field() -> AnalysisInput:
    """Independent states, of which some are observed."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, MEMBERS, STATES))
    seen = np.sort(rng.choice(STATES, OBSERVATIONS, replace=False))
    observed, variance = rng.normal(size=(1, OBSERVATIONS)), rng.uniform(0.5, 2.0, size=(1, OBSERVATIONS))
    return AnalysisInput(x, np.ascontiguousarray(x[:, :, seen]), observed, variance, numbered_keys(0, 1), 0)


def our_clocks(problem: AnalysisInput) -> dict[str, Clock]:
    """The clocks of the bare product and of our methods."""
    matrix, out = np.random.default_rng(0).normal(size=(MEMBERS, MEMBERS)), np.empty_like(problem.x)
    product = clocked(partial(np.matmul, matrix, problem.x[0], out=out[0]))
    methods = {name: clocked(partial(method.update, problem, out)) for name, (method, _) in OURS.items()}
    return {PRODUCT: product} | methods


def measured(clocks: Mapping[str, Clock]) -> dict[str, float]:
    """The median of every clock."""
    return dict(zip(clocks, medians([settled(clock) for clock in clocks.values()], repeats=11), strict=True))


def compared(seconds: Mapping[str, float], ours: str, peer: str, bound: float, difference: float = math.nan) -> Row:
    """One line of the table."""
    return Row(f"{ours} {SIZE}", seconds[ours] * MILLI, peer, seconds[peer] * MILLI, "ms", bound, difference)
