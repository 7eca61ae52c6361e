"""Many small twins against filterpy, random walks against NumPy."""

from collections.abc import Iterator

import numpy as np

from tests.benchmarks.peers.filters import ensemble_filter, kalman_filter, same_members, same_moments, small_twins
from tests.benchmarks.timing import Row, interleaved
from twin_runtime.assimilation import Enkf, Etkf
from twin_runtime.modelling.random import numbered_keys, perturb

MICRO = 1e6
TWINS, STATES, MEMBERS = 1000, 5, 64
SIZE = f"{TWINS} twins ({STATES}, 1, {MEMBERS})"
SOME = 20
"""Of the twins, those that filterpy is asked to update at a time."""
LIMIT = 3.0
"""Microseconds a twin."""


def rows() -> Iterator[Row]:
    """All lines of this part of the table."""
    yield from updates()
    yield random_walk()


def updates() -> Iterator[Row]:
    """A fleet of small twins, each with one reading."""
    problem = small_twins(TWINS, STATES, MEMBERS)
    members, exact = (max(same(problem, t) for t in range(SOME)) for same in (same_members, same_moments))
    ensembles, filters = ([made(problem, t) for t in range(SOME)] for made in (ensemble_filter, kalman_filter))
    out = np.empty_like(problem.x)
    seconds = interleaved(
        [
            lambda: Etkf().update(problem, out),
            lambda: Enkf().update(problem, out),
            lambda: [peer.update(problem.observed[t]) for t, peer in enumerate(ensembles)],
            lambda: [peer.update(problem.observed[t]) for t, peer in enumerate(filters)],
        ],
        repeats=31,
    )
    etkf, enkf, ensemble, single = np.array(seconds) / [TWINS, TWINS, SOME, SOME] * MICRO
    yield Row(f"ETKF, {SIZE}", etkf, "limit", LIMIT, "us a twin", 1.0)
    yield Row(f"ETKF, {SIZE}", etkf, "filterpy EnKF", ensemble, "us a twin", 1 / 100)
    yield Row(f"EnKF, {SIZE}", enkf, "filterpy EnKF", ensemble, "us a twin", 1 / 100, members)
    yield Row(f"ETKF, {SIZE}", etkf, "filterpy Kalman filter", single, "us a twin", 1 / 10, exact)


def random_walk(twins: int = 1000, variables: int = 4, members: int = 64) -> Row:
    """Random numbers by counter and by sequence."""
    x = np.zeros((twins, members, variables))
    out, scale, keys = np.empty_like(x), np.ones(variables), numbered_keys(0, twins)
    generator = np.random.default_rng(0)
    ours, theirs = interleaved(
        [lambda: perturb(x, scale, keys, 0, out), lambda: generator.standard_normal(out=out)], repeats=31
    )
    name = f"random walk, {twins} twins ({variables}, {members})"
    return Row(name, ours / twins * MICRO, "NumPy's generator", theirs / twins * MICRO, "us a twin", 1.0)
