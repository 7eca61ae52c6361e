"""The forward run: members through a segment of time with all inputs and no correction, predicting every reading."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin_runtime.calibration.segment import Segment
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.observations import Observations
from twin_runtime.engine.tick import uncorrelated

Progress = Callable[[int], None]
"""Called with the number of ticks that have been run since the last call."""

LARGEST = 1e100
"""Larger predictions could not be squared and summed any more: their member has diverged."""


class IndependentReadings(NamedTuple):
    """The readings of a segment, with independent errors; ``sensor[reading]`` is its place in the table of sensors."""

    value: FloatArray
    variance: FloatArray
    sensor: IntArray


def independent_readings(segment: Segment, noise: float = 1.0) -> IndependentReadings:
    """The readings in the order in which they are predicted; ``noise`` multiplies their standard deviations."""
    ticks = [observations for _, observations in segment if observations.value.size]
    independent = [uncorrelated(segment.fleet, np.empty((1, 0, o.value.size)), o.value, o) for o in ticks]
    return IndependentReadings(
        np.concatenate([value[0] for _, value, _ in independent]),
        np.concatenate([variance[0] for _, _, variance in independent]) * noise**2,
        np.concatenate([observations.sensor[0] for observations in ticks]),
    )


def predict(segment: Segment, x: FloatArray, progress: Progress | None = None) -> FloatArray:
    """Run an ensemble ``x[member, variable]`` through a segment; returns its predictions ``[member, reading]``.

    Nothing perturbs it: no reading corrects it, no variable drifts. ``x`` stays as it is. A member that has diverged
    predicts NaN throughout.
    """
    fleet, ahead, residual = segment.fleet, x[None].copy(), np.empty(1)
    predicted, done, fine = np.empty((len(x), segment.readings)), 0, np.ones(len(x), np.bool_)
    for signals, observations in segment:
        of_tick = np.empty((1, len(x), observations.value.size))
        fleet.model.advance(ahead, fleet.seconds, signals, observations.points, of_tick, residual)
        fine &= (np.abs(of_tick[0]) < LARGEST).all(axis=1)
        predicted[:, done : done + observations.value.size] = _independent(fleet, of_tick, observations)
        done += observations.value.size
        if progress is not None:
            progress(1)
    predicted[~fine] = np.nan
    return predicted


def _independent(fleet: Fleet, of_tick: FloatArray, observations: Observations) -> FloatArray:
    """Predictions ``[member, reading]`` of readings whose errors are independent.

    A reading that any member predicts as NaN would be taken as missing, and change the others.
    """
    if fleet.correlation is not None:
        numbers = np.nan_to_num(of_tick, nan=0.0, posinf=0.0, neginf=0.0)
        of_tick, _, _ = uncorrelated(fleet, numbers, observations.value, observations)
    of_twin: FloatArray = of_tick[0]
    return of_twin
