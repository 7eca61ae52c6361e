"""Whether the steps of a model are short enough for its fastest time constant, by the eigenvalues of its Jacobian.

The classical Runge-Kutta method multiplies a mode of rate l by R(z) = 1 + z + z^2/2 + z^3/6 + z^4/24 in a step h, with
z = h l (Hairer & Wanner 1996, Solving Ordinary Differential Equations II, section IV.2). A mode that settles in truth
must not grow by it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.evaluation import Formula, Sample, evaluate

SHIFT = 1e-6
"""By which share of its size a state is shifted to see what its rate does."""
ROUNDING = 1e-3
"""By how much a mode may grow in a step for the error of a derivative, or for an oscillation that is not damped."""


class Mode(NamedTuple):
    """A mode that a step lets grow though it settles: its rate in 1/s, and the state that takes most part in it."""

    rate: float
    state: str


def growing(rate: Formula, samples: Sequence[Sample], scales: Sequence[float], step: float) -> list[Mode]:
    """For each sample whose fastest mode grows by the step, that mode; ``scales`` are the sizes of the states."""
    size = np.array(scales)
    modes = [_fastest(rate, jacobian(rate, sample, size), size, step) for sample in samples]
    return [mode for mode in modes if mode is not None]


def jacobian(rate: Formula, sample: Sample, size: FloatArray) -> FloatArray:
    """The derivatives of the rates by the states, ``[rate, state]``, by central differences."""
    columns = []
    for name, scale in zip(rate.results, size, strict=True):
        shift = SHIFT * max(abs(sample[name]), float(scale))
        ahead, behind = (evaluate(rate, {**sample, name: sample[name] + by}).results for by in (shift, -shift))
        columns.append(np.subtract(ahead, behind) / (2.0 * shift) if ahead and behind else np.full(size.size, np.nan))
    return np.array(columns).T


def _fastest(rate: Formula, derivatives: FloatArray, size: FloatArray, step: float) -> Mode | None:
    if not np.isfinite(derivatives).all():
        return None
    rates, modes = np.linalg.eig(derivatives * size / size[:, None])
    z = step * rates
    growth = np.abs(1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0))))
    wrong = np.flatnonzero((rates.real <= SHIFT * np.abs(rates)) & (growth > 1.0 + ROUNDING))
    if wrong.size == 0:
        return None
    worst = wrong[np.abs(rates[wrong]).argmax()]
    return Mode(float(np.abs(rates[worst])), rate.results[int(np.abs(modes[:, worst]).argmax())])


def rounded_down(value: float) -> float:
    """A number with one digit, not above a value."""
    unit = 10.0 ** math.floor(math.log10(value))
    return math.floor(value / unit + 1e-9) * unit
