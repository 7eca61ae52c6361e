"""Times of a recording as integer nanoseconds since the epoch, to the nearest nanosecond."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.mapping import UNIX_EPOCH
from twin_adapters.recordings.table import Cells
from twin_runtime.core import IntArray
from twin_runtime.durations import NANOSECONDS

MISSING = np.iinfo(np.int64).min
"""What stands for a time that is not there (as NaT does in NumPy)."""

LATEST = float(np.iinfo(np.int64).max)


def event_times(cells: Cells, unit: str, epoch: int) -> IntArray:
    """Times of one column: relative to ``epoch`` (ns) in ``unit``, or absolute for ``iso``.

    Raises ValueError where the column is not of that ``unit``.
    """
    if unit == "iso":
        return _absolute(cells)
    if cells.dtype.kind not in "fiu":
        raise ValueError(f'expected numbers ({unit}), came {_first(cells)}; for date-times say time_unit = "iso"')
    return _relative(cells, NANOSECONDS[unit], epoch)


def _relative(cells: Cells, scale: int, epoch: int) -> IntArray:
    furthest = np.abs(cells.astype(np.float64)).max(initial=0.0, where=np.isfinite(cells))
    if furthest * scale + abs(epoch) >= LATEST:
        raise ValueError(f"a time lies {furthest:g} units from the epoch, and so beyond the years 1678 to 2262")
    if cells.dtype.kind != "f":
        return cells.astype(np.int64) * scale + epoch
    present = np.isfinite(cells)
    whole = np.floor(cells, where=present, out=np.zeros(cells.shape))
    part = np.where(present, cells, 0.0) - whole  # exact, so that the one rounding below is the only one
    times = whole.astype(np.int64) * scale + np.rint(part * scale).astype(np.int64) + epoch
    return np.where(present, times, MISSING)


def _absolute(cells: Cells) -> IntArray:
    if cells.dtype.kind == "O":
        return np.fromiter((_parse(text) for text in cells), dtype=np.int64, count=len(cells))
    if cells.dtype.kind != "M":
        raise ValueError(f'expected date-times (time_unit = "iso"), came {_first(cells)}')
    return cells.astype("datetime64[ns]").astype(np.int64)


def _parse(text: str | None) -> int:
    if not text:
        return MISSING
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - UNIX_EPOCH) // timedelta(microseconds=1) * 1000


def _first(cells: npt.NDArray[np.generic]) -> str:
    return repr(cells.tolist()[0]) if len(cells) else "nothing"
