"""Columns with clocks of their own as one table: each row is a time of one clock, where all others are missing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.table import MISSING, Cells, Table

TIME = "time"
"""The column of the times of all clocks."""


class Clock(NamedTuple):
    """When a group of columns was sampled: ``rows`` times, read when they are asked for."""

    rows: int
    times: Callable[[], Cells]


class Series(NamedTuple):
    """One column, sampled by the clock at the place ``clock``."""

    name: str
    clock: int
    cells: Callable[[], Cells]
    unit: str = ""
    title: str = ""
    """What it is, in the words of the file."""


def side_by_side(
    path: Path, clocks: Sequence[Clock], series: Sequence[Series], start: str = "", unit: str = "s"
) -> Table:
    """One table of a column :data:`TIME`, in ``unit``, and all ``series``. Columns of one clock share their rows."""
    ends = np.cumsum([clock.rows for clock in clocks], dtype=np.int64).tolist()
    rows = ends[-1] if ends else 0

    def cells(place: int) -> Cells:
        if place == 0:
            return np.concatenate([clock.times() for clock in clocks]) if clocks else np.empty(0)
        one = series[place - 1]
        return _among(rows, ends[one.clock] - clocks[one.clock].rows, one.cells())

    return Table(
        path,
        rows,
        [TIME, *(one.name for one in series)],
        cells,
        units=({0: unit} if unit else {}) | {place: one.unit for place, one in enumerate(series, 1) if one.unit},
        titles={place: one.title for place, one in enumerate(series, 1) if one.title},
        start=start,
        sparse=len(clocks) > 1,
    )


def _among(rows: int, first: int, own: Cells) -> Cells:
    """A column's own cells in their rows of a whole table; missing in all others."""
    if len(own) == rows:
        return own
    among = np.full(rows, _missing(own), dtype=own.dtype)
    among[first : first + len(own)] = own
    return among


def _missing(cells: Cells) -> object:
    match cells.dtype.kind:
        case "f":
            return np.nan
        case "i":
            return MISSING
        case "M":
            return np.datetime64("NaT")
    return None
