"""Random numbers that depend on who asks, and on nothing else."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import (
    MAX_MEMBERS,
    MAX_VARIABLES,
    Purpose,
    box_muller,
    counter,
    normal4,
    normals,
    numbered_keys,
    perturb,
    philox,
    twin_keys,
)

WORD = 0xFFFFFFFF

KNOWN_ANSWERS = [  # from the Random123 library, kat_vectors: counter, key, result
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[np.uint64]:
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("count", "key", "result"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(count: str, key: str, result: str) -> None:
    c0, c1, c2, c3 = words(count)
    low, high = words(key)
    assert list(philox(c0, c1, c2, c3, low | high << np.uint64(32))) == words(result)


places = st.tuples(
    st.integers(-(2**47), 2**47 - 1),  # tick
    st.integers(0, 255),  # purpose
    st.integers(0, 2**32 - 1),  # group of four variables
    st.integers(0, 2**32 - 1),  # member
)


@given(places)
def test_no_two_uses_share_a_counter(place: tuple[int, int, int, int]) -> None:
    """The counter can be read back, so it is different for every tick, purpose, group and member."""
    c0, c1, c2, c3 = (int(word) for word in counter(*place))
    assert max(c0, c1, c2, c3) <= WORD
    tick = c0 | (c1 & 0xFFFF) << 32
    signed = tick - 2**48 if tick >= 2**47 else tick
    assert (signed, c1 >> 16, c2, c3) == place


@given(st.integers(0, WORD), st.integers(0, WORD))
def test_the_series_are_those_of_the_library(a: int, b: int) -> None:
    """Box and Muller's formula by the C library: the radius from the first word, the angle from the second."""
    z0, z1 = box_muller(np.uint64(a), np.uint64(b))
    radius = math.sqrt(-2.0 * math.log((a + 0.5) / 2**32))
    angle = (b / 2**32 - 0.125) * 2.0 * math.pi
    assert z0 == pytest.approx(radius * math.cos(angle), abs=1e-10)
    assert z1 == pytest.approx(radius * math.sin(angle), abs=1e-10)


@given(
    st.integers(0, 2**64 - 1),
    st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True),
    st.integers(0, 2**41),
    st.integers(1, 20),
    st.integers(1, 9),
    st.data(),
)
def test_numbers_do_not_depend_on_the_batch(
    seed: int, twins: list[str], tick: int, members: int, count: int, data: st.DataObject
) -> None:
    keys = twin_keys(seed, twins)
    every = normals(keys, tick, Purpose.WALK, members, count)
    some = data.draw(st.lists(st.integers(0, len(twins) - 1), min_size=1))
    again = normals(twin_keys(seed, [twins[k] for k in some]), tick, Purpose.WALK, members + 3, count + 2)
    assert again[:, :members, :count].tobytes() == every[some].tobytes()
    one = normal4(keys[0], tick, int(Purpose.WALK), (count - 1) // 4, members - 1)
    assert one[(count - 1) % 4] == every[0, members - 1, count - 1]


def test_the_bits_are_the_same_on_every_machine() -> None:
    z = normals(twin_keys(2024, ["patient-1", "pipe", "Zwölf"]), 43_000_000_000, Purpose.WALK, 64, 10)
    assert hashlib.sha256(z.astype("<f8").tobytes()).hexdigest()[:16] == "c502cd3a3ab012a5"


def test_every_part_of_the_place_matters() -> None:
    key = twin_keys(1, ["pump"])
    drawn = [
        normals(key, 5, Purpose.WALK, 2, 5),
        normals(twin_keys(2, ["pump"]), 5, Purpose.WALK, 2, 5),
        normals(twin_keys(1 + 2**32, ["pump"]), 5, Purpose.WALK, 2, 5),
        normals(twin_keys(1, ["pump 2"]), 5, Purpose.WALK, 2, 5),
        normals(key, 6, Purpose.WALK, 2, 5),
        normals(key, 5 + 2**32, Purpose.WALK, 2, 5),
        normals(key, 5, Purpose.PRIOR, 2, 5),
    ]
    assert len(np.unique(drawn)) == len(drawn) * 10


def cumulative(z: FloatArray) -> FloatArray:
    """The standard normal distribution function."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z])


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_numbers_are_standard_normals(purpose: Purpose) -> None:
    """Moments within five standard errors, and Kolmogorov and Smirnov's test at a level of 1e-6; the seed is fixed."""
    z = normals(numbered_keys(11, 50), 3, purpose, 100, 20)
    count = z.size
    for power, moment, error in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10170.0)):
        assert abs((z**power).mean() - moment) < 5.0 * math.sqrt(error / count)
    uniform = cumulative(np.sort(z.ravel()))
    distance = np.abs(uniform - (np.arange(count) + 0.5) / count).max()
    assert distance * math.sqrt(count) < math.sqrt(-math.log(1e-6 / 2.0) / 2.0)


