"""What stands above the data of a text file: remarks, names, units; and what separates its columns."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.notation import HeaderLine
from twin_adapters.recordings.texts import NO_VALUE
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.errors import RecordingError

SAMPLE = 1 << 20
"""Bytes at the beginning of a file that hold its preamble."""
DELIMITERS = ";\t|,"
"""What separates columns; a comma last, as it may be a decimal mark or stand in a name."""
LINES = 20
"""Of data, by which the delimiter is found."""

_SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
_BRACKETED = re.compile(r"^[\[(]\s*(.*?)\s*[\])]$")
_SAID = re.compile(r"[^\W_]|%")
_ACTIGRAPH = re.compile(r"-+ Data (File|Table) Created By ActiGraph")
_CAMPBELL: dict[str, tuple[HeaderLine, ...]] = {"TOA5": ("skip", "names", "units", "skip"), "TOACI1": ("skip", "names")}
"""The header of Campbell's logger files, by their first word."""


class Preamble(NamedTuple):
    """What a text file says before its data; ``start`` is the byte and ``line`` the line (from 1) where they begin."""

    delimiter: str
    names: Sequence[str]
    """Empty where there are none."""
    units: dict[int, str]
    start: int
    line: int


class Marks(NamedTuple):
    """What stands between cells, and around those that hold such a mark."""

    delimiter: str
    quote: str

    def split(self, line: str) -> list[str]:
        """The cells of one line."""
        return next((cells for cells, _ in self.records([line])), [])

    def records(self, lines: Sequence[str]) -> Iterator[tuple[list[str], int]]:
        """Records, and how many lines they and those before them take: a quoted name may go over several."""
        joined = (" ".join(line.split()) for line in lines) if self.delimiter == " " else lines
        reader = csv.reader(joined, delimiter=self.delimiter, quotechar=self.quote)
        for record in reader:
            yield [" ".join(part.strip() for part in cell.splitlines()) for cell in record], reader.line_num


def preamble(path: Path, text: bytes, layout: Layout) -> Preamble:
    """Find where the data begin. Raises :class:`RecordingError` where the first line of them is taken for names."""
    lines = [line.decode(errors="replace") for line in text[:SAMPLE].splitlines(keepends=True)]
    first = layout.skip + (0 if layout.skip else _above(lines))
    separator = _SEPARATOR.fullmatch(lines[first]) if first < len(lines) else None
    remark, first = _remarks(lines, first + bool(separator), layout)
    lines, above = lines[first:], lines[:first]
    roles = _roles(lines, layout)
    assumed = layout.header is None and roles == ("names",)
    declared = layout.delimiter or (separator[1] if separator else "")
    marks = Marks(declared or _delimiter(lines, roles, layout), layout.quote)
    if assumed and _names_in_remark(remark, lines, marks):
        return Preamble(marks.delimiter, marks.split(remark), {}, _bytes(above), first + 1)
    records = list(islice(marks.records(lines), len(roles) + 1))
    if assumed:
        _refuse_data(path, [record for record, _ in records], first + 1)
    head = list(zip(records, roles, strict=False))
    taken = head[-1][0][1] if head else 0
    names = _joined([record for (record, _), role in head if role == "names"])
    units = _units([record for (record, _), role in head if role == "units"])
    return Preamble(marks.delimiter, names, units, _bytes([*above, *lines[:taken]]), first + taken + 1)


def _above(lines: Sequence[str]) -> int:
    """How many lines a known program writes above its header."""
    if lines and _ACTIGRAPH.match(lines[0]):
        return 1 + next((place for place, line in enumerate(lines[1:], 1) if line.startswith("-----")), 0)
    return 0


def _roles(lines: Sequence[str], layout: Layout) -> tuple[HeaderLine, ...]:
    """What each line of the header holds."""
    if isinstance(layout.header, tuple):
        return layout.header
    known = _CAMPBELL.get(lines[0].partition(",")[0].strip('" \r\n')) if lines else None
    if known and layout.header is not False:
        return known
    return ("names",) if _is_headed(layout) else ()


