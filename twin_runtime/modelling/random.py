"""Random numbers as a function of who asks for them, not of what was drawn before.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11) turns a counter
of 128 bits and a key of 64 into four words of 32. The key is a hash of the seed and the twin's name; the counter spells
out (tick, purpose, variable, member), so a number does not depend on batching, on the twin's row, on other twins, on
the order of the work or on a restart. Four consecutive variables share one call.

The logarithm, the sine and the cosine of the Box-Muller transform are written out as series: they give the same bits on
every machine, whatever its C library, and LLVM can vectorise them over members, which makes them six times as fast.
All but the loops at the end is scalar code, so that it can be called from other kernels.
"""

import math
from collections.abc import Sequence
from enum import IntEnum
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.core import FloatArray

Keys = npt.NDArray[np.uint64]
"""A key for each twin, ``[twin]``, see :func:`twin_keys`."""


class Purpose(IntEnum):
    """What a number is for: independent streams for the same tick, twin, member and variable."""

    PRIOR = 0
    WALK = 1
    OBSERVATION = 2
    ROTATION = 3
    RESAMPLING = 4
    JITTER = 5
    REPLACEMENT = 6
    WITHHOLDING = 7
    CARRYING = 8


MAX_MEMBERS = 1 << 32
MAX_VARIABLES = 1 << 34

Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]

_LOW, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_FRACTION, _ONE, _EXPONENT = np.uint64((1 << 52) - 1), np.uint64(0x3FF << 52), np.uint64(52)
_LOG2, _SQRT2 = 0.6931471805599453, 1.4142135623730951


def twin_keys(seed: int, names: Sequence[str]) -> Keys:
    """The keys of twins by their ``names``: 64 bits of BLAKE2b over the seed, taken modulo 2**64, and the name."""
    start = (seed & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little")
    digests = (blake2b(start + name.encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def numbered_keys(seed: int, count: int) -> Keys:
    """The keys of twins named by their numbers, for tests and experiments."""
    return twin_keys(seed, [str(number) for number in range(count)])


def normals(keys: Keys, tick: int, purpose: Purpose, members: int, count: int) -> FloatArray:
    """Standard normals ``z[twin, member, variable]``, shape (len(keys), members, count), for a tick below 2**47."""
    _check_size(members, count)
    z = np.zeros((len(keys), members, count))
    _add_normals(z, np.ones(count), keys, tick, int(purpose), z)
    return z


def perturb(x: FloatArray, scale: FloatArray, keys: Keys, tick: int, out: FloatArray) -> None:
    """A step of a random walk, ``out[t, i, j] = x[t, i, j] + scale[j] * normal``, in one pass that serves as the copy.

    Columns with scale 0 are copied as they are. ``out`` may be ``x``; ``keys`` and ``tick`` as in :func:`normals`.
    """
    _check_size(*x.shape[1:])
    _add_normals(x, scale, keys, tick, int(Purpose.WALK), out)


def _check_size(members: int, variables: int) -> None:
    if members > MAX_MEMBERS or variables > MAX_VARIABLES:
        given, limits = (members, variables), (MAX_MEMBERS, MAX_VARIABLES)
        raise ValueError(f"{given} members and variables; random numbers last for {limits}")


# LLVM vectorises the loop over members only if all calls are inlined and no division is checked for zero.


@njit(cache=True, forceinline=True)
def philox(c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, key: np.uint64) -> Words:
    """Philox4x32-10: four random words from a counter of four words (32 bits, held in 64 each) and a key of 64 bits."""
    k0, k1 = key & _LOW, key >> _WORD
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _WORD) ^ c1 ^ k0, p1 & _LOW, (p0 >> _WORD) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, forceinline=True)
def counter(tick: int, purpose: int, group: int, member: int) -> Words:
    """The counter as four words, injective: tick 48 bits, purpose 8, group of four variables 32, member 32."""
    t = np.uint64(tick)
    c1 = ((t >> _WORD) & np.uint64(0xFFFF)) | np.uint64(purpose) << np.uint64(16)
    return t & _LOW, c1, np.uint64(group) & _LOW, np.uint64(member) & _LOW


@njit(cache=True, forceinline=True, error_model="numpy")
def box_muller(a: np.uint64, b: np.uint64) -> tuple[float, float]:
    """Two standard normals from two 32-bit words (Box & Muller 1958)."""
    u = np.float64(np.int64(a)) + 0.5  # 2**32 times a number in (0, 1)
    bits = np.float64(u).view(np.uint64)
    exponent = np.float64(np.int64(bits >> _EXPONENT)) - 1023.0
    fraction = np.uint64(bits & _FRACTION | _ONE).view(np.float64)
    s = (fraction - _SQRT2) / (fraction + _SQRT2)
    radius = math.sqrt(2.0 * ((31.5 - exponent) * _LOG2 - 2.0 * _arctanh(s)))

    # The two highest bits choose the quadrant, the others an angle in it, within 45 degrees of its axis.
    angle = (np.float64(np.int64(b & np.uint64(0x3FFFFFFF))) * 2.0**-30 - 0.5) * (math.pi / 2)
    sine, cosine = _sine(angle), _cosine(angle)
    quadrant = b >> np.uint64(30)
    odd = quadrant & np.uint64(1) == np.uint64(1)
    signed = -radius if quadrant >= np.uint64(2) else radius
    return signed * (-sine if odd else cosine), signed * (cosine if odd else sine)


@njit(cache=True, forceinline=True)
def _arctanh(s: float) -> float:
    """Series of arctanh, exact to rounding for ``|s| < 0.172``."""
    q = s * s
    high = 1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q / 21)))
    return s * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * high))))))


