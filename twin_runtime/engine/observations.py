"""The readings of one tick as columns, and laid out one row a twin."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from twin_runtime.core import SECOND, FloatArray, IntArray, Reading
from twin_runtime.modelling.signals import Points


class ReadingColumns(NamedTuple):
    """Readings as columns, sorted by (twin, time, channel, number). Times are in nanoseconds after the tick's start."""

    twin: IntArray
    channel: IntArray
    offset: IntArray
    value: FloatArray
    sd: FloatArray

    def where(self, mask: npt.NDArray[np.bool_]) -> "ReadingColumns":
        """The readings for which ``mask`` is true."""
        return ReadingColumns(self.twin[mask], self.channel[mask], self.offset[mask], self.value[mask], self.sd[mask])


def columns(readings: Sequence[Reading], start: int) -> ReadingColumns:
    """The columns of some readings of a tick that starts at ``start``; the result does not depend on their order."""
    ordered = sorted(readings, key=_order)
    twin, channel, time, value, sd, _, _ = zip(*ordered, strict=True) if ordered else ((),) * 7
    return ReadingColumns(
        np.array(twin, np.int64),
        np.array(channel, np.int64),
        np.array(time, np.int64) - start,
        np.array(value, np.float64),
        np.array(sd, np.float64),
    )


def _order(reading: Reading) -> tuple[int, int, int, int]:
    return reading.twin, reading.time, reading.channel, reading.sequence


class Observations(NamedTuple):
    """The sensors' readings of one tick, one row a twin, padded.

    ``points`` are times and outputs; ``value`` and ``variance`` are ``[twin, reading]`` (NaN where there is none),
    ``sensor`` is the sensor's place in its table (-1 where there is none).
    """

    points: Points
    sensor: IntArray
    value: FloatArray
    variance: FloatArray

    def after(self, earlier: "Observations") -> "Observations":
        """Both, the ``earlier`` ones first."""
        points = Points(*(np.concatenate(pair, axis=1) for pair in zip(earlier.points, self.points, strict=True)))
        rest = (np.concatenate(pair, axis=1) for pair in zip(earlier[1:], self[1:], strict=True))
        return Observations(points, *rest)


def observations(readings: ReadingColumns, twins: int, outputs: IntArray) -> Observations:
    """Lay out the sensors' readings; ``outputs[sensor]`` is the model output that a sensor observes."""
    width = int(np.bincount(readings.twin).max()) if readings.twin.size else 0
    times, value, variance = (np.empty((twins, width)) for _ in range(3))
    sensor, output = (np.empty((twins, width), np.int64) for _ in range(2))
    laid_out = Observations(Points(times, output), sensor, value, variance)
    _lay_out(readings, outputs, laid_out)
    return laid_out


@njit(cache=True)
def _lay_out(readings: ReadingColumns, outputs: IntArray, into: Observations) -> None:
    into.points.times[:], into.points.outputs[:], into.sensor[:] = np.inf, -1, -1
    into.value[:], into.variance[:] = np.nan, np.nan
    place = 0
    for k in range(readings.twin.size):
        i, sensor = readings.twin[k], readings.channel[k]
        place = place + 1 if k > 0 and readings.twin[k - 1] == i else 0
        into.points.times[i, place], into.points.outputs[i, place] = readings.offset[k] / SECOND, outputs[sensor]
        into.value[i, place], into.variance[i, place] = readings.value[k], readings.sd[k] ** 2
        into.sensor[i, place] = sensor
