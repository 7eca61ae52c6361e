"""The forward run: members through a stretch of time with all inputs and no correction, predicting every reading."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin_runtime.calibration.stretch import Stretch
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.observations import Observations
from twin_runtime.engine.tick import uncorrelated

Progress = Callable[[int], None]
"""Called with the number of ticks that have been run since the last call."""

LARGEST = 1e100
"""Larger predictions could not be squared and summed any more: their member has diverged."""


class Readings(NamedTuple):
    """The readings of a stretch, with independent errors; ``sensor[reading]`` is its place in the table of sensors."""

    value: FloatArray
    variance: FloatArray
    sensor: IntArray


def read(stretch: Stretch, noise: float = 1.0) -> Readings:
    """The readings in the order in which they are predicted; ``noise`` multiplies their standard deviations."""
    ticks = [seen for _, seen in stretch if seen.value.size]
    independent = [uncorrelated(stretch.fleet, np.empty((1, 0, seen.value.size)), seen.value, seen) for seen in ticks]
    return Readings(
        np.concatenate([value[0] for _, value, _ in independent]),
        np.concatenate([variance[0] for _, _, variance in independent]) * noise**2,
        np.concatenate([seen.sensor[0] for seen in ticks]),
    )


def predict(stretch: Stretch, x: FloatArray, progress: Progress | None = None) -> FloatArray:
    """Run an ensemble ``x[member, variable]`` through a stretch; returns its predictions ``[member, reading]``.

    Nothing perturbs it: no reading corrects it, no variable drifts. ``x`` stays as it is. A member that has diverged
    predicts NaN throughout.
    """
    fleet, ahead, residual = stretch.fleet, x[None].copy(), np.empty(1)
    predicted, done, fine = np.empty((len(x), stretch.readings)), 0, np.ones(len(x), np.bool_)
    for acting, seen in stretch:
        foreseen = np.empty((1, len(x), seen.value.size))
        fleet.model.advance(ahead, fleet.seconds, acting, seen.points, foreseen, residual)
        fine &= (np.abs(foreseen[0]) < LARGEST).all(axis=1)
        predicted[:, done : done + seen.value.size] = _independent(fleet, foreseen, seen)
        done += seen.value.size
        if progress is not None:
            progress(1)
    predicted[~fine] = np.nan
    return predicted


def _independent(fleet: Fleet, foreseen: FloatArray, seen: Observations) -> FloatArray:
    """Predictions ``[member, reading]`` of readings whose errors are independent.

    A reading that any member predicts as NaN would be taken as missing, and change the others.
    """
    if fleet.correlation is not None:
        numbers = np.nan_to_num(foreseen, nan=0.0, posinf=0.0, neginf=0.0)
        foreseen, _, _ = uncorrelated(fleet, numbers, seen.value, seen)
    of_twin: FloatArray = foreseen[0]
    return of_twin
