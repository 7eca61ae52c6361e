"""InfluxDB's annotated CSV: tables one below the other, each below its ``#group``, ``#datatype`` and ``#default``."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.text_table import text_table
from twin_runtime.errors import RecordingError

ANNOTATIONS = (b"#group", b"#datatype", b"#default", b"#constant", b"#timezone")


def is_annotated(text: bytes) -> bool:
    """Whether a text begins with an annotation."""
    return text.lstrip().startswith(ANNOTATIONS)


def read(path: Path, text: bytes, layout: Layout) -> Table:
    """All tables of a file as one: a row of a table that lacks a column has no value in it."""
    rows = list(_rows(path, text.decode()))
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    columns = [pa.chunked_array([pa.array([row.cells.get(name, "") for row in rows], pa.string())]) for name in names]
    return text_table(path, names, columns, decimal=layout.decimal, line=lambda row: rows[row].line)


@dataclass(frozen=True, slots=True)
class _Row:
    cells: dict[str, str]
    line: int


@dataclass(slots=True)
class _Block:
    """One table: names of its columns once they have come, and what stands for an empty cell."""

    names: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)


def _rows(path: Path, text: str) -> Iterator[_Row]:
    block = _Block()
    reader = csv.reader(io.StringIO(text, newline=""))
    for record in reader:
        if not any(record) or record[0].startswith("#"):
            block = _Block() if block.names or not record else block
            if record and record[0] == "#default":
                block.defaults = record
        elif not block.names:
            block.names = record
        else:
            yield _row(path, block, record, reader.line_num)


def _row(path: Path, block: _Block, record: list[str], line: int) -> _Row:
    if len(record) != len(block.names):
        what = f"expected {len(block.names)} columns as the names above, came {len(record)}"
        raise RecordingError(what, where=f"{path}:{line}", remedy="mend that row, or export the file again")
    defaults = block.defaults or [""] * len(record)
    cells = {name: cell or default for name, cell, default in zip(block.names, record, defaults, strict=True) if name}
    if "error" in cells and "reference" in cells:
        raise RecordingError(f"the query failed: {cells['error']}", where=f"{path}:{line}", remedy="mend the query")
    return _Row(cells, line)
