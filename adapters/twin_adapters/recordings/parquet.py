"""Recordings in Apache Parquet; only the columns asked for are read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from twin_adapters.recordings.arrow import cells_of, local_columns, units_of
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.errors import RecordingError


def read(path: Path, layout: Layout) -> Table:
    """Open a file; the names are the file's own and ``layout`` is not used."""
    del layout
    with (
        reading(path, "a Parquet file", "name its `format`, or take the file from its source again"),
        _opened(path) as file,
    ):
        schema, rows = file.schema_arrow, file.metadata.num_rows

    def cells(place: int) -> Cells:
        with (
            reading(path, f"readable in column {schema.names[place]!r}", "take the file from its source again"),
            _opened(path) as file,
        ):
            return cells_of(file.reader.read_all(column_indices=[_leaf(schema, place, path)]).column(0))

    return Table(path, rows, schema.names, cells, units_of(schema), local_columns(schema))


def _opened(path: Path) -> pq.ParquetFile:
    return pq.ParquetFile(path, page_checksum_verification=True)


def _leaf(schema: pa.Schema, place: int, path: Path) -> int:
    """The place of a column among Parquet's, of which a nested column has several."""
    if pa.types.is_nested(schema.types[place]):
        what = f"expected one value a row in column {schema.names[place]!r}, came {schema.types[place]}"
        raise RecordingError(what, where=str(path), remedy="name another column, or flatten this one")
    return sum(map(_leaves, schema.types[:place]))


def _leaves(kind: pa.DataType) -> int:
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(i).type) for i in range(kind.num_fields))
