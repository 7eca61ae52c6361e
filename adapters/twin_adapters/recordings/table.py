"""What a format's reader yields: the columns of one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.mapping import Layout
from twin_runtime.errors import RecordingError

Cells = npt.NDArray[Any]
"""One column: float64 or integers (numbers, NaN where missing), ``datetime64[ns]`` in UTC, or objects (text)."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one file, ``rows`` long. ``cells(i)`` reads the i-th; it may raise :class:`RecordingError`."""

    path: Path
    rows: int
    names: Sequence[str]
    """One a column; empty strings where neither the file nor its mapping names them."""
    cells: Callable[[int], Cells]

    def column(self, column: str | int) -> Cells:
        """A column by name, or by number from 0."""
        return self.cells(self._place(column))

    def numbers(self, column: str | int) -> npt.NDArray[np.float64]:
        """A column of numbers as float64, NaN where missing."""
        cells = self.column(column)
        if cells.dtype.kind not in "fiub":
            raise RecordingError(
                f"expected numbers in column {column!r}, came {_sample(cells)}",
                where=str(self.path),
                remedy="name a column of numbers; for a decimal comma, convert the file",
            )
        return cells.astype(np.float64)

    def _place(self, column: str | int) -> int:
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
