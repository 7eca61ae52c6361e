"""How a mapping writes columns, headers, values, moments and zones."""

import codecs
import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import PlainValidator

HeaderLine = Literal["names", "units", "skip"]
"""What a line of a header holds."""
HEADER_LINES = get_args(HeaderLine)
Cell = str | int | float | bool

_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")


def _column(value: object) -> str | int:
    if (isinstance(value, str) and value) or (type(value) is int and value >= 0):
        return value
    raise ValueError(f"expected the name of a column or its number from 0, got {value!r}")


def _aware(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise ValueError(f"expected a date-time with an offset such as 2020-01-01T00:00:00Z, got {value}")


def _zone(value: object) -> str:
    if isinstance(value, str) and (_OFFSET.fullmatch(value) or value in available_timezones()):
        return value
    raise ValueError(f'expected a time zone such as "Europe/Brussels", "UTC" or "+01:00", got {value!r}')


def _columns(value: object) -> str | int | tuple[str | int, ...]:
    return tuple(map(_column, value)) if isinstance(value, list | tuple) and value else _column(value)


def _header(value: object) -> "bool | tuple[HeaderLine, ...]":
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple) and all(line in HEADER_LINES for line in value):
        return tuple(value)
    lines = ", ".join(f'"{line}"' for line in HEADER_LINES)
    raise ValueError(f"expected true, false or a list of what each line holds ({lines}), got {value!r}")


def _values(value: object) -> "tuple[Cell, ...]":
    values = value if isinstance(value, list | tuple) else [value]
    if values and all(isinstance(one, str | int | float) for one in values):
        return tuple(values)
    raise ValueError(f"expected a text, a number, true or false, or a list of such, got {value!r}")


def _missing(value: object) -> "tuple[Cell, ...]":
    return () if value in ([], ()) else _values(value)


def _encoding(value: object) -> str:
    with suppress(LookupError):
        if isinstance(value, str):
            return codecs.lookup(value).name
    raise ValueError(f'expected an encoding such as "utf-8", "utf-16" or "cp1252", got {value!r}')


Column = Annotated[str | int, PlainValidator(_column)]
"""A column by its name, or by its number from 0."""
Columns = Annotated[str | int | tuple[str | int, ...], PlainValidator(_columns)]
"""A column, or several that together hold a date-time."""
HeaderLines = Annotated[bool | tuple[HeaderLine, ...], PlainValidator(_header)]
Criteria = dict[str, Annotated[tuple[Cell, ...], PlainValidator(_values)]]
"""Columns, and the values of each that pass."""
Moment = Annotated[datetime, PlainValidator(_aware)]
"""A date-time of TOML with its offset from UTC, unquoted."""
Zone = Annotated[str, PlainValidator(_zone)]
"""A time zone by its name, or by a constant offset from UTC."""
Encoding = Annotated[str, PlainValidator(_encoding)]
"""The name of an encoding that Python knows."""
Values = Annotated[tuple[Cell, ...], PlainValidator(_missing)]
"""Texts and numbers, or none."""
