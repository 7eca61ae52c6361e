"""What the sensors cannot tell: combinations of variables that the readings leave as uncertain as the prior did.

The predicted readings of a stretch of time are differentiated with respect to every uncertain variable about the
ensemble's mean. In units of the prior's and the readings' standard deviations the posterior precision is I + S'S
(Bayes, linearised; S are the sensitivities), and an eigenvector of it with eigenvalue 1 + s keeps 1 / sqrt(1 + s) of
its prior spread (Rodgers 2000, Inverse Methods for Atmospheric Sounding, section 2.4). Unlike the ensemble's own spread
this is not fooled by chance correlations.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.fleet import Fleet
from twin_runtime.modelling.drive import Drive
from twin_runtime.modelling.variables import Parameter
from twin_runtime.readings import Observations

STEP = 1e-3
"""Size of the differences, in prior standard deviations."""

KEPT = 0.5
"""A direction that keeps more than this share of its prior spread is reported."""

INVOLVED = 0.3
"""A variable with at least this weight in a direction's unit vector is named."""


class Blind(NamedTuple):
    """A combination of variables that the sensors do not see: it keeps the share ``kept`` of its prior spread."""

    variables: tuple[str, ...]
    kept: float
    says: str


def blind_directions(fleet: Fleet, x: FloatArray, window: Iterable[tuple[Drive, Observations]]) -> list[Blind]:
    """The combinations that the readings of one twin in a window do not see.

    ``x[member, variable]`` is the twin's ensemble at the start of the window, ``window`` what acts on it and the
    readings of every tick, as fleets of one. Empty if there are no readings.
    """
    uncertain = np.array(
        [
            j
            for j, v in enumerate(fleet.model.variables)
            if v.prior.sd > 0.0 and (v.corrected or isinstance(v, Parameter))
        ],
        np.int64,
    )
    if uncertain.size == 0:
        return []
    sensitivity = _sensitivity(fleet, x.mean(axis=0), uncertain, window)
    if sensitivity.shape[0] == 0:
        return []
    information, directions = np.linalg.eigh(sensitivity.T @ sensitivity)
    kept = 1.0 / np.sqrt(1.0 + np.maximum(information, 0.0))
    return [_blind(fleet, uncertain, directions[:, k], float(kept[k])) for k in np.flatnonzero(kept > KEPT)]


def _sensitivity(
    fleet: Fleet, centre: FloatArray, uncertain: IntArray, window: Iterable[tuple[Drive, Observations]]
) -> FloatArray:
    """Change of every reading with every variable, both in their standard deviations: ``[reading, variable]``."""
    shifts = np.zeros((2 * uncertain.size, centre.size))
    shifts[np.arange(uncertain.size), uncertain] = STEP * fleet.prior_sd[uncertain]
    shifts[uncertain.size :] = -shifts[: uncertain.size]
    members = (centre + shifts)[None]
    rows = []
    for acting, seen in window:
        predicted = np.empty((1, members.shape[1], seen.value.shape[1]))
        fleet.model.advance(members, fleet.seconds, acting, seen.watch, predicted, np.zeros(1))
        difference = (predicted[0, : uncertain.size] - predicted[0, uncertain.size :]) / (2.0 * STEP)
        rows.append((difference / np.sqrt(seen.variance[0])).T)
    stacked: FloatArray = np.concatenate(rows) if rows else np.empty((0, uncertain.size))
    return stacked[np.isfinite(stacked).all(axis=1)]


def _blind(fleet: Fleet, uncertain: IntArray, direction: FloatArray, kept: float) -> Blind:
    order = np.argsort(-np.abs(direction))
    names = tuple(fleet.model.variables[uncertain[j]].name for j in order if abs(direction[j]) >= INVOLVED)
    sensors = " and ".join(sensor.name for sensor in fleet.sensors)
    if len(names) == 1:
        verb = "says" if len(fleet.sensors) == 1 else "say"
        says = f"{sensors} {verb} nothing of {names[0]}: it keeps {kept:.0%} of its prior spread"
    else:
        together = f"{', '.join(names[:-1])} and {names[-1]}"
        says = f"{sensors} cannot tell {together} apart: together they keep {kept:.0%} of their prior spread"
    return Blind(names, kept, says)
