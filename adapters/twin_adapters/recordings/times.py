"""Times of a recording as integer nanoseconds since the epoch, to the nearest nanosecond."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.cells import MISSING, Cells
from twin_adapters.recordings.mapping import UNIX_EPOCH
from twin_adapters.recordings.texts import numbers
from twin_adapters.recordings.zones import TimeError, in_utc
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.durations import NANOSECONDS

DATENUM_OF_1970 = 719_529
"""MATLAB counts days from a year 0."""
LATEST = float(np.iinfo(np.int64).max)
Written = Callable[[], Iterable[Decimal | None]]
SIZES = {"s": 1e9, "ms": 1e12, "us": 1e15, "ns": 1e18}
"""What the years 2001 to 2286 count from, in units of time since 1970."""
_CLOCK = re.compile(r"(?:(\d{1,6}):(?=\d+:)|(?=\d+:\d+[.,]))([0-5]?\d):([0-5]?\d)(?:[.,](\d+))?")
_FRACTION = re.compile(r"[.,](\d+)")


def event_times(
    cells: Cells,
    unit: str,
    epoch: int,
    zone: str | None = None,
    local: bool = False,
    written: Written | None = None,
) -> IntArray:
    """Times of one column: relative to ``epoch`` (ns) in ``unit``, or absolute for ``iso``.

    ``local`` date-times have no offset and are of ``zone``. ``written`` gives numbers with all their digits, for those
    that float64 does not hold. Raises :class:`TimeError` where the column is not of
    that ``unit``.
    """
    if unit == "iso":
        return _absolute(cells, zone, local)
    if unit == "clock":
        return _clock(cells, epoch)
    cells = _numbers(cells, unit) if cells.dtype.kind == "O" else cells
    if cells.dtype.kind not in "fiu":
        raise TimeError(f'expected numbers ({unit}), came {_first(cells)}; for date-times say time_unit = "iso"')
    if unit == "datenum":
        return _relative(cells.astype(np.float64) - DATENUM_OF_1970, NANOSECONDS["d"], epoch, None)
    return _relative(cells, NANOSECONDS[unit], epoch, written)


def unit_by_size(number: float) -> str | None:
    """The unit in which a number counts from 1970 to our years, by its size."""
    return next((unit for unit, least in SIZES.items() if least <= number < 10 * least), None)


def formatted_times(texts: Cells, form: str, zone: str | None) -> IntArray:
    """Date-times of a column of text, written as strptime's ``form`` says; None where there is none."""
    import pandas as pd  # late: it takes longer to load than most recordings

    given = np.array([text is not None for text in texts], dtype=np.bool_)
    utc = "%z" in form
    try:
        read = pd.to_datetime(pd.Series(texts[given], dtype=object), format=form, errors="coerce", exact=True, utc=utc)
    except ValueError as error:
        raise TimeError(f"`time_format` {form!r} is none: {error}", remedy="write it as strptime reads it") from None
    if read.isna().any():
        place = int(np.flatnonzero(given)[np.flatnonzero(read.isna())[0]])
        remedy = "mend that row, or `time_format` in the mapping"
        raise TimeError(f"expected a date-time written as {form!r}, came {texts[place]!r}", place, remedy)
    moments = read.dt.tz_localize(None).to_numpy() if utc else read.to_numpy()
    if moments.dtype.kind == "M" and np.any(np.abs(moments.astype("datetime64[s]").astype(np.int64)) > LATEST / 1e9):
        raise TimeError("a time lies beyond the years 1678 to 2262")
    times = np.full(len(texts), MISSING, dtype=np.int64)
    times[given] = moments.astype("datetime64[ns]").astype(np.int64)
    return times if utc else in_utc(times, zone, np.arange(len(times)))


