"""Our analyses against those of filterpy, and against those of DAPPER and ES-MDA, which ``make peers`` installs."""

from collections.abc import Iterator

import pytest

from tests.benchmarks.peers.agreement import ROTATED, SAME, members, moments, ring
from tests.benchmarks.peers.filters import same_members, same_moments, small_twins
from tests.benchmarks.peers.process import REMEDY, Peers, are_installed, started
from twin_runtime.assimilation import Etkf
from twin_runtime.assimilation.conformance import random_problem

pytestmark = pytest.mark.slow

SIZES = [(8, 3, 1), (16, 40, 5), (10, 4, 16), (40, 40, 40), (32, 1000, 100)]
"""Members, states and observations."""


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    if not are_installed():
        pytest.skip(REMEDY)
    with started() as process:
        yield process


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("peer", SAME)
def test_a_peer_gives_the_same_members(peers: Peers, peer: str, size: tuple[int, int, int]) -> None:
    problem = random_problem(30, 1, *size)
    peers.pose(f"members {size}", problem)
    members(peers, peer, SAME[peer], problem, f"members {size}")


@pytest.mark.parametrize("size", SIZES)
def test_random_rotations_leave_the_same_means_and_variances(peers: Peers, size: tuple[int, int, int]) -> None:
    problem = random_problem(31, 1, *size)
    peers.pose(f"moments {size}", problem)
    moments(peers, ROTATED, Etkf(rotate=True), problem, f"moments {size}")


@pytest.mark.parametrize(("spacing", "half_width"), [(10, 10.0), (1, 3.0), (2, 30.0)])
def test_dappers_letkf_gives_the_same_members(peers: Peers, spacing: int, half_width: float) -> None:
    """Few observations at every place, some, and more than there are members."""
    problem, method = ring(states=200, spacing=spacing, members=16, half_width=half_width)
    name = f"ring {spacing} {half_width}"
    peers.pose(name, problem, method.localisation)
    members(peers, "DAPPER LETKF", method, problem, name)


@pytest.mark.parametrize("size", [(1, 3), (2, 10), (5, 64)])
def test_filterpy_gives_the_same_small_twins(size: tuple[int, int]) -> None:
    problem = small_twins(10, *size)
    for twin in range(10):
        same_members(problem, twin)
        same_moments(problem, twin)
