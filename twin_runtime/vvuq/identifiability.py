"""Unidentifiable: combinations of variables that the readings leave as uncertain as the prior did.

The predicted readings of a stretch of time are differentiated with respect to every uncertain variable about the
ensemble's mean. In units of the prior's and the readings' standard deviations the posterior precision is I + S'S
(Bayes, linearised; S are the sensitivities), and an eigenvector of it with eigenvalue 1 + s keeps 1 / sqrt(1 + s) of
its prior spread (Rodgers 2000, Inverse Methods for Atmospheric Sounding, section 2.4). Unlike the ensemble's own spread
this is not fooled by chance correlations.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Parameter

STEP = 1e-3
"""Size of the differences, in prior standard deviations."""

KEPT = 0.5
"""A direction that keeps more than this share of its prior spread is reported."""

INVOLVED = 0.3
"""A variable with at least this weight in a direction's unit vector is named."""


class Unidentifiable(NamedTuple):
    """A combination of variables that the sensors hardly constrain: it keeps the share ``kept`` of its prior spread."""

    variables: tuple[str, ...]
    kept: float
    text: str


class Interval(NamedTuple):
    """A length of time in ``seconds``: the inputs over it, the readings in it, and their ``variance[1, reading]``."""

    seconds: float
    signals: InputSignals
    points: Points
    variance: FloatArray


def unidentifiable(
    model: Model, sensors: Sequence[str], x: FloatArray, intervals: Iterable[Interval]
) -> list[Unidentifiable]:
    """The combinations of variables that the readings of one twin leave as uncertain as the prior did.

    ``x[member, variable]`` is the twin's ensemble at the start of the ``intervals``, which follow each other;
    ``sensors`` are their names, for the text. Empty if there are no readings.
    """
    uncertain = np.array(
        [j for j, v in enumerate(model.variables) if v.prior.sd > 0.0 and (v.corrected or isinstance(v, Parameter))],
        np.int64,
    )
    if uncertain.size == 0:
        return []
    sensitivity = _sensitivity(model, x.mean(axis=0), uncertain, intervals)
    if sensitivity.shape[0] == 0:
        return []
    information, directions = np.linalg.eigh(sensitivity.T @ sensitivity)
    kept = 1.0 / np.sqrt(1.0 + np.maximum(information, 0.0))
    names = [model.variables[j].name for j in uncertain]
    return [_described(names, sensors, directions[:, k], float(kept[k])) for k in np.flatnonzero(kept > KEPT)]


def _sensitivity(model: Model, centre: FloatArray, uncertain: IntArray, intervals: Iterable[Interval]) -> FloatArray:
    """Change of every reading with every variable, both in their standard deviations: ``[reading, variable]``."""
    shifts = np.zeros((2 * uncertain.size, centre.size))
    prior_sd = np.array([model.variables[j].prior.sd for j in uncertain])
    shifts[np.arange(uncertain.size), uncertain] = STEP * prior_sd
    shifts[uncertain.size :] = -shifts[: uncertain.size]
    members = (centre + shifts)[None]
    rows = []
    for seconds, signals, points, variance in intervals:
        predicted = np.empty((1, members.shape[1], variance.shape[1]))
        model.advance(members, seconds, signals, points, predicted, np.zeros(1))
        difference = (predicted[0, : uncertain.size] - predicted[0, uncertain.size :]) / (2.0 * STEP)
        rows.append((difference / np.sqrt(variance[0])).T)
    stacked: FloatArray = np.concatenate(rows) if rows else np.empty((0, uncertain.size))
    return stacked[np.isfinite(stacked).all(axis=1)]


def _described(names: Sequence[str], sensors: Sequence[str], direction: FloatArray, kept: float) -> Unidentifiable:
    involved = tuple(names[k] for k in np.argsort(-np.abs(direction)) if abs(direction[k]) >= INVOLVED)
    observers = " and ".join(sensors)
    if len(involved) == 1:
        verb = "says" if len(sensors) == 1 else "say"
        text = f"{observers} {verb} nothing of {involved[0]}: it keeps {kept:.0%} of its prior spread"
    else:
        together = f"{', '.join(involved[:-1])} and {involved[-1]}"
        text = f"{observers} cannot tell {together} apart: together they keep {kept:.0%} of their prior spread"
    return Unidentifiable(involved, kept, text)