def _relative(cells: Cells, scale: int, epoch: int, written: Written | None) -> IntArray:
    present = ~np.isnan(cells) if cells.dtype.kind == "f" else cells != MISSING
    furthest = np.abs(cells.astype(np.float64)).max(initial=0.0, where=present)
    if not furthest * scale + abs(epoch) < LATEST:
        fitting = unit_by_size(furthest)
        remedy = f'say time_unit = "{fitting}" in the mapping, which would fit' if fitting else ""
        what = f"a time lies {furthest:g} units from the epoch, and so beyond the years 1678 to 2262"
        raise TimeError(what, remedy=remedy)
    if cells.dtype.kind == "f" and furthest * scale > 2**53 and written is not None:
        exact = [MISSING if n is None else int((n * scale).to_integral_value()) + epoch for n in written()]
        return np.array(exact, dtype=np.int64)
    if cells.dtype.kind == "f" and scale == 1 and furthest > 2**53:
        what = "times in ns came as numbers that are not whole, and do not hold their last digits"
        raise TimeError(what, remedy="write whole numbers; where there is no time, leave the cell empty")
    known = np.where(present, cells, 0)
    if cells.dtype.kind != "f":
        return np.where(present, known.astype(np.int64) * scale + epoch, MISSING)
    whole = np.floor(known)
    part = known - whole  # exact, so that the one rounding below is the only one
    times = whole.astype(np.int64) * scale + np.rint(part * scale).astype(np.int64) + epoch
    return np.where(present, times, MISSING)


def _clock(texts: Cells, epoch: int) -> IntArray:
    """Hours, minutes and seconds since ``epoch``; without hours where seconds have a fraction.

    They do not go back by half a day: that would be another day.
    """
    times = np.full(len(texts), MISSING, dtype=np.int64)
    last = 0
    for place, text in enumerate(texts):
        if text is None:
            continue
        parts = _CLOCK.fullmatch(str(text))
        if parts is None:
            what = f'expected hours:minutes:seconds (time_unit = "clock"), came {text!r}'
            raise TimeError(what, place, "mend that row, or `time` or `time_unit` in the mapping")
        hours, minutes, seconds, fraction = parts.groups(default="0")
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        time = whole * NANOSECONDS["s"] + int(fraction[:9].ljust(9, "0"))
        if time < last - 12 * NANOSECONDS["h"]:
            what = f"{text} goes back by more than 12 h: a clock does not tell the day"
            raise TimeError(what, place, 'give the column of days too: time = ["Date", "Time"]')
        last = max(last, time)
        times[place] = time + epoch
    return times


def _numbers(texts: Cells, unit: str) -> FloatArray:
    found, wrong = numbers(texts, ".", {})
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        what = f'expected numbers ({unit}), came {texts[place]!r}; for date-times say time_unit = "iso"'
        raise TimeError(what, place, "mend that row, or `time` or `time_unit` in the mapping")
    return found


def _absolute(cells: Cells, zone: str | None, local: bool) -> IntArray:
    if cells.dtype.kind == "O":
        times, naive = _parsed(cells)
        times[naive] = in_utc(times[naive], zone, np.flatnonzero(naive))
        return times
    if cells.dtype.kind != "M":
        remedy = 'mend `time` or `time_unit`, or say how date-times are written: time_format = "%Y%m%d %H%M%S"'
        raise TimeError(f'expected date-times (time_unit = "iso"), came {_first(cells)}', remedy=remedy)
    times = cells.astype("datetime64[ns]").astype(np.int64)
    return in_utc(times, zone, np.arange(len(times))) if local else times


def _parsed(cells: Cells) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Each text in nanoseconds, and whether it has no offset."""
    times, naive = np.full(len(cells), MISSING, dtype=np.int64), np.zeros(len(cells), dtype=np.bool_)
    for place, text in enumerate(cells):
        if text is not None and text != "":
            times[place], naive[place] = _parse(text, place)
    return times, naive


def _parse(text: object, place: int) -> tuple[int, bool]:
    """Its nanoseconds, with the digits beyond microseconds, and whether it has no offset."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else repr(text))
    except ValueError:
        remedy = "mend that row, or name the column of date-times in `time`; where they are written in another way, "
        remedy += 'say how: time_format = "%d.%m.%Y %H:%M:%S"'
        raise TimeError(f'expected a date-time (time_unit = "iso"), came {text!r}', place, remedy) from None
    fraction = _FRACTION.search(str(text))
    beyond = int(fraction[1][6:9].ljust(3, "0")) if fraction else 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UNIX_EPOCH.tzinfo)
    time = (aware - UNIX_EPOCH) // timedelta(microseconds=1) * 1000 + beyond
    if not -LATEST < time < LATEST:
        raise TimeError(f"{text} lies beyond the years 1678 to 2262", place)
    return time, moment.tzinfo is None


def _first(cells: npt.NDArray[np.generic]) -> str:
    return repr(cells.tolist()[0]) if len(cells) else "nothing"
