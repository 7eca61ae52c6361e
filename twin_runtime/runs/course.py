"""The course of a twin in time, from its store: what a picture of it shows, thinned out where there is more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from twin_runtime.core import FIGURES, FloatArray, IntArray, Trust
from twin_runtime.store.identity import TypeIdentity
from twin_runtime.store.reader import Reader
from twin_runtime.vvuq.scores import QUANTILE_50, QUANTILE_90

POINTS = 1500
"""Points of time that a picture shows at the most."""
LOW_90, LOW_50, LEAST, MOST, HIGH_50, HIGH_90 = range(6)
"""The limits of a quantity over the ticks of a point: of the 90 % and the 50 % interval, and of the mean."""
NO_VERDICT = -1
_MEAN, _LOW, _MIDDLE, _HIGH = (FIGURES.index(name) for name in ("mean", "q05", "q50", "q95"))
_INNER = QUANTILE_50 / QUANTILE_90
_LOWER = (True, True, True, False, False, False)


@dataclass(frozen=True, slots=True)
class Dots:
    """Readings of one sensor: ``time[reading]`` (ns) and ``value[reading]`` in the unit of what it observes."""

    time: IntArray
    value: FloatArray


@dataclass(frozen=True, slots=True)
class Course:
    """A twin in time, in points of ``stride`` ticks each.

    ``time[point]`` (ns) is the valid time of the first tick of a point; ``limits[point, quantity, limit]`` (see
    :data:`LOW_90`) are NaN where there is no estimate; ``trust[point]`` is the worst :class:`Trust`
    (:data:`NO_VERDICT`: none), ``reasons[point]`` all that complained, one bit a check. ``standing[quantity]`` is the
    newest. ``readings`` and ``refused`` are by the name of the sensor.
    """

    twin: str
    known: TypeIdentity
    stride: int
    time: IntArray
    limits: FloatArray
    trust: IntArray
    reasons: IntArray
    standing: IntArray
    readings: dict[str, Dots] = field(default_factory=dict)
    refused: dict[str, Dots] = field(default_factory=dict)

    @property
    def newest_trust(self) -> int:
        """The newest verdict."""
        given = self.trust[self.trust != NO_VERDICT]
        return int(given[-1]) if given.size else NO_VERDICT


def courses(reader: Reader, span: int = 0) -> list[Course]:
    """The courses of all twins that have estimates, type by type; only the newest ``span`` (ns), unless it is 0."""
    with reader.snapshot():
        return [course for place in range(len(reader.identity.types)) for course in _of_type(reader, place, span)]


def _of_type(reader: Reader, place: int, span: int) -> list[Course]:
    known, frontier = reader.identity.types[place], reader.frontier(place)
    first = None if frontier is None else next((r.tick for r in reader.latest(_since(frontier, span, known), place)), 0)
    if frontier is None or first is None:
        return []
    stride = -(-(frontier - first) // POINTS)
    points, twins = -(-(frontier - first) // stride), len(known.twins)
    limits = np.full((twins, points, len(known.quantities), 6), -np.inf)
    limits[..., _LOWER] = np.inf
    trust, reasons = np.full((twins, points), NO_VERDICT), np.zeros((twins, points), np.int64)
    standing = np.zeros((twins, len(known.quantities)), np.int64)
    for record in reader.latest(first, place):
        at = record.rows, (record.tick - first) // stride
        now = _limits(record.figures)
        limits[at] = np.where(_LOWER, np.minimum(limits[at], now), np.maximum(limits[at], now))
        trust[at], reasons[at] = np.maximum(trust[at], record.trust), reasons[at] | record.reasons
        standing[record.rows] = record.standing
    limits[~np.isfinite(limits)] = np.nan
    time = (first + np.arange(points) * stride + 1) * known.tick
    readings, refused = _readings(reader, place, first * known.tick), _refused(reader, place, first * known.tick)
    return [
        Course(
            name,
            known,
            stride,
            time,
            limits[row],
            trust[row],
            reasons[row],
            standing[row],
            readings.get(row, {}),
            refused.get(row, {}),
        )
        for row, name in enumerate(known.twins)
        if (trust[row] != NO_VERDICT).any()
    ]


def _since(frontier: int, span: int, known: TypeIdentity) -> int:
    return frontier - span // known.tick if span else 0


def _limits(figures: FloatArray) -> FloatArray:
    """Limits ``[row, quantity, limit]`` of one tick.

    The 50 % interval lies inside the stored 90 % one as that of a normal distribution does, each side for itself.
    """
    mean, low, middle, high = (figures[..., place] for place in (_MEAN, _LOW, _MIDDLE, _HIGH))
    inner = middle + (low - middle) * _INNER, middle + (high - middle) * _INNER
    return np.stack([low, inner[0], mean, mean, inner[1], high], axis=-1)


def _readings(reader: Reader, place: int, since: int) -> dict[int, dict[str, Dots]]:
    """The readings of sensors that were accepted, by row and name; what is only confirmed is none."""
    found = ((r.twin, r.channel, r.time, r.value) for r in reader.accepted(since, place) if np.isfinite(r.sd))
    return _by_sensor(reader.identity.types[place], found)


def _refused(reader: Reader, place: int, since: int) -> dict[int, dict[str, Dots]]:
    """The readings of sensors that the gate refused."""
    found = ((r.twin, r.channel, r.time, r.value) for r in reader.outliers(since, place))
    return _by_sensor(reader.identity.types[place], found)


def _by_sensor(known: TypeIdentity, found: Iterator[tuple[int, int, int, float]]) -> dict[int, dict[str, Dots]]:
    columns: dict[tuple[int, int], tuple[list[int], list[float]]] = {}
    for row, channel, time, value in found:
        if channel < known.sensors:
            times, values = columns.setdefault((row, channel), ([], []))
            times.append(time)
            values.append(value)
    by_row: dict[int, dict[str, Dots]] = {}
    for (row, channel), (times, values) in columns.items():
        dots = Dots(np.array(times, np.int64), np.array(values, np.float64))
        by_row.setdefault(row, {})[known.channels[channel]] = dots
    return by_row


def worst_first(found: list[Course]) -> list[Course]:
    """The courses by their newest verdict, then by the share of ticks that were not trusted, then by name."""
    return sorted(found, key=lambda c: (-c.newest_trust, -float((c.trust > Trust.TRUSTED).mean()), c.twin))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Points ``first`` to before ``stop`` of one verdict; ``reasons`` are all that complained in them."""

    first: int
    stop: int
    trust: int
    reasons: tuple[str, ...]


def stretches(course: Course) -> list[Stretch]:
    """The verdicts of a course as stretches of one trust, without those of no verdict."""
    edges = [0, *(np.flatnonzero(np.diff(course.trust)) + 1).tolist(), len(course.trust)]
    found = []
    for first, stop in pairwise(edges):
        bits = int(np.bitwise_or.reduce(course.reasons[first:stop]))
        found.append(Stretch(first, stop, int(course.trust[first]), course.known.reasons(bits)))
    return [stretch for stretch in found if stretch.trust != NO_VERDICT]
