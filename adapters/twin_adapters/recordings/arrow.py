"""Arrow columns as NumPy arrays. Arrow's own way there imports pandas, which takes longer than reading a recording."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twin_adapters.recordings.cells import MISSING, Cells

NUMBERS = (
    pa.types.is_floating,
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_null,
)
"""What becomes float64 where it is not an integer that int64 holds."""
LARGEST = 2**63 - 1
"""The largest integer that int64 holds."""


def cells_of(column: pa.ChunkedArray) -> Cells:
    """Integers and date-times exact, other numbers as float64, all else as objects."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_date(kind):
        return cells_of(column.cast(pa.timestamp("ns")))
    if pa.types.is_timestamp(kind):
        nanoseconds = column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64())
        return _array(nanoseconds, MISSING).view("datetime64[ns]")
    if pa.types.is_integer(kind) and column.null_count == 0:
        return _array(column, MISSING)
    if pa.types.is_integer(kind) and (not pa.types.is_uint64(kind) or (pc.max(column).as_py() or 0) <= LARGEST):
        return _array(column.cast(pa.int64()), MISSING)
    if any(is_kind(kind) for is_kind in NUMBERS):
        return _array(column.cast(pa.float64(), safe=False), np.nan)
    return np.array(column.to_pylist(), dtype=np.object_)


def local_columns(schema: pa.Schema) -> frozenset[int]:
    """The places of date-times without an offset from UTC."""
    return frozenset(place for place, kind in enumerate(schema.types) if _is_local(kind))


def units_of(schema: pa.Schema) -> dict[int, str]:
    """The units that columns carry in their metadata, as ``unit`` or ``units``."""
    metadata = enumerate(field.metadata or {} for field in schema)
    found = ((place, known.get(b"unit", known.get(b"units"))) for place, known in metadata)
    return {place: unit.decode(errors="replace") for place, unit in found if unit}


def _is_local(kind: pa.DataType) -> bool:
    return pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)


def _array(column: pa.ChunkedArray, missing: float) -> Cells:
    filled = column.fill_null(missing) if column.null_count else column
    return np.from_dlpack(filled.combine_chunks())
