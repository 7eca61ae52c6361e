"""Calibration of one twin: draw its prior, smooth it over a segment, and sum up the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin_runtime.calibration.forward import IndependentReadings, Progress, independent_readings, predict
from twin_runtime.calibration.gram_matrices import Misfit, Observed
from twin_runtime.calibration.posterior import Posterior, posteriors
from twin_runtime.calibration.segment import Segment
from twin_runtime.calibration.smoother import Smoother
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import ConfigError, did_you_mean
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.random import twin_keys
from twin_runtime.modelling.variables import Parameter
from twin_runtime.runs.summary import unidentifiable_texts


class Fit(NamedTuple):
    """How many readings a sensor has, and the misfit of the members' mean to them."""

    readings: int
    misfit: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a recording has made of a prior.

    ``misfits`` are those of the prior and of each iteration, ``by_sensor`` is the last one by sensor; ``members``
    are those left after ``dropped`` have diverged, ``uncertain`` is in how many variables they have been fitted;
    ``unidentifiable`` is what the readings leave as uncertain as it was.
    """

    posteriors: tuple[Posterior, ...]
    misfits: tuple[Misfit, ...]
    by_sensor: dict[str, Fit]
    members: int
    dropped: int
    uncertain: int
    unidentifiable: tuple[str, ...]


def calibrate(
    segment: Segment,
    smoother: Smoother,
    *,
    members: int = 100,
    seed: int = 0,
    names: Sequence[str] = (),
    noise: float = 1.0,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate the parameters of a twin by all readings of a segment.

    Everything uncertain takes part, the states at the start as well. Reported are the posteriors of the parameters
    ``names``, or of all that the twin itself corrects. ``noise`` multiplies that of all readings, to allow for errors
    of the model. The same arguments give the same bits.

    Raises:
        ConfigError: A name is no uncertain parameter of the model, or there is none.
        ModelError: More than half of the members diverge.
    """
    model = segment.fleet.model
    reported = _parameters(model, names)
    x = prior_ensemble(model, seed, segment.twin, members)
    uncertain = np.array([j for j, variable in enumerate(model.variables) if variable.prior.sd > 0.0], np.int64)
    readings = independent_readings(segment, noise)

    def forward(columns: FloatArray) -> FloatArray:
        return predict(segment, _with(x[0], uncertain, columns), progress)

    observed = Observed(readings.value, readings.variance, twin_keys(seed, [segment.twin])[0])
    smoothed = smoother.smooth(x[:, uncertain], forward, observed)
    after = _with(x[0], uncertain, smoothed.members)
    return Calibration(
        posteriors(model.variables, reported, after),
        smoothed.misfits,
        _by_sensor(segment, readings, smoothed.predicted),
        len(after),
        smoothed.dropped,
        uncertain.size,
        tuple(unidentifiable_texts(segment.fleet, after, segment)),
    )


def prior_ensemble(model: Model, seed: int, twin: str, members: int) -> FloatArray:
    """Members ``[member, variable]`` drawn from the priors of a twin of this name."""
    drawn: FloatArray = draw_prior(model.variables, twin_keys(seed, [twin]), members)[0]
    return drawn


def _with(row: FloatArray, columns: IntArray, values: FloatArray) -> FloatArray:
    """Members that are all ``row`` but for some columns."""
    x = np.tile(row, (len(values), 1))
    x[:, columns] = values
    return x


def _by_sensor(segment: Segment, readings: IndependentReadings, predicted: FloatArray) -> dict[str, Fit]:
    squares = (readings.value - predicted.mean(axis=0)) ** 2 / readings.variance
    own = {sensor.name: squares[readings.sensor == place] for place, sensor in enumerate(segment.fleet.sensors)}
    return {name: Fit(part.size, float(part.mean())) for name, part in own.items() if part.size}


def _parameters(model: Model, names: Sequence[str]) -> list[int]:
    """The columns whose posteriors are asked for."""
    known = {v.name: j for j, v in enumerate(model.variables) if isinstance(v, Parameter) and v.prior.sd > 0.0}
    for name in (name for name in names if name not in known):
        what = f"model '{model.name}' has no uncertain parameter '{name}'"
        raise ConfigError(what, remedy=did_you_mean(name, known) or "give one a prior with a spread")
    chosen = [known[name] for name in names] or [j for j in known.values() if model.variables[j].corrected]
    if not chosen:
        raise ConfigError(f"model '{model.name}' has no uncertain parameter", remedy="give one a prior with a spread")
    return chosen
