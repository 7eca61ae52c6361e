"""What the smoothers have in common: what they ask for, what they give, and which members they can use."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from twin_runtime.calibration.gram_matrices import Misfit, Observed
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError

Forward = Callable[[FloatArray], FloatArray]
"""From an ensemble ``[member, variable]`` to its predictions of all readings, ``[member, reading]``."""

FEWEST = 0.5
"""The share of the members that must stay finite."""


class Smoothed(NamedTuple):
    """An ensemble ``[member, variable]`` after a smoother, and what it predicts ``[member, reading]``.

    ``misfits`` are those of the prior and of each iteration's ensemble, ``dropped`` counts members that diverged.
    """

    members: FloatArray
    predicted: FloatArray
    misfits: tuple[Misfit, ...]
    dropped: int


class Smoother(Protocol):
    """A method that fits an ensemble to all readings of a segment of time at once."""

    def smooth(self, members: FloatArray, forward: Forward, observed: Observed) -> Smoothed:
        """The ensemble ``members[member, variable]``, drawn from the prior, given the readings."""
        ...


def finite(members: FloatArray, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The members whose predictions are numbers, and these.

    Raises:
        ModelError: They are less than half of the members.
    """
    fine = np.isfinite(predicted).all(axis=1)
    if fine.sum() < max(2, FEWEST * len(members)):
        raise ModelError(
            f"{len(members) - fine.sum()} of {len(members)} members diverged: their predictions are no numbers",
            remedy="narrow the priors of the parameters, or calibrate over a segment in which the model holds",
        )
    return (members, predicted) if fine.all() else (members[fine], predicted[fine])


def anomalies(members: FloatArray) -> FloatArray:
    """The members less their mean."""
    deviations: FloatArray = members - members.mean(axis=0)
    return deviations
