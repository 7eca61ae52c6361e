"""Recordings in Apache Parquet; only the columns asked for are read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from twin_adapters.recordings.arrow import cells_of
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.errors import RecordingError


def read(path: Path, layout: Layout) -> Table:
    """Open a file; the names are the file's own and ``layout`` is not used."""
    del layout
    try:
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except pa.ArrowInvalid as error:
        raise RecordingError(f"not a Parquet file: {error}", where=str(path), remedy="name its `format`") from error

    def cells(place: int) -> Cells:
        with pq.ParquetFile(path) as file:
            return cells_of(file.read(columns=[names[place]]).column(0))

    return Table(path, rows, names, cells)
