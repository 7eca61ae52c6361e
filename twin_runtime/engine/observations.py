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


@njit(cache=True)
def picked(readings: ReadingColumns, mask: npt.NDArray[np.bool_]) -> ReadingColumns:
    """The readings for which ``mask`` is true."""
    twin, channel, offset = readings.twin[mask], readings.channel[mask], readings.offset[mask]
    return ReadingColumns(twin, channel, offset, readings.value[mask], readings.sd[mask])


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


@njit(cache=True)
def observations(readings: ReadingColumns, twins: int, outputs: IntArray) -> Observations:
    """Lay out the sensors' readings; ``outputs[sensor]`` is the model output that a sensor observes."""
    count = np.zeros(twins, np.int64)
    for i in readings.twin:
        count[i] += 1
    shape = (twins, count.max() if twins > 0 else 0)
    points = Points(np.full(shape, np.inf), np.full(shape, -1))
    sensor, value, variance = np.full(shape, -1), np.full(shape, np.nan), np.full(shape, np.nan)
    count[:] = 0
    for k in range(readings.twin.size):
        i, s = readings.twin[k], readings.channel[k]
        place = count[i]
        points.times[i, place], points.outputs[i, place] = readings.offset[k] / SECOND, outputs[s]
        sensor[i, place], value[i, place], variance[i, place] = s, readings.value[k], readings.sd[k] ** 2
        count[i] += 1
    return Observations(points, sensor, value, variance)
