"""Recordings in delimited text: commas, semicolons, tabs or bars; with a header or without."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow

from twin_adapters.recordings.arrow import cells_of, local_columns
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.errors import RecordingError

DELIMITERS = ",;\t|"


def read(path: Path, layout: Layout) -> Table:
    """Read a whole file. Empty cells, ``NA`` and ``NaN`` are missing values; a blank line is a row of them."""
    with reading(path, "a text file", "name its `format`"):
        first = _first_line(path)
    delimiter = layout.delimiter or max(DELIMITERS, key=lambda mark: len(_split(first, mark)))
    named = layout.header and not layout.columns
    columns = _parse(path, delimiter, skip=int(named))
    names = _split(first, delimiter) if named else layout.columns or [""] * columns.num_columns

    def cells(place: int) -> Cells:
        return cells_of(columns.column(place))

    return Table(path, columns.num_rows, names[: columns.num_columns], cells, local=local_columns(columns.schema))


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        first = lines.readline().rstrip("\r\n")
    if first.strip() == "#1":
        raise RecordingError("this is a Modelica table", where=str(path), remedy='say `format = "mos"` in the mapping')
    if not first.strip():
        raise RecordingError("expected columns, came an empty line", where=str(path), remedy="delete the line")
    return first


def _split(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]


def _parse(path: Path, delimiter: str, skip: int) -> pa.Table:
    """The columns as an Arrow table, without the header: names may be missing or double there."""
    columns = arrow.ReadOptions(autogenerate_column_names=True, skip_rows=skip)
    parsing = arrow.ParseOptions(delimiter=delimiter, ignore_empty_lines=False)
    remedy = "name the `delimiter` and whether there is a `header` in the mapping, or mend that row"
    with reading(path, f"a table delimited by {delimiter!r}", remedy):
        return arrow.read_csv(path, read_options=columns, parse_options=parsing)
