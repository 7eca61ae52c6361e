"""What a metric says: a number, or why it is none."""

import math
from typing import Any

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused

SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
"""Bits of the signed whole numbers, by data type: Int8 to Int64."""

UNSIGNED = frozenset({5, 6, 7, 8})
REAL = frozenset({9, 10})
BOOLEAN = 11

NAMES = (  # noqa: SIM905
    "Unknown Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean String DateTime Text UUID DataSet"
    " Bytes File Template PropertySet PropertySetList Int8Array Int16Array Int32Array Int64Array UInt8Array UInt16Array"
    " UInt32Array UInt64Array FloatArray DoubleArray BooleanArray StringArray DateTimeArray"
).split()
"""Names of the data types, in the order of their numbers."""

SHAPED = frozenset({16, 19, *range(22, 35)})
"""Data types that hold more than one value."""

GOOD = 192


def number(metric: Any, datatype: int) -> float:  # noqa: ANN401  # classes made from a description have no types
    """The number that a metric of a data type holds; raises :class:`Refused` where it holds none that can be used."""
    _require_good(metric)
    held = metric.WhichOneof("value")
    if metric.is_null or held is None:
        raise Refused(Code.NO_VALUE, "null: there is no value")
    value = getattr(metric, held)
    if datatype in SIGNED and held in ("int_value", "long_value"):
        return float(_signed(value, SIGNED[datatype]))
    if datatype in UNSIGNED and held in ("int_value", "long_value"):
        return float(value)
    if held in ("float_value", "double_value", "boolean_value") and datatype in (0, *REAL, BOOLEAN):
        return _finite(float(value))
    code = Code.WRONG_SHAPE if datatype in SHAPED or held in ("dataset_value", "template_value") else Code.WRONG_TYPE
    raise Refused(code, f"expected a number or a boolean, got {type_name(datatype)} in {held}")


def type_name(datatype: int) -> str:
    """The name of a data type."""
    return NAMES[datatype] if datatype < len(NAMES) else f"data type {datatype}"


def is_ambiguous(metric: Any, datatype: int) -> bool:  # noqa: ANN401
    """Whether the value cannot be read without the data type, which only a birth gives."""
    return datatype == 0 and metric.WhichOneof("value") in ("int_value", "long_value")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Refused(Code.NOT_FINITE, "a value that is not a finite number")
    return value


def _signed(value: int, bits: int) -> int:
    """A whole number from its two's complement, whose sign may have been extended beyond its own bits or not."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _require_good(metric: Any) -> None:  # noqa: ANN401
    """Refuse a value whose property ``Quality`` is not GOOD: it may be BAD (0) or STALE (500)."""
    properties = dict(zip(metric.properties.keys, metric.properties.values, strict=False))
    quality = properties.get("Quality")
    held = None if quality is None or quality.is_null else quality.WhichOneof("value")
    if held is not None and (code := getattr(quality, held)) != GOOD:
        meaning = {0: "BAD", 500: "STALE"}.get(code, str(code))
        raise Refused(Code.BAD_QUALITY, f"its quality is {meaning}, not GOOD")
