"""Localisation: how much an observation counts for a variable, by the distance between the two."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.positions import Distance, Positions, nowhere

NEGLIGIBLE = 1e-3
"""Observations that count for no more than this are left out."""

AT_ONCE = 1 << 20
"""Distances held at the same time."""


@njit(cache=True, error_model="numpy")
def gaspari_cohn(distance: float, half_width: float) -> float:
    """The taper of Gaspari & Cohn 1999 (Q J R Meteorol Soc 125:723-757, equation 4.10): 1 here, 0 at two half-widths.

    Close to a Gaussian of standard deviation ``half_width * sqrt(0.3)``, but of compact support.
    """
    z = distance / half_width
    if z >= 2.0:
        return 0.0
    if z <= 1.0:
        return 1.0 + z * z * (-5.0 / 3.0 + z * (5.0 / 8.0 + z * (1.0 / 2.0 - z / 4.0)))
    tail = 4.0 - 2.0 / (3.0 * z) + z * (-5.0 + z * (5.0 / 3.0 + z * (5.0 / 8.0 + z * (-1.0 / 2.0 + z / 12.0))))
    return max(0.0, tail)  # rounding


class Table(NamedTuple):
    """What is near each of some places: ``near[first[place]:first[place + 1]]``, and how much each counts."""

    first: IntArray
    near: IntArray
    taper: FloatArray


class Neighbourhoods(NamedTuple):
    """The distinct places of the variables, and what is near each.

    A variable that is nowhere is a place of its own where the radius is finite, and ``nowhere`` is true there.
    """

    variables: Table
    nowhere: npt.NDArray[np.bool_]
    outputs: Table
    output_count: int


class OutputNeighbours(NamedTuple):
    """For every output the variables for which an observation of it counts, and the outputs; variables nowhere."""

    variables: Table
    outputs: Table
    nowhere: npt.NDArray[np.bool_]


def neighbours(a: FloatArray, b: FloatArray, radius: float, distance: Distance) -> Table:
    """For every place in ``a`` those of ``b`` that count, by a taper of half-width ``radius``.

    What is nowhere counts fully for all, and for what is nowhere all counts fully.
    """
    parts = list(_parts(a, b, radius, distance))
    counts = np.concatenate([np.zeros(1, np.int64), *(part[0] for part in parts)])
    near, taper = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    return Table(np.cumsum(counts), near, taper)


def _parts(
    a: FloatArray, b: FloatArray, radius: float, distance: Distance
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    rows = max(1, AT_ONCE // max(1, len(b)))
    for start in range(0, max(1, len(a)), rows):
        some = a[start : start + rows]
        tapers = np.ones((len(some), len(b)))
        if math.isfinite(radius):
            known = np.ix_(~nowhere(some), ~nowhere(b))
            tapers[known] = tapered(distance(some[known[0][:, 0]], b[known[1][0]]), radius)
        kept = tapers > NEGLIGIBLE
        yield kept.sum(1), np.nonzero(kept)[1], tapers[kept]


@njit(cache=True)
def tapered(distances: FloatArray, radius: float) -> FloatArray:
    """:func:`gaspari_cohn` of a matrix of distances."""
    tapers = np.empty_like(distances)
    for i in range(distances.shape[0]):
        for j in range(distances.shape[1]):
            tapers[i, j] = gaspari_cohn(distances[i, j], radius)
    return tapers


@dataclass(frozen=True)
class Localisation:
    """Which outputs count for which variables: tables made once for a model and a ``radius`` in its coordinates' unit.

    The radius is the half-width of the taper. A variable that is nowhere, such as a parameter, is instead localised by
    its correlation with each observation, as far as that exceeds what chance makes with so many members.
    """

    positions: Positions = field(repr=False)
    radius: float

    def outputs_of(self, given: AnalysisInput) -> IntArray:
        """Which outputs are observed, once it is sure that they and the states are those that have positions.

        Raises:
            ValueError: They are not, or which outputs are observed is not given.
        """
        if given.outputs is None:
            raise ValueError("to localise, a method must be given which outputs are observed")
        variables, count = len(self.positions.variables), len(self.positions.outputs)
        if given.x.shape[2] != variables or given.outputs.max(initial=-1) >= count:
            raise ValueError(f"positions of {variables} variables and {count} outputs, but other ones to correct")
        return given.outputs

    @cached_property
    def places(self) -> tuple[Table, npt.NDArray[np.bool_]]:
        """The distinct places of the variables, ``near`` being the variables there, and which of them are nowhere.

        With a finite radius every variable that is nowhere is a place of its own.
        """
        coordinates = self.positions.variables
        unplaced = nowhere(coordinates) & math.isfinite(self.radius)
        keys = coordinates.copy() if math.isfinite(self.radius) else np.zeros_like(coordinates)
        keys[unplaced] = 0.0
        keys = np.column_stack([np.where(unplaced, np.arange(1, len(keys) + 1), 0), keys])
        _, place = np.unique(keys, axis=0, return_inverse=True)
        place = place.reshape(-1)
        order = np.argsort(place, kind="stable")
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(place))])
        return Table(first, order, np.ones(len(order))), unplaced[order[first[:-1]]]

    @cached_property
    def outputs_near_places(self) -> Table:
        """For every place the outputs that count there."""
        variables, _ = self.places
        at = self.positions.variables[variables.near[variables.first[:-1]]]
        return neighbours(at, self.positions.outputs, self.radius, self.positions.distance)

    @cached_property
    def neighbourhoods(self) -> Neighbourhoods:
        """For every place the variables there and the outputs that count there."""
        return Neighbourhoods(*self.places, self.outputs_near_places, len(self.positions.outputs))

    @cached_property
    def output_neighbours(self) -> OutputNeighbours:
        """For every output the variables and the outputs for which it counts."""
        unplaced = nowhere(self.positions.variables) & math.isfinite(self.radius)
        return OutputNeighbours(self.variables_near_outputs, self.outputs_near_outputs, unplaced)

    @cached_property
    def variables_near_outputs(self) -> Table:
        """For every output the variables for which it counts."""
        return neighbours(self.positions.outputs, self.positions.variables, self.radius, self.positions.distance)

    @cached_property
    def outputs_near_outputs(self) -> Table:
        """For every output the outputs that an observation of it corrects."""
        return neighbours(self.positions.outputs, self.positions.outputs, self.radius, self.positions.distance)


def everywhere(variables: int, outputs: int) -> Localisation:
    """No localisation: everything counts for everything."""
    return Localisation(Positions(np.full((variables, 1), np.nan), np.full((outputs, 1), np.nan)), math.inf)
