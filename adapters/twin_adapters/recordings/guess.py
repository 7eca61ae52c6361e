"""Which column of a table holds its times, and in which unit: a guess, for a person to confirm."""

import re
from datetime import datetime
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.table import MISSING, Cells, Table
from twin_runtime.errors import RecordingError

NAMED = re.compile(
    r"(?i)(?:^|[^a-z])(?:_?time\w*|date\w*|timestamp|t|ts|epoch|posix\w*|utc|elapsed|when|seconds|zeit|datum|uhrzeit"
    r"|temps|tiempo|fecha|hora|tijd)(?:$|[^a-z])|time(?:stamp)?$"
)
"""What columns of times are called."""
UNIT_IN_NAME = re.compile(r"(?i)(?:[\[(_ .]|in[_ ])(ns|us|µs|ms|s|sec|secs|seconds|min|minutes|h|hours|d|days)[\])]?$")
SPELLINGS = {
    "µs": "us",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
}
UNITS = ("ns", "us", "ms", "s", "min", "h", "d")
EPOCHS = {(1e9, 4.2e9): "s", (1e12, 4.2e12): "ms", (1e15, 4.2e15): "us", (1e18, 4.2e18): "ns"}
"""Between which numbers times since 1970 lie, from 2001 to 2103, by their unit."""
DATENUMS = (693_962.0, 768_000.0)
"""MATLAB's days from 1900 to 2102."""
LOOKED_AT = 50
"""Texts that are tried as date-times."""


class Times(NamedTuple):
    """A column of times, its unit as a mapping names it, and why it is taken for that."""

    column: int
    unit: str
    reason: str
    since_1970: bool = False
    """Whether they tell the date, so that no epoch has to be given."""


def guess_times(table: Table) -> Times | None:
    """The column of times; None where no column looks like one. Columns that are called so are looked at first."""
    named = [place for place, name in enumerate(table.names) if NAMED.search(name)]
    for places in (named, range(len(table.names))):
        found = [scored for place in places if (scored := _guess(table, place))]
        if found:
            return max(found, key=lambda scored: (scored[0], -scored[1].column))[1]
    return None


def _guess(table: Table, place: int) -> tuple[int, Times] | None:
    """What a column would be as times, and how well it looks like that."""
    try:
        cells = table.column(place)
    except RecordingError:
        return None
    if cells.dtype.kind == "M":
        in_utc, called_so = place not in table.local, table.names[place] == "time"
        return 4 + in_utc + called_so, Times(place, "iso", "it holds date-times", since_1970=True)
    if cells.dtype.kind == "O":
        return (3, Times(place, "iso", "its texts are date-times", since_1970=True)) if _are_dates(cells) else None
    return _guess_numbers(table, place, _numbers(cells))


def _guess_numbers(table: Table, place: int, numbers: Cells) -> tuple[int, Times] | None:
    name = table.names[place]
    clocks = name == "time"  # where clocks stand side by side, it need not grow
    if len(numbers) < 2 or numbers.min() == numbers.max() or (np.any(np.diff(numbers) < 0) and not clocks):
        return None
    named = bool(NAMED.search(name))
    for (least, most), unit in EPOCHS.items():
        if least <= numbers.min() and numbers.max() < most and (named or least > 1e9):
            return 2, Times(place, unit, f"numbers of that size are {unit} since 1970", since_1970=True)
    if named:
        return 1 + clocks, _since_start(table, place, numbers)
    if place == 0 and np.all(np.diff(numbers) > 0):
        return 0, Times(place, "s", "it grows from row to row; nothing says in which unit")
    return None


def _since_start(table: Table, place: int, numbers: Cells) -> Times:
    """Times from an unknown epoch, by the unit that the file, the name or the size gives."""
    given = table.units.get(place, "")
    unit = SPELLINGS.get(given, given)
    if unit in UNITS:
        return Times(place, unit, "the file gives that unit")
    if match := UNIT_IN_NAME.search(table.names[place]):
        unit = match[1].lower()
        return Times(place, SPELLINGS.get(unit, unit), "its name says so")
    if DATENUMS[0] < numbers.min() and numbers.max() < DATENUMS[1]:
        return Times(place, "datenum", "numbers of that size are MATLAB's days", since_1970=True)
    return Times(place, "s", "nothing says in which unit, so seconds are assumed")


def _are_dates(cells: Cells) -> bool:
    texts = [text for text in cells[: 4 * LOOKED_AT] if text not in (None, "")][:LOOKED_AT]
    return bool(texts) and all(_is_date(text) for text in texts)


def _is_date(text: object) -> bool:
    """Whether it is a date-time of ISO 8601, and no number that could be one."""
    if not isinstance(text, str) or text.strip("0123456789") == "":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _numbers(cells: Cells) -> Cells:
    """What is there of a column of numbers."""
    if cells.dtype.kind in "iu":
        there: Cells = cells[cells != MISSING].astype(np.float64)
        return there
    return cells[~np.isnan(cells)] if cells.dtype.kind == "f" else np.empty(0)
