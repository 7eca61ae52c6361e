"""The checks: each a pure function of the evidence that gives a figure, judged against two thresholds.

A check is a row of :data:`CHECKS` and a line of :func:`judge`. Its figure is compared with ``degraded`` and
``untrusted``; both, and the ``z`` that says how much is put down to chance, can be set under ``[trust.checks]``. A
figure for which there is no evidence is NaN, and no complaint.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.vvuq.evidence import Evidence, chi_squared_band, gather, worst
from twin_runtime.vvuq.memory import Slot

TRUST, BETTER, WORSE = int(Slot.TRUST), int(Slot.BETTER), int(Slot.WORSE)
SUM_TRUSTED = int(Slot.SUM_TRUSTED)


@dataclass(frozen=True, slots=True)
class Check:
    """A named check: of the computation (verification), against the asset (validation), of the spread (uncertainty)."""

    name: str
    kind: str
    degraded: float
    untrusted: float
    z: float | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """What can be set of it."""
        chance = {} if self.z is None else {"z": self.z}
        return {"degraded": self.degraded, "untrusted": self.untrusted, **chance}


CHECKS = (
    Check("finite", "verification", 0.5, 0.5),
    Check("conservation", "verification", 1e-6, 1e-3),
    Check("innovation", "validation", 1.5, 4.0, z=3.0),
    Check("coverage", "validation", 0.1, 0.4, z=3.0),
    Check("bias", "validation", 1.0, 2.0, z=3.0),
    Check("rejected", "validation", 0.2, 0.5),
    Check("age", "validation", 1.0, 10.0),
    Check("collapse", "uncertainty", 1e4, 1e8),
    Check("jump", "validation", 0.9, 25.0),
    Check("frozen", "validation", 1.0, 3.0),
    Check("strayed", "validation", 4.0, 8.0),
    Check("divergence", "validation", 0.5, 0.5),
)
"""All checks, in the order of the bits of :attr:`twin_runtime.core.Record.reasons`."""

NAMES = tuple(check.name for check in CHECKS)


@njit(cache=True, error_model="numpy")
def finite(evidence: Evidence) -> float:
    """1 where a state is not a number, or infinite."""
    return 1.0 if math.isnan(evidence.spread) else 0.0


@njit(cache=True, error_model="numpy")
def conservation(evidence: Evidence) -> float:
    """Relative imbalance of what the model conserves."""
    return evidence.residual


@njit(cache=True, error_model="numpy")
def innovation(evidence: Evidence, z: float) -> float:
    """Innovations beside what the twin says of them, over what chance allows at ``z``."""
    return evidence.nis / chi_squared_band(evidence.degrees, z)


@njit(cache=True, error_model="numpy")
def coverage(evidence: Evidence, z: float) -> float:
    """Share of readings missing from their 90 % predictive intervals, beyond what chance allows at ``z``."""
    return 0.9 - z * math.sqrt(0.09 / evidence.compared) - evidence.covered


@njit(cache=True, error_model="numpy")
def bias(evidence: Evidence, z: float) -> float:
    """The largest mean innovation of a sensor, in its standard deviations, beyond what chance allows at ``z``."""
    return worst(np.abs(evidence.bias) - z / np.sqrt(evidence.counted))


@njit(cache=True, error_model="numpy")
def rejected(evidence: Evidence) -> float:
    """The largest share of a sensor's readings refused by the outlier gate."""
    return worst(evidence.refused)


@njit(cache=True, error_model="numpy")
def age(evidence: Evidence) -> float:
    """The oldest newest reading of a sensor, in units of what the sensor calls stale; infinite before the first."""
    return worst(evidence.age)


@njit(cache=True, error_model="numpy")
def collapse(evidence: Evidence) -> float:
    """How many times smaller than its prior's the spread of a variable has become: it learns nothing any more."""
    return 1.0 / evidence.spread


@njit(cache=True, error_model="numpy")
def jump(evidence: Evidence) -> float:
    """How often, in the window, a sensor would not return to where the twin expected it: one of them has jumped."""
    return worst(evidence.reopened)


