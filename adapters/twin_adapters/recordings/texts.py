"""Columns of text as what they say: integers, numbers, date-times, or text."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twin_adapters.recordings.arrow import cells_of
from twin_adapters.recordings.cells import Cells
from twin_runtime.core import FloatArray

NO_VALUE = (
    *("", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-NaN", "-nan"),
    *("NULL", "null", "Null", "None", "none", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""What programs write where they have no value."""

KINDS = (pa.int64(), pa.float64(), pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.bool_())
"""What a column of text may hold; it is of the first kind that all its cells are of."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_INFINITE = r"^(?i:[+-]?inf(inity)?)$"
_NONE = pa.scalar(None, pa.string())


def typed(column: pa.ChunkedArray, decimal: str) -> tuple[Cells, bool]:
    """What a column of text says, and whether it is date-times without an offset from UTC."""
    known = present(column)
    if known.null_count == len(known):
        return np.full(len(known), np.nan), False
    for kind in KINDS:
        cast = _cast(known, kind, decimal)
        if cast is not None:
            return cells_of(cast), kind == pa.timestamp("ns")
    return objects(known), False


def present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without blanks around its cells; null where there is no value."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, pa.array(NO_VALUE)), _NONE, trimmed)


def objects(column: pa.ChunkedArray) -> Cells:
    """A column of text as Python's, None where null."""
    return np.array(column.to_pylist(), dtype=np.object_)


def numbers(texts: Cells, decimal: str, words: Mapping[str, float]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The numbers that texts say, NaN where they say that there is none; and which texts are no number.

    ``words`` says what words among them mean; before that, ``true`` is 1 and ``false`` is 0.
    """
    known = present(pa.array([None if text is None else str(text) for text in texts], pa.string()))
    meanings = {"true": 1.0, "false": 0.0, "True": 1.0, "False": 0.0, **words}
    place = pc.index_in(known, pa.array(list(meanings), pa.string()))
    meant = pc.take(pa.array(list(meanings.values()), pa.float64()), place)
    known = _with_point(pc.if_else(place.is_valid(), _NONE, known), decimal)
    right = pc.or_(pc.match_substring_regex(known, _NUMBER), pc.match_substring_regex(known, _INFINITE))
    found = _floats(pc.coalesce(meant, pc.cast(pc.if_else(right, known, _NONE), pa.float64())))
    return found, ~_flags(right) | _overflown(known, found)


def _cast(column: pa.ChunkedArray, kind: pa.DataType, decimal: str) -> pa.ChunkedArray | None:
    """The column as another kind; None where it is not of it."""
    column = _with_point(column, decimal) if pa.types.is_floating(kind) else column
    try:
        cast = pc.cast(column, kind)
    except pa.ArrowInvalid:
        return None
    if pa.types.is_integer(kind) and pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py():
        return None  # hexadecimal
    if pa.types.is_floating(kind) and _overflown(column, _floats(cast)).any():
        return None
    return cast


def _with_point(column: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    """Numbers with a decimal point; where the comma is one, what has a point is left as it is and so no number."""
    if decimal == ".":
        return column
    pointed = pc.match_substring(column, ".")
    return pc.if_else(pointed, pc.binary_join_element_wise("?", column, ""), pc.replace_substring(column, ",", "."))


def _overflown(texts: pa.ChunkedArray, found: FloatArray) -> npt.NDArray[np.bool_]:
    """Which numbers are infinite although their texts are not."""
    infinite = np.isinf(found)
    if infinite.any():
        infinite &= ~_flags(pc.match_substring_regex(texts, _INFINITE))
    return infinite


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.fill_null(np.nan), dtype=np.float64)


def _flags(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """What is not there counts as true."""
    return np.asarray(column.fill_null(True), dtype=np.bool_)
