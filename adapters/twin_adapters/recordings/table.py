"""What a format's reader yields: the columns of one file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_runtime.errors import RecordingError

Cells = npt.NDArray[Any]
"""One column: float64 or integers (NaN or :data:`MISSING` where missing), ``datetime64[ns]``, or objects (text)."""

MISSING = np.iinfo(np.int64).min
"""What stands for an integer or a time that is not there (as NaT does in NumPy)."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one file, ``rows`` long. ``cells(i)`` reads the i-th; it may raise :class:`RecordingError`."""

    path: Path
    rows: int
    names: Sequence[str]
    """One a column; empty strings where neither the file nor its mapping names them."""
    titles: Mapping[int, str] = field(default_factory=dict, kw_only=True)
    """What columns are, in the file's own words, by place."""
    start: str = field(default="", kw_only=True)
    """The date and time that the file gives for its start, from which times count; often without an offset."""
    sparse: bool = field(default=False, kw_only=True)
    """Whether each row belongs to some of the columns only, so that an empty cell is no missing value."""
    cells: Callable[[int], Cells]
    units: Mapping[int, str] = field(default_factory=dict)
    """The units that the file itself gives, by place."""
    local: frozenset[int] = frozenset()
    """The places of date-times without an offset from UTC; all others are in UTC."""

    def column(self, column: str | int) -> Cells:
        """A column by name, or by number from 0."""
        with reading(self.path, f"readable in column {column!r}", "mend the file, or name another column"):
            return self.cells(self.place(column))

    def numbers(self, column: str | int) -> npt.NDArray[np.float64]:
        """A column of numbers as float64, NaN where missing."""
        cells = self.column(column)
        if cells.dtype.kind not in "fiub":
            raise RecordingError(
                f"expected numbers in column {column!r}, came {_sample(cells)}",
                where=str(self.path),
                remedy="name a column of numbers; for a decimal comma, convert the file",
            )
        numbers = cells.astype(np.float64)
        return np.where(cells == MISSING, np.nan, numbers) if cells.dtype.kind == "i" else numbers

    def place(self, column: str | int) -> int:
        """Where a column stands, by name, or by number from 0. Raises :class:`RecordingError` where there is none."""
        if isinstance(column, int) and column < len(self.names):
            return column
        if isinstance(column, str) and column in self.names:
            return list(self.names).index(column)
        raise RecordingError(
            f"there is no column {column!r}; there are {self._columns()}",
            where=str(self.path),
            remedy="name one of these in the mapping" if any(self.names) else "name them with `columns` in the mapping",
        )

    def _columns(self) -> str:
        return ", ".join(repr(name) if name else str(place) for place, name in enumerate(self.names))


Reader = Callable[[Path, Layout], Table]
"""A format: file and layout in, columns out. Found by entry point in the group ``twin_runtime.recordings``."""


def _sample(cells: Cells) -> str:
    """The first cell that is not a number, and its row."""
    return next((f"{cell!r} in row {row}" for row, cell in enumerate(cells) if not _is_number(cell)), "text")


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return cell is None
    return True
