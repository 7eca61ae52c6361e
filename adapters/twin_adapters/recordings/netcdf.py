"""Recordings in NetCDF (.nc), classic or NetCDF-4, by its CF conventions (packed numbers, times since a date).

The columns are the variables along one dimension, usually that of time; ``table`` names another dimension, or a group.
A variable of several values a row is a column for each, named like ``temperature[depth=0.5]``.
"""

import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import xarray as xr

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.errors import RecordingError

WIDEST = 1000
"""Values a row of a variable that becomes columns."""


class Column(NamedTuple):
    """A variable along the rows, at one place of its other dimensions."""

    name: str
    variable: str
    place: dict[Hashable, int]


def read(path: Path, layout: Layout) -> Table:
    """Open a file; only the variables asked for are read."""
    with _opened(path, layout.table) as (data, group):
        rows = group or _rows(path, data)
        columns = list(_columns(data, rows))
        attributes = {place: data[column.variable].attrs for place, column in enumerate(columns)}

    def cells(place: int) -> Cells:
        with _opened(path, layout.table) as (data, _):
            return _cells(path, data[columns[place].variable], columns[place], rows)

    return Table(
        path,
        data.sizes[rows],
        [column.name for column in columns],
        cells,
        units={place: unit for place, about in attributes.items() if (unit := runtime_unit(_text(about.get("units"))))},
        titles={place: str(title) for place, about in attributes.items() if (title := about.get("long_name"))},
    )


@contextmanager
def _opened(path: Path, table: str) -> Iterator[tuple[xr.Dataset, str]]:
    """The file, or the group of it that ``table`` names, and the dimension if it names one."""
    remedy = "name its `format`, or take the file from its source again"
    with reading(path, "a NetCDF file of CF conventions", remedy), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = _engine(path)
        with _dataset(path, engine) as data:
            if not table or table in data.sizes:
                yield data, table
                return
        if engine == "scipy":
            raise _no_table(path, table, data)
        try:
            data = _dataset(path, engine, table)
        except (OSError, KeyError):
            raise _no_table(path, table, data) from None
        with data:
            yield data, ""


def _engine(path: Path) -> str:
    """Which library reads it. A damaged root of HDF5 is found here: h5netcdf would complain on stderr too."""
    with path.open("rb") as file:
        if file.read(3) == b"CDF":
            return "scipy"
    with h5py.File(path, "r") as root:
        list(root.attrs.items())
    return "h5netcdf"


def _dataset(path: Path, engine: str, group: str | None = None) -> xr.Dataset:
    try:
        times = xr.coders.CFDatetimeCoder(time_unit="ns")
        return xr.open_dataset(
            path, engine=engine, group=group, decode_times=times, decode_timedelta=False, cache=False
        )
    except ValueError as error:
        if "decode time" not in str(error):
            raise
        what = f"its times cannot be read: {str(error).partition('. Try')[0]}"
        remedy = "convert them to seconds since a date of the standard calendar, as with `cdo settaxis`"
        raise RecordingError(what, where=str(path), remedy=remedy) from error


def _no_table(path: Path, table: str, data: xr.Dataset) -> RecordingError:
    what = f"there is no dimension and no group {table!r}; the dimensions are {', '.join(map(str, data.sizes))}"
    return RecordingError(what, where=str(path), remedy="name one of these in `table`, or a group of the file")


def _rows(path: Path, data: xr.Dataset) -> str:
    """The dimension of the rows: that of a time, then of most variables, then the longest."""
    if not data.sizes:
        raise RecordingError(
            "expected variables along a dimension, came none", where=str(path), remedy="name its group in `table`"
        )

    def rank(dimension: Hashable) -> tuple[bool, int, int]:
        along = [variable for variable in data.variables.values() if variable.dims[:1] == (dimension,)]
        timed = any(variable.dtype.kind == "M" for variable in along)
        return timed, len(along), data.sizes[dimension]

    return str(max(data.sizes, key=rank))


def _columns(data: xr.Dataset, rows: str) -> Iterator[Column]:
    """A column a variable, or one for each place of its other dimensions."""
    for name, variable in data.variables.items():
        others = {dimension: size for dimension, size in variable.sizes.items() if dimension != rows}
        if rows not in variable.dims:
            continue
        if not others or np.prod(list(others.values())) > WIDEST:
            yield Column(str(name), str(name), {})
            continue
        for places in product(*map(range, others.values())):
            place = dict(zip(others, places, strict=True))
            labels = ",".join(f"{dimension}={_label(data, dimension, at)}" for dimension, at in place.items())
            yield Column(f"{name}[{labels}]", str(name), place)


def _label(data: xr.Dataset, dimension: Hashable, place: int) -> str:
    """The coordinate of a place along a dimension, else its number from 0."""
    return str(data[dimension].values[place]) if dimension in data.coords else str(place)


def _cells(path: Path, variable: xr.DataArray, column: Column, rows: str) -> Cells:
    if len(variable.dims) - len(column.place) > 1:
        shape = " x ".join(f"{size} {dimension}" for dimension, size in variable.sizes.items() if dimension != rows)
        what = f"expected at most {WIDEST} values a row of {column.name!r}, came {shape}"
        raise RecordingError(what, where=str(path), remedy="cut the file to the places you need")
    values: Cells = variable.isel(column.place).values
    return values.astype(np.object_) if values.dtype.kind in "SU" else values


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
