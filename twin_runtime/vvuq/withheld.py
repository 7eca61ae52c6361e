"""Withholding: readings that are judged, and not used, say whether a twin knows what it infers.

A sensor is withheld from a twin for a stretch of ticks. Which, and when, is a function of the twin's key and of the
stretch, so that a replay withholds the same.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import Keys, Purpose, counter, philox
from twin_runtime.vvuq.evidence import chi_squared_band, highest_share, lowest_share
from twin_runtime.vvuq.memory import SensorMemory, TwinMemory
from twin_runtime.vvuq.scores import QUANTILE_50, QUANTILE_90, Innovation, normal_crps

BoolArray = npt.NDArray[np.bool_]

CONTRADICTS, UNDECIDED, SUPPORTS = -1, 0, 1
"""What readings that were withheld say of a twin that predicts them."""

Outcome = Literal["contradicts", "undecided", "supports"]
OUTCOMES: Mapping[int, Outcome] = {CONTRADICTS: "contradicts", UNDECIDED: "undecided", SUPPORTS: "supports"}

COVERED, SUPPORT_Z = 0.7, 1.645
"""Support: true coverage of the 90 % intervals is at least so much; said of less in 5 % of all cases."""

MISSED, NARROW, CONTRADICTION_Z = 0.8, 2.0, 3.0
"""Contradiction: coverage below 80 %, or squares twice what is expected; said of a right twin in 0.14 % of all cases.

For each of the two, so in 0.27 % at the most.
"""

WIDE = 0.25
"""Predictions whose squared errors are less than this share of what they expect support nothing: they claim nothing."""

FARTHEST = 5.0
"""No reading, and no stretch, counts as further off than so many standard deviations."""

STRETCHES = 40.0
"""About so many stretches of withholding are remembered."""

_PURPOSE = int(Purpose.WITHHOLDING)


class Withholding(NamedTuple):
    """In a ``share`` of the stretches of so many ``ticks``, one sensor of a twin is withheld.

    Those that are ``always`` withheld come besides, each of a twin once its ``first`` readings were used.
    """

    share: float = 0.0
    ticks: int = 1
    always: tuple[int, ...] = ()
    first: int = 0

    @property
    def happens(self) -> bool:
        """Whether anything is ever withheld."""
        return bool(self.share or self.always)

    def of(self, keys: Keys, number: int, fresh: BoolArray, used: FloatArray | None = None) -> "Withheld":
        """What is withheld in a tick; ``fresh[twin, sensor]``: sensors that speak; ``used``: readings so far."""
        sensors, always = np.zeros(fresh.shape, np.bool_), list(self.always)
        sensors[:, always] = True if used is None else used[:, always] >= self.first
        stretch = number // self.ticks
        if self.share:
            _draw(keys, stretch, self.share, fresh, sensors)
        return Withheld(sensors, stretch)


class Withheld(NamedTuple):
    """Which ``sensors[twin, sensor]`` are withheld in a tick of a ``stretch``."""

    sensors: BoolArray
    stretch: int


@njit(cache=True)
def _draw(keys: Keys, stretch: int, share: float, fresh: BoolArray, withheld: BoolArray) -> None:
    """Draw the sensor of each twin that is withheld, if any: never the only one that speaks."""
    for i in range(len(keys)):
        c0, c1, c2, c3 = counter(stretch, _PURPOSE, 0, 0)
        a, b, _, _ = philox(c0, c1, c2, c3, keys[i])
        s = np.int64(b) % fresh.shape[1]
        others = fresh[i].sum() - fresh[i, s]
        if np.float64(np.int64(a)) < share * 4294967296.0 and others > 0:
            withheld[i, s] = True


@njit(cache=True, error_model="numpy")
def score_withheld(innovation: Innovation, stretch: int, memory: TwinMemory, sensor: SensorMemory) -> None:
    """Add one reading that was withheld to the sums of its sensor; one that is frozen says nothing."""
    memory.sum_withheld += 1.0
    if innovation.frozen:
        return
    score, sd, noise = innovation.score, innovation.sd, innovation.noise
    if not (math.isfinite(score) and math.isfinite(sd * sd)):
        score, sd = FARTHEST, math.sqrt(noise)
    sensor.sum_held += 1.0
    sensor.sum_held_score += max(-FARTHEST, min(FARTHEST, score))
    sensor.sum_held_square += score * score
    sensor.sum_held_crps += normal_crps(score * sd, sd)
    sensor.sum_held_covered_50 += 1.0 if abs(score) <= QUANTILE_50 else 0.0
    sensor.sum_held_covered_90 += 1.0 if abs(score) <= QUANTILE_90 else 0.0
    if stretch != sensor.held_stretch:
        _judge_stretch(sensor)
        sensor.held_stretch, sensor.stretch_count = stretch, 0.0
        sensor.stretch_error = sensor.stretch_variance = sensor.stretch_noise = 0.0
    sensor.stretch_count += 1.0
    sensor.stretch_error += score * sd
    sensor.stretch_variance += max(0.0, sd * sd - noise)
    sensor.stretch_noise += noise


@njit(cache=True, error_model="numpy")
def _judge_stretch(sensor: SensorMemory) -> None:
    """Add the mean innovation of the stretch before, as one: forecasts of a stretch err alike, its noise averages."""
    count = sensor.stretch_count
    if count <= 0.0:
        return
    variance, noise = sensor.stretch_variance / count, sensor.stretch_noise / count**2
    score = sensor.stretch_error / count / math.sqrt(variance + noise)
    fading = 1.0 - 1.0 / STRETCHES
    sensor.window_held = fading * sensor.window_held + 1.0
    sensor.window_held_square = fading * sensor.window_held_square + min(score * score, FARTHEST**2)
    covered = 1.0 if abs(score) <= QUANTILE_90 else 0.0
    sensor.window_held_covered = fading * sensor.window_held_covered + covered


@njit(cache=True, error_model="numpy")
def signal(sensor: SensorMemory) -> float:
    """The forecast's share of the variance of the mean innovation of the newest stretch."""
    noise = sensor.stretch_noise / sensor.stretch_count
    return sensor.stretch_variance / (sensor.stretch_variance + noise) if sensor.stretch_count > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def outcome_of(sensor: SensorMemory) -> int:
    """What a sensor says that was withheld now and then; each stretch counts as one independent reading."""
    held = sensor.window_held
    if held <= 0.0:
        return UNDECIDED
    return outcome(sensor.window_held_square / held, sensor.window_held_covered / held, held)


@njit(cache=True, error_model="numpy")
def outcome(square: float, covered: float, count: float) -> int:
    """What the mean normalised ``square`` and the share ``covered`` of so many independent readings say."""
    too_many = highest_share(covered, count, CONTRADICTION_Z) < MISSED
    if too_many or square > NARROW * chi_squared_band(count, CONTRADICTION_Z):
        return CONTRADICTS
    return SUPPORTS if square >= WIDE and lowest_share(covered, count, SUPPORT_Z) >= COVERED else UNDECIDED
