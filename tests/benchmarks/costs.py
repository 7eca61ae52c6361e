"""What an update costs as it grows: CPU time over twins, members, states and observations, and its exponents."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from rich.table import Table

from tests.benchmarks.peers.agreement import ring
from tests.benchmarks.timing import interleaved
from twin_runtime.assimilation import Denkf, Enkf, EnkfN, Ensrf, Etkf, ParticleFilter
from twin_runtime.assimilation.protocol import AnalysisInput, Assimilator
from twin_runtime.modelling.random import numbered_keys

MICRO = 1e6
FACTORS = (1, 2, 4, 8)
"""By which each size is multiplied in turn, the others staying as they are."""


class Size(NamedTuple):
    """How large a problem is."""

    twins: int
    members: int
    states: int
    observations: int


Update = Callable[[], object]
Make = Callable[[Size], Update]
"""Sets up the update of a problem of some size."""


def whole(method: Assimilator) -> Make:
    """The update by a method that does not localise."""

    def make(size: Size) -> Update:
        rng = np.random.default_rng(0)
        x = rng.normal(size=size[:3])
        seen = np.arange(size.observations) * size.states // size.observations
        observed, variance = rng.normal(size=(size.twins, size.observations)), np.ones((size.twins, size.observations))
        problem = AnalysisInput(
            x, np.ascontiguousarray(x[:, :, seen]), observed, variance, numbered_keys(0, size.twins), 0
        )
        return partial(method.update, problem, np.empty_like(x))

    return make


def local(size: Size) -> Update:
    """The update by the LETKF of states on a ring; ``size.observations`` are those that count for each of them."""
    reach = 10.0
    problem, method = ring(size.states, round(4 * reach) // size.observations, size.members, reach, size.twins)
    return partial(method.update, problem, np.empty_like(problem.x))


SMALL, LARGE, RING = Size(1000, 64, 5, 1), Size(1, 32, 20_000, 100), Size(1, 32, 1600, 5)

COSTS: Sequence[tuple[str, Make, Size]] = (
    ("ETKF", whole(Etkf()), SMALL),
    ("stochastic EnKF", whole(Enkf()), SMALL),
    ("serial EnSRF", whole(Ensrf()), SMALL),
    ("particle filter", whole(ParticleFilter()), SMALL),
    ("ETKF", whole(Etkf()), LARGE),
    ("stochastic EnKF", whole(Enkf()), LARGE),
    ("DEnKF", whole(Denkf()), LARGE),
    ("serial EnSRF", whole(Ensrf()), LARGE),
    ("EnKF-N", whole(EnkfN()), LARGE),
    ("LETKF, observations near a state", local, RING),
)


def table() -> Table:
    """A line for every method: its cost at one size, and the power of each size with which it grows."""
    lines = Table(title=f"Cost of an update, and its exponents for sizes up to {FACTORS[-1]} times as large")
    for heading in ("", "twins", "members", "states", "observations", "a twin"):
        lines.add_column(heading, justify="left" if heading == "" else "right")
    for name, make, size in COSTS:
        seconds = [measured(make, size, axis) for axis in range(len(size))]
        cells = (f"{number}: {exponent(times):+.2f}" for number, times in zip(size, seconds, strict=True))
        lines.add_row(name, *cells, f"{seconds[0][0] / size.twins * MICRO:.3g} us")
    return lines


def measured(make: Make, size: Size, axis: int) -> list[float]:
    """Seconds of an update where one of the sizes is multiplied by each of the factors."""
    sizes = [size._replace(**{size._fields[axis]: size[axis] * factor}) for factor in FACTORS]
    return interleaved([make(grown) for grown in sizes], repeats=7)


def exponent(seconds: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms, by least squares."""
    slope, _ = np.polyfit(np.log(FACTORS), np.log(seconds), 1)
    return float(slope)
