"""A large state against the bare product of matrices, many small twins against filterpy, random walks against NumPy."""

from collections.abc import Iterator

import numpy as np
from filterpy.kalman import EnsembleKalmanFilter

from tests.benchmarks.timing import Row, interleaved
from twin_runtime.assimilation import Enkf, Etkf, Occasion
from twin_runtime.modelling.random import perturb

MILLI, MICRO = 1e3, 1e6


def rows() -> Iterator[Row]:
    """All lines of this part of the table."""
    yield from large_state()
    yield many_twins()
    yield random_walk()


def large_state(states: int = 100_000, observations: int = 200, members: int = 64) -> Iterator[Row]:
    """One twin with a field for a state."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, members, states))
    seen = np.sort(rng.choice(states, observations, replace=False))
    predicted = np.ascontiguousarray(x[:, :, seen])
    observed, variance = rng.normal(size=(1, observations)), np.ones((1, observations))
    occasion, out, matrix = Occasion(0, np.zeros(1, np.int64), 0), np.empty_like(x), rng.normal(size=(members, members))
    product, etkf, enkf = interleaved(
        [
            lambda: np.matmul(matrix, x[0], out=out[0]),
            lambda: Etkf().update(x, predicted, observed, variance, occasion, out),
            lambda: Enkf().update(x, predicted, observed, variance, occasion, out),
        ],
        repeats=31,
    )
    size = f"({states:.0e}, {observations}, {members})".replace("e+0", "e")
    yield Row(f"ETKF update {size}", etkf * MILLI, "bare GEMM", product * MILLI, "ms", 1.3)
    yield Row(f"EnKF update {size}", enkf * MILLI, "bare GEMM", product * MILLI, "ms", 1.3)


def many_twins(twins: int = 1000, states: int = 5, members: int = 64) -> Row:
    """A fleet of small twins, each with one reading."""
    rng = np.random.default_rng(0)
    x, observed, variance = rng.normal(size=(twins, members, states)), rng.normal(size=(twins, 1)), np.ones((twins, 1))
    predicted, occasion, out = np.ascontiguousarray(x[:, :, :1]), Occasion(0, np.arange(twins), 0), np.empty_like(x)
    peer = EnsembleKalmanFilter(
        x=np.zeros(states), P=np.eye(states), dim_z=1, dt=1.0, N=members, hx=lambda s: s[:1], fx=lambda s, dt: s
    )
    peers = twins // 100
    ours, theirs = interleaved(
        [
            lambda: Etkf().update(x, predicted, observed, variance, occasion, out),
            lambda: [peer.update(observed[t]) for t in range(peers)],
        ],
        repeats=31,
    )
    name = f"ETKF update, {twins} twins ({states}, 1, {members})"
    return Row(name, ours / twins * MICRO, "filterpy EnKF", theirs / peers * MICRO, "us a twin", 0.01)


def random_walk(twins: int = 1000, variables: int = 4, members: int = 64) -> Row:
    """Random numbers by counter and by sequence."""
    x = np.zeros((twins, members, variables))
    out, scale, identities = np.empty_like(x), np.ones(variables), np.arange(twins)
    generator = np.random.default_rng(0)
    ours, theirs = interleaved(
        [lambda: perturb(x, scale, 0, identities, 0, out), lambda: generator.standard_normal(out=out)], repeats=31
    )
    name = f"random walk, {twins} twins ({variables}, {members})"
    return Row(name, ours / twins * MICRO, "NumPy's generator", theirs / twins * MICRO, "us a twin", 1.0)
