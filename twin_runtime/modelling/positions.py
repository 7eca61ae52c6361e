"""Where variables and outputs are, for methods of assimilation that correct what is near a sensor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError

Distance = Callable[[FloatArray, FloatArray], FloatArray]
"""Distances ``[a, b]`` between the places ``a[place, coordinate]`` and ``b[place, coordinate]``."""


def euclidean(a: FloatArray, b: FloatArray) -> FloatArray:
    """Straight distances."""
    distances: FloatArray = np.sqrt(np.square(a[:, None] - b[None]).sum(-1))
    return distances


@dataclass(frozen=True, slots=True)
class Periodic:
    """Straight distances in a box whose opposite sides are joined; ``lengths`` of its edges, infinite for open ones."""

    lengths: tuple[float, ...]

    def __call__(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Distances, the short way round."""
        away = np.abs(a[:, None] - b[None])
        distances: FloatArray = np.sqrt(np.square(np.minimum(away, np.array(self.lengths) - away)).sum(-1))
        return distances


@dataclass(frozen=True, slots=True)
class Sphere:
    """Distances along the surface of a sphere; coordinates are latitude and longitude in degrees."""

    radius: float = 6371.0

    def __call__(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Great-circle distances by the haversine formula, which keeps its digits at short range."""
        (lat_a, lon_a), (lat_b, lon_b) = np.radians(a).T[:, :, None], np.radians(b).T[:, None, :]
        half = np.sin((lat_a - lat_b) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_a - lon_b) / 2) ** 2
        distances: FloatArray = 2.0 * self.radius * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
        return distances


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Coordinates of a model's ``variables[variable, coordinate]`` and ``outputs[output, coordinate]``; NaN: nowhere.

    A global parameter is nowhere, and so is an output that averages over the whole asset. ``distance`` gives the
    distances of places from each other.
    """

    variables: FloatArray
    outputs: FloatArray
    distance: Distance = euclidean

    def __post_init__(self) -> None:
        """Compare the shapes, and refuse infinite coordinates."""
        if self.variables.ndim != 2 or self.outputs.ndim != 2 or self.variables.shape[1] != self.outputs.shape[1]:
            raise ModelError(
                f"positions of shapes {self.variables.shape} and {self.outputs.shape}",
                remedy="give coordinates [variable, coordinate] and [output, coordinate] with as many coordinates",
            )
        if np.isinf(self.variables).any() or np.isinf(self.outputs).any():
            raise ModelError("an infinite coordinate", remedy="give NaN for what is nowhere")


def positions_of(model: object) -> Positions | None:
    """The positions that a model offers as its attribute ``positions``, if it does."""
    offered = getattr(model, "positions", None)
    return offered if isinstance(offered, Positions) else None


def with_past(positions: Positions, variables: Sequence[str], quantities: Sequence[str], times: int) -> Positions:
    """The positions with so many ticks of all quantities as further variables.

    The outputs, which are the first quantities, are where they are as outputs; other quantities are where the variable
    of their name is, or nowhere.
    """
    nowhere_at_all = np.full(positions.outputs.shape[1], np.nan)
    by_name = dict(zip(variables, positions.variables, strict=True))
    others = [by_name.get(name, nowhere_at_all) for name in quantities[len(positions.outputs) :]]
    past = np.array([*positions.outputs, *others]).reshape(-1, positions.outputs.shape[1])
    return replace(positions, variables=np.concatenate([positions.variables, np.tile(past, (times, 1))]))


def along(places: npt.ArrayLike) -> FloatArray:
    """Places on a line as coordinates ``[place, 1]``."""
    return np.asarray(places, np.float64).reshape(-1, 1)


def nowhere(places: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of some places ``[place, coordinate]`` are none."""
    return np.asarray(np.isnan(places).any(axis=1))
