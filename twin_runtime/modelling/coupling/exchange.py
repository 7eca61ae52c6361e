"""What a part of any kind is given for its turn, and what comes back of it.

A part that is driven by other parts has inputs of its own in every member: each member is then a twin of one.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.variables import Shape

Period = tuple[float, float]
"""Of a tick, from and until, in seconds."""
EARLIER = -1.0
"""The time of an event that has acted before."""


def signals_of(
    signals: InputSignals,
    places: Sequence[int],
    shapes: Sequence[Shape],
    driven: Mapping[int, FloatArray],
    members: int,
    turn: Period,
) -> InputSignals:
    """The inputs of a part, their times counted from the start of its turn.

    ``places`` are those of its inputs among the inputs of the whole, -1 for one that is ``driven``: by its place in the
    part, ``[twin, member]``, held over the turn.
    """
    rows = members if driven else 1
    knots = max(1, signals.times.shape[2])
    times = np.full((len(signals.known) * rows, len(places), knots), np.inf)
    values = np.zeros_like(times)
    for k, (place, shape) in enumerate(zip(places, shapes, strict=True)):
        if k in driven:
            times[:, k, 0], values[:, k, :] = 0.0, driven[k].reshape(-1, 1)
            continue
        given = signals.times[:, place]
        shifted = _events(given, *turn) if shape is Shape.EVENT else given - turn[0]
        times[:, k, : given.shape[1]] = np.repeat(shifted, rows, axis=0)
        values[:, k, : given.shape[1]] = np.repeat(signals.values[:, place], rows, axis=0)
    return InputSignals(times, values, np.repeat(signals.known, rows))


def _events(times: FloatArray, start: float, end: float) -> FloatArray:
    """The times of the events of a turn from its start; no rounding puts one into two turns, or into none."""
    inside = np.clip(times - start, 0.0, np.nextafter(end - start, 0.0))
    return np.where(times < start, EARLIER, np.where(times < end, inside, np.inf))


class PartPoints:
    """The readings of a part within its turn; ``columns`` are their places among all readings."""

    def __init__(self, points: Points, own: slice, turn: Period) -> None:
        """``own`` are the outputs of the part among those of the whole."""
        start, end = turn
        outputs = points.outputs - own.start
        inside = (points.times > start) | ((points.times == start) & (start == 0.0))
        mine = inside & (points.times <= end) & (outputs >= 0) & (points.outputs < own.stop)
        count = int(mine.sum(axis=1).max(initial=0))
        self.columns = np.argsort(~mine, axis=1, kind="stable")[:, :count]
        self.mine = np.take_along_axis(mine, self.columns, axis=1)
        times = np.take_along_axis(points.times, self.columns, axis=1) - start
        self.points = Points(
            np.where(self.mine, times, np.inf),
            np.where(self.mine, np.take_along_axis(outputs, self.columns, axis=1), 0),
        )

    def repeated(self, rows: int) -> Points:
        """The same for every member."""
        times, outputs = self.points
        return Points(np.repeat(times, rows, axis=0), np.repeat(outputs, rows, axis=0))

    def put(self, predicted: FloatArray, found: FloatArray) -> None:
        """Set what was predicted ``[twin, member, reading]`` at its place among all readings."""
        twins, slots = np.nonzero(self.mine)
        predicted[twins, :, self.columns[twins, slots]] = found[twins, :, slots]
