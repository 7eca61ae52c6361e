"""What one stream holds in one file."""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.hints import hint_at_codes, hint_at_unit, hint_at_unplaced
from twin_adapters.recordings.mapping import Stream
from twin_adapters.recordings.rows import chosen_rows, twins_of
from twin_adapters.recordings.table import MISSING, Cells, Table
from twin_adapters.recordings.times import (
    LATEST,
    SIZES,
    event_times,
    formatted_times,
    unit_by_size,
)
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_adapters.recordings.zones import TimeError
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.durations import duration_text
from twin_runtime.errors import RecordingError, UnitError
from twin_runtime.units import conversion, is_unit

_BRACKETS = re.compile(r".*[\[(]\s*([^\[\]()]+?)\s*[\])]\s*")


class Samples(NamedTuple):
    """What one stream holds of one twin, in the order of its file; nothing missing."""

    twin: str
    channel: str
    time: IntArray
    value: FloatArray


def samples_of(stream: Stream, table: Table, epoch: int) -> Iterator[Samples]:
    """The readings of a stream in a file, twin by twin; ``epoch`` (ns) is where times count from."""
    rows = chosen_rows(stream, table)
    time = times_of(stream, table, rows, epoch)
    _check_unit(stream, table)
    value = values_of(stream, table, rows)
    where = f"{table.path}: channel {stream.channel}"
    there = ~np.isnan(value)
    if stream.value is not None:
        hint_at_unplaced(where, int(np.count_nonzero(there & (time == MISSING))), "time")
    there &= time != MISSING
    for twin, of_twin in twins_of(stream, table, rows, there):
        yield Samples(twin, stream.channel, time[of_twin], value[of_twin])


def values_of(stream: Stream, table: Table, rows: IntArray) -> FloatArray:
    """The values of some rows, NaN where there is none."""
    if stream.value is None:
        return np.full(len(rows), stream.constant, dtype=np.float64)
    absent = dict.fromkeys((word for word in stream.missing if isinstance(word, str)), math.nan)
    codes = [code for code in map(_code, stream.missing) if code is not None]
    value = table.numbers(stream.value, rows, {**absent, **stream.words}, codes)
    if "missing" not in stream.model_fields_set:
        hint_at_codes(str(table.path), stream.value, value)
    return value


def _code(missing: str | float) -> float | None:
    """A code as a number; None for a word."""
    try:
        return float(missing)
    except ValueError:
        return None


def _check_unit(stream: Stream, table: Table) -> None:
    """Refuse a unit that is not the one that the file gives for the column."""
    given = unit_of(stream, table)
    if given is None or given in (stream.unit, stream.file_unit) or _same_unit(given, stream.unit):
        return
    raise RecordingError(
        f"column {stream.value!r} is in {given!r}, the mapping says {stream.unit!r}",
        where=f"{table.path}: channel {stream.channel}",
        remedy=f"say unit = {given!r}; if the file is wrong or spells it its own way, add file_unit = {given!r}",
    )


def unit_of(stream: Stream, table: Table) -> str | None:
    """The unit that the file itself gives for the values of a stream."""
    if stream.value is None:
        return None
    place = table.place(stream.value)
    return table.units.get(place) or _named_unit(table.names[place], stream.unit)


def _named_unit(name: str, unit: str) -> str | None:
    """The unit in brackets behind a name, as in ``p [bar]``; what does not measure what ``unit`` does is a remark."""
    found = _BRACKETS.fullmatch(name)
    named = runtime_unit(found[1]) if found else unit
    if named == unit or not is_unit(named):
        return None
    try:
        conversion(named, unit)
    except UnitError:
        return None
    return named


def _same_unit(one: str, other: str) -> bool:
    try:
        return is_unit(one) and conversion(one, other) == (1.0, 0.0)
    except UnitError:
        return False


def times_of(stream: Stream, table: Table, rows: IntArray, epoch: int) -> IntArray:
    """The times of some rows, MISSING where there is none."""
    if stream.period is not None:
        return _evenly(stream.period, table, epoch)[rows]
    try:
        if stream.time_format or isinstance(stream.time, tuple):
            return _date_times(stream, table, rows)
        if stream.time_unit == "clock":
            return event_times(table.spelled(stream.time)[rows], "clock", epoch)
        local = table.place(stream.time) in table.local
        cells = table.column(stream.time)[rows]
        _hint_at_unit(stream, table, cells, epoch)
        written = None if table.texts is None else partial(_decimals, table, stream.time, rows)
        return event_times(cells, stream.time_unit, epoch, stream.zone, local, written)
    except TimeError as error:
        row = None if error.place is None else int(rows[error.place])
        what = f"column {stream.time!r}: {error}" if row is None else f"column {stream.time!r}, row {row}: {error}"
        where = str(table.path) if row is None else table.where(row)
        raise RecordingError(what, where=where, remedy=error.remedy) from error


def _decimals(table: Table, column: str | int, rows: IntArray) -> Iterator[Decimal | None]:
    """The numbers of a column of text as they are written."""
    for text in table.spelled(column)[rows]:
        yield None if text is None else Decimal(text.replace(table.decimal, "."))


def _hint_at_unit(stream: Stream, table: Table, cells: Cells, epoch: int) -> None:
    """Hint at times since 1970 whose numbers are of the size of another unit."""
    if epoch or not len(cells) or cells.dtype.kind not in "fiu" or stream.time_unit not in SIZES:
        return
    fitting = unit_by_size(first := float(cells[0]))
    if fitting and SIZES[fitting] < SIZES[stream.time_unit]:
        hint_at_unit(f"{table.path}: column {stream.time!r}", first, stream.time_unit, fitting)


def _date_times(stream: Stream, table: Table, rows: IntArray) -> IntArray:
    """Date-times that are written in several columns, or not as ISO 8601 says."""
    columns = stream.time if isinstance(stream.time, tuple) else (stream.time,)
    parts = [table.spelled(column)[rows] for column in columns]
    cells = [None if None in row else " ".join(row) for row in zip(*parts, strict=True)]
    texts = np.array(cells, dtype=np.object_)
    if stream.time_format:
        return formatted_times(texts, stream.time_format, stream.zone)
    return event_times(texts, "iso", 0, stream.zone)


def _evenly(period: int, table: Table, epoch: int) -> IntArray:
    if not -LATEST < epoch + period * table.rows < LATEST:
        what = f"{table.rows} rows of {duration_text(period)} reach beyond the years 1678 to 2262"
        raise RecordingError(what, where=str(table.path), remedy="mend `period` or `epoch` in the mapping")
    return epoch + period * np.arange(table.rows, dtype=np.int64)