@njit(cache=True, forceinline=True)
def _sine(angle: float) -> float:
    """Taylor series of the sine, exact to rounding up to 45 degrees."""
    q = angle * angle
    high = 1 / 362880 + q * (-1 / 39916800 + q * (1 / 6227020800 + q * (-1 / 1307674368000 + q / 355687428096000)))
    return angle * (1 + q * (-1 / 6 + q * (1 / 120 + q * (-1 / 5040 + q * high))))


@njit(cache=True, forceinline=True)
def _cosine(angle: float) -> float:
    """Taylor series of the cosine, exact to rounding up to 45 degrees."""
    q = angle * angle
    high = 1 / 40320 + q * (-1 / 3628800 + q * (1 / 479001600 + q * (-1 / 87178291200 + q / 20922789888000)))
    return 1 + q * (-1 / 2 + q * (1 / 24 + q * (-1 / 720 + q * high)))


@njit(cache=True, forceinline=True)
def normal4(key: np.uint64, tick: int, purpose: int, group: int, member: int) -> tuple[float, float, float, float]:
    """Standard normals for the variables ``4 * group`` to ``4 * group + 3``."""
    c0, c1, c2, c3 = counter(tick, purpose, group, member)
    a, b, c, d = philox(c0, c1, c2, c3, key)
    z0, z1 = box_muller(a, b)
    z2, z3 = box_muller(c, d)
    return z0, z1, z2, z3


@njit(cache=True)
def fill_normals(key: np.uint64, tick: int, purpose: int, group: int, z: FloatArray) -> None:
    """:func:`normal4` for all members: ``z[variable, member]``, shape (4, N)."""
    for i in range(z.shape[1]):
        z[0, i], z[1, i], z[2, i], z[3, i] = normal4(key, tick, purpose, group, i)


@njit(cache=True)
def _add_normals(x: FloatArray, scale: FloatArray, keys: Keys, tick: int, purpose: int, out: FloatArray) -> None:
    members, variables = x.shape[1:]
    z = np.empty((4, members))
    for t in range(len(keys)):
        out[t] = x[t]
        for first in range(0, variables, 4):
            sd = scale[first : first + 4]
            if np.any(sd != 0.0):
                fill_normals(keys[t], tick, purpose, first // 4, z)
                _add_columns(out[t, :, first : first + 4], sd, z)


@njit(cache=True)
def _add_columns(x: FloatArray, sd: FloatArray, z: FloatArray) -> None:
    for j in range(len(sd)):
        if sd[j] != 0.0:
            for i in range(len(x)):
                x[i, j] += sd[j] * z[j, i]
