"""The checks: each a pure function of the evidence that gives a figure, judged by two thresholds.

The figure is compared with ``degraded`` and ``untrusted``; both, and the ``z`` that says how much is attributed to
chance, can be set under ``[trust.checks]``. A figure for which there is no evidence is NaN, and no complaint. Further
checks are found by entry point, see :mod:`twin_runtime.vvuq.found`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from twin_runtime.core import IntArray
from twin_runtime.vvuq.evidence import Evidence, chi_squared_band, highest_share, worst


@dataclass(frozen=True, slots=True)
class Check:
    """A named check: of the computation (verification), against the asset (validation), of the spread (uncertainty).

    ``figure(evidence)``, or ``figure(evidence, z)`` where the check has a ``z``, gives a number from
    :class:`twin_runtime.vvuq.evidence.Evidence`: the larger, the worse. It is compiled by Numba, so a plain function
    of numbers and arrays will do, and one that is compiled already.
    """

    name: str
    kind: Literal["verification", "validation", "uncertainty"]
    figure: Callable[..., float]
    degraded: float
    untrusted: float
    z: float | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """What can be set of it."""
        chance = {} if self.z is None else {"z": self.z}
        return {"degraded": self.degraded, "untrusted": self.untrusted, **chance}


def finite(evidence: Evidence) -> float:
    """1 where a state or a quantity is not a number, or infinite."""
    return 1.0 if math.isnan(evidence.spread) else 0.0


def conservation(evidence: Evidence) -> float:
    """Relative imbalance of what the model conserves."""
    return evidence.residual


def innovation(evidence: Evidence, z: float) -> float:
    """Innovations squared over what the twin expects, in units of what chance allows at ``z``."""
    return evidence.nis / chi_squared_band(evidence.degrees, z)


def coverage(evidence: Evidence, z: float) -> float:
    """Share of readings missing from their 90 % predictive intervals, beyond what chance allows at ``z``."""
    return 0.9 - z * math.sqrt(0.09 / evidence.compared) - evidence.covered


def overstated(evidence: Evidence, z: float) -> float:
    """What the twin expects of innovations squared over what they are, beyond what chance allows at ``z``."""
    return chi_squared_band(evidence.degrees, -z) / evidence.nis


def overcovered(evidence: Evidence, z: float) -> float:
    """How many times fewer readings than 10 % miss their 90 % intervals, beyond what chance allows at ``z``."""
    return 0.1 / highest_share(1.0 - evidence.covered, evidence.compared, z)


def bias(evidence: Evidence, z: float) -> float:
    """The largest mean innovation of a sensor, in its standard deviations, beyond what chance allows at ``z``."""
    return worst(np.abs(evidence.bias) - z / np.sqrt(evidence.counted))


def rejected(evidence: Evidence) -> float:
    """The largest share of a sensor's readings refused by the outlier gate."""
    return worst(evidence.refused)


def age(evidence: Evidence) -> float:
    """The oldest newest reading of a sensor, in units of what the sensor calls stale; infinite before the first."""
    return worst(evidence.age)


def collapse(evidence: Evidence) -> float:
    """How many times smaller than its prior's the spread of a variable has become: readings no longer correct it."""
    return 1.0 / evidence.spread


def jump(evidence: Evidence) -> float:
    """How often, in the window, a sensor differed from the twin until the gate opened: one of them has jumped."""
    return worst(evidence.reopened)


def frozen(evidence: Evidence) -> float:
    """How long a sensor has repeated the very same reading, in units of how long it may."""
    return worst(evidence.frozen)


def strayed(evidence: Evidence) -> float:
    """The furthest that a parameter is from what was thought possible, in standard deviations of prior and walk."""
    return evidence.strayed


def divergence(evidence: Evidence) -> float:
    """1 where the twin has diverged from its asset (see :mod:`twin_runtime.vvuq.divergence`)."""
    return 1.0 if evidence.diverged > 0.0 else 0.0


def replaced(evidence: Evidence) -> float:
    """Members that were lost and had to be replaced, in the window, as a share of all."""
    return evidence.replaced


def input_age(evidence: Evidence) -> float:
    """The oldest newest sample of an input, in units of what the input calls stale."""
    return evidence.input_age


CHECKS = (
    Check("finite", "verification", finite, 0.5, 0.5),
    Check("conservation", "verification", conservation, 1e-6, 1e-3),
    Check("innovation", "validation", innovation, 1.5, 4.0, z=3.0),
    Check("coverage", "validation", coverage, 0.1, 0.4, z=3.0),
    Check("bias", "validation", bias, 1.0, 2.0, z=3.0),
    Check("rejected", "validation", rejected, 0.2, 0.5),
    Check("age", "validation", age, 1.0, 10.0),
    Check("collapse", "uncertainty", collapse, 1e4, 1e8),
    Check("jump", "validation", jump, 0.9, 25.0),
    Check("frozen", "validation", frozen, 1.0, 3.0),
    Check("strayed", "validation", strayed, 4.0, 8.0),
    Check("divergence", "validation", divergence, 0.5, 0.5),
    Check("replaced", "verification", replaced, 1e-3, 0.1),
    Check("input_age", "validation", input_age, 1.0, 10.0),
    Check("overstated", "uncertainty", overstated, 4.0, 100.0, z=3.0),
    Check("overcovered", "uncertainty", overcovered, 4.0, math.inf, z=3.0),
)
"""The checks of the runtime itself."""


def names(checks: Sequence[Check]) -> tuple[str, ...]:
    """Their names, in the order of the bits of :attr:`twin_runtime.core.Record.reasons`."""
    return tuple(check.name for check in checks)


def complaining(checks: Sequence[Check], reasons: IntArray, name: str) -> npt.NDArray[np.bool_]:
    """For each twin, whether a check is among its reasons, one bit a check."""
    found: npt.NDArray[np.bool_] = (reasons >> names(checks).index(name) & 1).astype(np.bool_)
    return found
