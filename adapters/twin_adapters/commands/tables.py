"""Tables written group by group, as CSV or Parquet."""

from pathlib import Path
from typing import Literal, Protocol, cast

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from twin_runtime.errors import ConfigError

TableFormat = Literal["csv", "parquet"]


class TableWriter(Protocol):
    """A table being written."""

    def write_table(self, table: pa.Table) -> None:
        """Append a group of rows."""
        ...

    def close(self) -> None:
        """Complete the file."""
        ...


def format_of(path: Path) -> TableFormat:
    """The format that a file's suffix names. Raises :class:`ConfigError` for any other."""
    match path.suffix:
        case ".csv":
            return "csv"
        case ".parquet":
            return "parquet"
    what = f"expected a file that ends in .csv or .parquet, got {path.name!r}"
    raise ConfigError(what, where="--out", remedy="give it one of these suffixes")


def not_writable(path: Path, error: OSError) -> ConfigError:
    """The error for a file that cannot be begun."""
    remedy = "name a file in a folder that is there and that you may write to"
    return ConfigError(f"cannot be written: {error.strerror or error}", where=str(path), remedy=remedy)


def open_table_file(path: Path, table_format: TableFormat, schema: pa.Schema) -> TableWriter:
    """Begin a table, in place of a file that may be there. Raises :class:`ConfigError` where that is not possible."""
    writer = pyarrow.csv.CSVWriter if table_format == "csv" else pyarrow.parquet.ParquetWriter
    try:
        return cast("TableWriter", writer(str(path), schema))
    except OSError as error:
        raise not_writable(path, error) from error