def _is_headed(layout: Layout) -> bool:
    """Whether there are lines above the data that are no remarks."""
    return not layout.columns if layout.header is None else bool(layout.header)


def _remarks(lines: Sequence[str], first: int, layout: Layout) -> tuple[str, int]:
    """The last remark above the header, and the place of the line that follows the remarks."""
    mark, last = layout.comment or "#", ""
    while first < len(lines) and (lines[first].startswith(mark) or (_is_headed(layout) and not lines[first].strip())):
        last = lines[first].strip().removeprefix(mark).strip() or last
        first += 1
    return last, first


def _names_in_remark(remark: str, lines: Sequence[str], marks: Marks) -> bool:
    """Whether the columns are named by the remark above data that have no other names."""
    cells = next((marks.split(line) for line in lines if line.strip()), [])
    return bool(remark) and len(marks.split(remark)) == len(cells) and _is_data(cells)


def _delimiter(lines: Sequence[str], roles: Sequence[HeaderLine], layout: Layout) -> str:
    """What splits the header and every one of the first data lines, and all of those alike."""
    named = next((line for line, role in zip(lines, roles, strict=False) if role == "names"), "")
    data = [line for line in islice(lines, len(roles), len(roles) + LINES) if line.strip()]
    known = [Marks(delimiter, layout.quote) for delimiter in DELIMITERS.replace(layout.decimal, "")]
    for marks in known:
        counts = {len(marks.split(line)) for line in data}
        if len(counts) == 1 and min(counts) > 1 and (not named or len(marks.split(named)) > 1):
            return marks.delimiter
    likely = named or (data[0] if data else "")
    return max(reversed(known), key=lambda marks: len(marks.split(likely))).delimiter


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names of several lines, joined; an empty cell above takes that to its left, as merged cells are saved."""
    filled = [_filled(row) for row in rows[:-1]] + [list(row) for row in rows[-1:]]
    width = max(map(len, rows), default=0)
    return [" ".join(row[place] for row in filled if place < len(row) and row[place]) for place in range(width)]


def _filled(row: Sequence[str]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        cells.append(cell or (cells[-1] if cells else ""))
    return cells


def _units(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """The units of a header line, without the brackets that may stand around them; a dash is none."""
    cells = ((place, _BRACKETED.sub(r"\1", cell)) for row in rows for place, cell in enumerate(row))
    return {place: runtime_unit(unit) for place, unit in cells if _SAID.search(unit)}


def _refuse_data(path: Path, records: Sequence[Sequence[str]], line: int) -> None:
    """Raise an error where the names are numbers and dates, or look like the row that follows."""
    first = records[0] if records else []
    kinds = [{_kind(cell) for cell in cells} - {""} for cells in zip(*records, strict=False)]
    alike = len(records) == 2 and any(map(_is_figure, first)) and all(len(kind) <= 1 for kind in kinds)
    if _is_data(first) or alike:
        raise RecordingError(
            f"expected the names of the columns, came {', '.join(map(repr, first[:5]))}",
            where=f"{path}:{line}",
            remedy="say `header = false` where the file has none, or `header = true` where these are the names",
        )


def _kind(cell: str) -> str:
    """What a cell looks like: a number, a time, a text, or nothing."""
    if cell in NO_VALUE:
        return ""
    if _TIME.fullmatch(cell):
        return "time"
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return "text"
    return "number"


def _is_figure(cell: str) -> bool:
    return _kind(cell) in {"number", "time"}


def _is_data(cells: Sequence[str]) -> bool:
    """Whether there are numbers or times among cells, and no text."""
    return any(map(_is_figure, cells)) and not any(_kind(cell) == "text" for cell in cells)


def _bytes(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) for line in lines)
