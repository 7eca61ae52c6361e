"""What a format's reader yields: the columns of one file."""

import json
import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from twin_adapters.recordings.cells import MISSING, Cells
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.texts import numbers
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError

__all__ = ["MISSING", "Cells", "Reader", "Table"]

NO_WORDS: Mapping[str, float] = {}
_COMMA, _POINT = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?"), re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")


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
    local: Container[int] = frozenset()
    """The places of date-times without an offset from UTC; all others are in UTC."""
    texts: Callable[[int], Cells] | None = None
    """Reads the i-th column as a file of text spells it, None where there is no value."""
    decimal: str = "."
    """The decimal mark of numbers among text."""
    line: Callable[[int], int] | None = None
    """In which line of a file of text a row is."""
    _kept: dict[int, Cells] = field(default_factory=dict, init=False, repr=False, compare=False)

    def column(self, column: str | int) -> Cells:
        """A column by name, or by number from 0; read once."""
        place = self.place(column)
        if place not in self._kept:
            with reading(self.path, f"readable in column {column!r}", "mend the file, or name another column"):
                self._kept[place] = self.cells(place)
        return self._kept[place]

    def spelled(self, column: str | int) -> Cells:
        """A column as text, None where there is no value."""
        if self.texts is None:
            return _spelled(self.column(column))
        with reading(self.path, f"readable in column {column!r}", "mend the file, or name another column"):
            return self.texts(self.place(column))

    def numbers(
        self,
        column: str | int,
        rows: IntArray | slice = slice(None),
        words: Mapping[str, float] = NO_WORDS,
        missing: Collection[float] = (),
    ) -> FloatArray:
        """The numbers in some rows of a column as float64, NaN where there is none or one of ``missing``.

        ``words`` says what words among them mean.
        """
        cells = self.column(column)[rows]
        if cells.dtype.kind not in "Ofiub":
            raise self._no_numbers(column, f"date-times such as {cells[0]}" if len(cells) else "date-times")
        if cells.dtype.kind == "O":
            found, wrong = numbers(cells, self.decimal, words)
            if wrong.any():
                first = int(np.flatnonzero(wrong)[0])
                row, texts = int(np.arange(self.rows)[rows][first]), list(dict.fromkeys(cells[wrong].tolist()))
                raise self._no_numbers(column, f"{cells[first]!r} in row {row}", self.where(row), texts)
        else:
            found = cells.astype(np.float64)
            found = np.where(cells == MISSING, np.nan, found) if cells.dtype.kind == "i" else found
        return np.where(np.isin(found, list(missing)), np.nan, found) if missing else found

    def where(self, row: int) -> str:
        """Where a row is: its file, and the line in a file of text."""
        return str(self.path) if self.line is None else f"{self.path}:{self.line(row)}"

    def place(self, column: str | int) -> int:
        """Where a column stands, by name, or by number from 0. Raises :class:`RecordingError` where it is not one."""
        if isinstance(column, int) and column < len(self.names):
            return column
        places = [place for place, name in enumerate(self.names) if name and name == column]
        if len(places) == 1:
            return places[0]
        if places:
            what = f"there are {len(places)} columns {column!r}, with the numbers {', '.join(map(str, places))}"
            raise RecordingError(what, where=str(self.path), remedy="name one by its number in the mapping")
        remedy = "name one of these in the mapping" if any(self.names) else "name them with `columns` in the mapping"
        if self.line is not None and len(self.names) == 1:
            remedy += ', or what separates columns with `delimiter` (" ": blanks)'
        what = f"there is no column {column!r}; there are {self._columns()}"
        raise RecordingError(what, where=str(self.path), remedy=remedy)

    def _columns(self) -> str:
        return ", ".join(repr(name) if name else str(place) for place, name in enumerate(self.names))

    def _no_numbers(
        self, column: str | int, came: str, where: str = "", wrong: Sequence[object] = ()
    ) -> RecordingError:
        what = f"expected numbers in column {column!r}, came {came}"
        return RecordingError(what, where=where or str(self.path), remedy=_remedy(wrong, self.decimal))


Reader = Callable[[Path, Layout], Table]
"""A format: file and layout in, columns out. Found by entry point in the group ``twin_runtime.recordings``."""


def _spelled(cells: Cells) -> Cells:
    """Cells as text, None where missing."""
    missing = cells == MISSING if cells.dtype.kind == "i" else cells != cells  # noqa: PLR0124  # NaN and NaT
    texts = [None if gone or cell is None else str(cell) for cell, gone in zip(cells, missing, strict=True)]
    return np.array(texts, dtype=np.object_)


def _remedy(wrong: Sequence[object], decimal: str) -> str:
    """What to do about texts where numbers should be."""
    texts = [text for text in wrong if isinstance(text, str)]
    if not texts:
        return "name a column of numbers"
    if decimal == "." and all(_COMMA.fullmatch(text) for text in texts):
        return 'say decimal = "," in the mapping'
    if decimal == "," and all(_POINT.fullmatch(text) for text in texts):
        return "leave out `decimal`, or mend that row: it has a decimal point"
    words = ", ".join(json.dumps(text, ensure_ascii=False) for text in texts[:8])
    return f"mend that row or name a column of numbers; where there is no value, say missing = [{words}]"