@njit(cache=True, error_model="numpy")
def frozen(evidence: Evidence) -> float:
    """How long a sensor has repeated the very same reading, in units of how long it may."""
    return worst(evidence.frozen)


@njit(cache=True, error_model="numpy")
def strayed(evidence: Evidence) -> float:
    """The furthest that a parameter is from what was thought possible, in standard deviations of prior and walk."""
    return evidence.strayed


@njit(cache=True, error_model="numpy")
def divergence(evidence: Evidence) -> float:
    """1 where the twin has lost its asset (see :mod:`twin_runtime.vvuq.divergence`)."""
    return 1.0 if evidence.diverged > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def judge(
    thresholds: FloatArray,
    hysteresis: IntArray,
    memory: FloatArray,
    by_sensor: FloatArray,
    tick: int,
    patience: FloatArray,
    spread: FloatArray,
    strayed_by: FloatArray,
    residual: FloatArray,
) -> tuple[IntArray, IntArray]:
    """Trust and reasons (one bit a check) of every twin after a tick; ``memory`` keeps the trust, in place.

    ``thresholds[check]`` holds degraded, untrusted, z; ``hysteresis`` is (worse, better): trust falls to what the
    checks say after ``worse`` ticks in a row that are worse than it, and rises one step after ``better`` ticks in a row
    that are better.
    """
    twins = memory.shape[0]
    trust, reasons = np.zeros(twins, np.int64), np.zeros(twins, np.int64)
    z = thresholds[:, 2]
    for i in range(twins):
        evidence = gather(memory[i], by_sensor[i], tick, patience, spread[i], strayed_by[i], residual[i])
        figures = (
            finite(evidence),
            conservation(evidence),
            innovation(evidence, z[2]),
            coverage(evidence, z[3]),
            bias(evidence, z[4]),
            rejected(evidence),
            age(evidence),
            collapse(evidence),
            jump(evidence),
            frozen(evidence),
            strayed(evidence),
            divergence(evidence),
        )
        worst_level = 0
        for place, figure in enumerate(figures):
            level = int(figure > thresholds[place, 0]) + int(figure > thresholds[place, 1])
            reasons[i] |= int(level > 0) << place
            worst_level = max(worst_level, level)
        trust[i] = _settle(memory[i], worst_level, hysteresis[0], hysteresis[1])
    return trust, reasons


@njit(cache=True, error_model="numpy")
def _settle(memory: FloatArray, level: int, worse: int, better: int) -> int:
    """The trust state machine of one twin: worse as soon as it lasts, better only after a while."""
    trust = int(memory[TRUST])
    memory[WORSE] = memory[WORSE] + 1.0 if level > trust else 0.0
    memory[BETTER] = memory[BETTER] + 1.0 if level < trust else 0.0
    if level > trust and memory[WORSE] >= worse:
        trust, memory[WORSE] = level, 0.0
    elif level < trust and memory[BETTER] >= better:
        trust, memory[BETTER] = trust - 1, 0.0
    memory[TRUST] = trust
    memory[SUM_TRUSTED + trust] += 1.0
    return trust


def configured(settings: Mapping[str, Mapping[str, float]]) -> tuple[Check, ...]:
    """The checks with some thresholds replaced."""
    return tuple(Check(c.name, c.kind, **{**c.thresholds, **settings.get(c.name, {})}) for c in CHECKS)


def thresholds(checks: tuple[Check, ...]) -> FloatArray:
    """The thresholds of the checks as :func:`judge` takes them."""
    return np.array([(check.degraded, check.untrusted, check.z or 0.0) for check in checks])


def reasons(bits: int) -> tuple[str, ...]:
    """The names of the checks whose bits are set."""
    return tuple(name for place, name in enumerate(NAMES) if bits >> place & 1)


def complaining(reasons: IntArray, check: str) -> npt.NDArray[np.bool_]:
    """For each twin, whether a check is among its reasons, one bit a check."""
    found: npt.NDArray[np.bool_] = (reasons >> NAMES.index(check) & 1).astype(np.bool_)
    return found
