"""What the values of a recording are like: how many, how often, with which gaps, between which limits."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.mapping import Stream
from twin_adapters.recordings.samples import values_of
from twin_adapters.recordings.table import MISSING, Cells, Table
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError

EVEN = 0.9
"""The part of the steps, but for gaps, that are close to their median where values come evenly."""
GAP = 1.5
"""Longer steps, in medians, are gaps; those of half a median to this are close to it."""


class Steps(NamedTuple):
    """How values follow each other in time (ns)."""

    median: int
    shortest: int
    longest: int
    even: bool
    """Whether they come at one rate, but for gaps."""
    gaps: int
    longest_gap: int


class Channel(NamedTuple):
    """One column of numbers or one signal, as it is in the recording."""

    name: str
    unit: str
    title: str
    values: FloatArray
    times: IntArray | None
    """Nanoseconds, in the order of time, one for each of the ``values``; None where the times are not known."""
    missing: int = 0
    backwards: int = 0
    """How often its times run backwards in the file."""
    twin: str = ""
    place: int = 0
    """Its number among the columns of a file."""

    @property
    def steps(self) -> Steps | None:
        """How its values follow each other; None for fewer than two."""
        return None if self.times is None else steps_of(self.times)


class Words(NamedTuple):
    """A column of texts or date-times: how many, the most frequent (of date-times the first and the last)."""

    name: str
    total: int
    most: tuple[str, ...]
    different: int
    are_dates: bool = False


def steps_of(times: IntArray) -> Steps | None:
    """How sorted times follow each other; None where that cannot be told."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return None
    median = int(np.median(steps))
    long = steps > GAP * median
    close = int(np.count_nonzero(~long & (steps >= 0.5 * median)))
    even = close >= EVEN * np.count_nonzero(~long) and close > len(steps) / 2
    gaps = steps[long] if even else steps[:0]
    return Steps(median, int(steps.min()), int(steps.max()), bool(even), len(gaps), int(gaps.max(initial=0)))


def channel_of(stream: Stream, table: Table, place: int, times: IntArray | None, rows: IntArray) -> Channel | Words:
    """One column of a table, in some of its ``rows``, as a ``stream`` would read it. Raises :class:`RecordingError`."""
    cells = table.column(place)
    name = table.names[place] or str(place)
    if cells.dtype.kind == "M":
        return _dates(name, cells[rows])
    values = _numbers(stream, table, place, rows)
    if values is None:
        return _words(name, cells[rows])
    there = ~np.isnan(values)
    about = name, table.units.get(place, ""), table.titles.get(place, "")
    if times is None:
        return Channel(*about, values[there], None, _missing(table, there), place=place)
    there &= times != MISSING
    own = times[there]
    order, backwards = np.argsort(own, kind="stable"), int(np.count_nonzero(np.diff(own) < 0))
    return Channel(*about, values[there][order], own[order], _missing(table, there), backwards, place=place)


def _numbers(stream: Stream, table: Table, place: int, rows: IntArray) -> FloatArray | None:
    """A column as numbers; None for one of texts."""
    is_text = table.column(place).dtype.kind not in "fiub"
    try:
        values = values_of(stream.model_copy(update={"value": place, "constant": None}), table, rows)
    except RecordingError:
        if is_text:
            return None
        raise
    return None if is_text and np.isnan(values).all() else values


def _missing(table: Table, there: npt.NDArray[np.bool_]) -> int:
    return 0 if table.sparse else int(len(there) - np.count_nonzero(there))


def _words(name: str, cells: Cells) -> Words:
    counted = Counter(str(cell) for cell in cells if cell is not None and cell not in ("", "NaT"))
    return Words(name, counted.total(), tuple(word for word, _ in counted.most_common(5)), len(counted))


def _dates(name: str, cells: Cells) -> Words:
    there = np.sort(cells[~np.isnat(cells)])
    ends = tuple(str(one).rstrip("0").rstrip(".") for one in there[[0, -1]]) if len(there) else ()
    return Words(name, len(there), ends, len(np.unique(there)), are_dates=True)
