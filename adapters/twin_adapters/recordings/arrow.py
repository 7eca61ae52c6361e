"""Arrow columns as NumPy arrays. Arrow's own way there imports pandas, which takes longer than reading a recording."""

import numpy as np
import pyarrow as pa

from twin_adapters.recordings.table import Cells
from twin_adapters.recordings.times import MISSING

NUMBERS = (
    pa.types.is_floating,
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_null,
)
"""What becomes float64 where it is not integer throughout."""


def cells_of(column: pa.ChunkedArray) -> Cells:
    """Numbers as they are (float64 with NaN where some are missing), date-times in UTC, all else as objects."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        nanoseconds = column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64())
        return _array(nanoseconds, MISSING).view("datetime64[ns]")
    if pa.types.is_integer(kind) and column.null_count == 0:
        return _array(column, MISSING)
    if any(is_kind(kind) for is_kind in NUMBERS):
        return _array(column.cast(pa.float64()), np.nan)
    return np.array(column.to_pylist(), dtype=np.object_)


def _array(column: pa.ChunkedArray, missing: float) -> Cells:
    filled = column.fill_null(missing) if column.null_count else column
    return np.from_dlpack(filled.combine_chunks())