def test_neighbours_are_uncorrelated() -> None:
    """Along twins, members, variables, ticks and purposes: correlations of 20 000 pairs within five standard errors."""
    z = np.array(
        [[normals(numbered_keys(12, 5), tick, p, 40, 100) for tick in (0, 1)] for p in (Purpose.WALK, Purpose.PRIOR)]
    )
    for axis in range(z.ndim):
        first = np.take(z, range(z.shape[axis] - 1), axis).ravel()
        second = np.take(z, range(1, z.shape[axis]), axis).ravel()
        assert abs((first * second).mean()) < 5.0 / math.sqrt(first.size)


def test_a_walk_adds_scaled_normals_and_copies_the_rest() -> None:
    x = np.random.default_rng(13).normal(size=(3, 10, 11))
    x[0, 0, 0], x[1, 1, 3], x[2, 2, 5] = -0.0, np.inf, np.nan
    scale = np.zeros(11)
    scale[[1, 9]] = 0.5, 2.0
    keys, out = numbered_keys(16, 3), np.empty_like(x)
    perturb(x, scale, keys, 23, out)
    still = scale == 0.0
    assert out[:, :, still].tobytes() == x[:, :, still].tobytes()
    steps = scale * normals(keys, 23, Purpose.WALK, 10, 11)
    assert out[:, :, ~still].tobytes() == (x + steps)[:, :, ~still].tobytes()
    perturb(x, scale, keys, 23, x)
    assert x.tobytes() == out.tobytes()


def test_there_are_numbers_for_more_members_and_variables_than_fit_in_memory() -> None:
    key = numbered_keys(0, 1)
    assert normals(key, 0, Purpose.PRIOR, 1, 1 << 22).size == 1 << 22
    with pytest.raises(ValueError, match="random numbers last"):
        normals(key, 0, Purpose.PRIOR, 1, MAX_VARIABLES + 1)
    with pytest.raises(ValueError, match="random numbers last"):
        normals(key, 0, Purpose.PRIOR, MAX_MEMBERS + 1, 1)


NAMES = [f"patient-{number}" for number in range(1, 21)]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_twin_alone_and_among_nineteen_others_gets_the_same_numbers(purpose: Purpose) -> None:
    among = normals(twin_keys(5, NAMES), 9, purpose, 6, 7)
    for row, name in enumerate(NAMES):
        assert normals(twin_keys(5, [name]), 9, purpose, 6, 7)[0].tobytes() == among[row].tobytes()
    moved = normals(twin_keys(5, NAMES[::-1]), 9, purpose, 6, 7)
    assert moved[::-1].tobytes() == among.tobytes()


@pytest.mark.parametrize("purpose", list(Purpose))
def test_another_name_or_another_seed_changes_every_number(purpose: Purpose) -> None:
    drawn = [normals(twin_keys(seed, NAMES), 9, purpose, 6, 7) for seed in (0, 1, 2**63)]
    assert len(np.unique(drawn)) == 3 * len(NAMES) * 6 * 7


def test_a_key_is_a_published_hash_of_the_seed_and_the_name() -> None:
    digest = hashlib.blake2b(b"\x07\0\0\0\0\0\0\0pump", digest_size=8).digest()
    assert twin_keys(7, ["pump"]).tolist() == [int.from_bytes(digest, "little")]
    assert twin_keys(7 + 2**64, ["pump"]).tolist() == twin_keys(7, ["pump"]).tolist()
