"""The mapping of a recording, one small TOML file: which file, which column, its unit, which sensor or input."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field, PlainValidator, model_validator

from twin_runtime.config.document import Document, Problem
from twin_runtime.config.explain import validated
from twin_runtime.config.sections import Name, Section, Text
from twin_runtime.durations import PositiveDuration

_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


Column = Annotated[str | int, PlainValidator(_column)]
"""A column by its name, or by its number from 0."""
Moment = Annotated[datetime, PlainValidator(_aware)]
"""A date-time of TOML with its offset from UTC, unquoted."""


Zone = Annotated[str, PlainValidator(_zone)]
"""A time zone by its name, or by a constant offset from UTC."""


class Layout(Section):
    """How a file is laid out, where the file itself does not show it. A format ignores what does not concern it."""

    columns: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="the names of all columns, for a file without a header", examples=[["t", "m_dot"]]
    )
    header: bool = Field(default=True, description="whether the first line of a text file names the columns")
    delimiter: Annotated[str, Field(max_length=1)] = Field(
        default="", description="what separates the columns of a text file; default: found out", examples=[";"]
    )
    table: str = Field(default="", description="which table of a Modelica file; default: the first", examples=["data"])


class Place(Layout):
    """Where data lie. Given under ``[recording]`` it holds for every stream that does not give its own."""

    twin: Name | Literal[""] = Field(
        default="", description="the twin whose asset this is; default: the only one", examples=["patient-1"]
    )
    file: str = Field(default="", description="the file, below --data or the mapping's folder", examples=["abp.csv"])
    format: str = Field(default="", description="the format; default: by the suffix of the file", examples=["csv"])
    time: Column = Field(default="time", description="the column of times, by name or number from 0", examples=["t"])
    time_unit: Literal["ns", "us", "ms", "s", "min", "h", "d", "iso", "datenum"] = Field(
        default="s", description='the unit of times; "iso": date-times; "datenum": MATLAB\'s days', examples=["ms"]
    )
    zone: Zone | None = Field(
        default=None, description="the zone of date-times without an offset", examples=["Europe/Brussels"]
    )
    period: PositiveDuration | None = Field(
        default=None, description="the time between rows, the first at the epoch, instead of `time`", examples=["4 s"]
    )
    where: dict[str, str | int | float | bool] = Field(
        default={}, description="values that other columns of a row must hold", examples=[{"unit": "P06"}]
    )

    @property
    def layout(self) -> Layout:
        """The part that a format's reader is given."""
        return Layout(**{name: getattr(self, name) for name in Layout.model_fields})


class Header(Place):
    """``[recording]``: the whole recording."""

    name: str = Field(default="", description="what to call the recording; default: by the mapping's file name")
    epoch: Moment = Field(
        default=UNIX_EPOCH, description="the moment from which times count, unquoted: epoch = 2020-01-01T00:00:00Z"
    )

    @property
    def epoch_ns(self) -> int:
        """The epoch in nanoseconds since 1970."""
        return (self.epoch - UNIX_EPOCH) // timedelta(microseconds=1) * 1000


class Stream(Place):
    """One of ``[[streams]]``: one channel of one twin, from one column, or a constant at the time of every event."""

    channel: Name = Field(description="the sensor or input of the configuration", examples=["abp"])
    value: Column | None = Field(
        default=None, description="the column of values, by name or number from 0", examples=["abp"]
    )
    constant: float | None = Field(default=None, description="the value of every event", examples=[1.0])
    unit: Text = Field(description='the unit of the values as recorded ("1": none)', examples=["mmHg"])
    file_unit: str = Field(
        default="", description="how the file itself names that unit, where it differs from `unit`", examples=["NU"]
    )

    @model_validator(mode="after")
    def _one_source_of_values(self) -> "Stream":
        if (self.value is None) == (self.constant is None):
            raise ValueError(f"expected `value` (a column) or `constant` (for events), got {self._given()}")
        return self

    def _given(self) -> str:
        return "neither" if self.value is None else "both"


class Mapping(Section):
    """A whole mapping file. Use :attr:`placed`, the streams with the values of ``[recording]`` filled in."""

    recording: Header = Field(default=Header(), description="what holds for all streams")
    streams: Annotated[tuple[Stream, ...], Field(strict=False)] = Field(
        description="a table [[streams]] for each channel with channel, unit, file, time, and value or constant"
    )

    @property
    def placed(self) -> tuple[Stream, ...]:
        """Every stream with the whole of its place."""
        return tuple(_placed(stream, self.recording) for stream in self.streams)

    @property
    def units(self) -> dict[str, str]:
        """The unit of each channel, in the order in which the streams name the channels."""
        return {stream.channel: stream.unit for stream in self.streams}


def _placed(stream: Stream, shared: Place) -> Stream:
    missing = (shared.model_fields_set & Place.model_fields.keys()) - stream.model_fields_set
    return stream.model_copy(update={name: getattr(shared, name) for name in missing})


def _disagreements(mapping: Mapping) -> Iterator[Problem]:
    if not mapping.streams:
        yield Problem(("streams",), "expected at least one table [[streams]], got none", "add one for each channel")
    for number, stream in enumerate(mapping.placed):
        if not stream.file:
            yield Problem(("streams", number), "expected `file`, got none", "give it here or under [recording]")
        unit = mapping.units[stream.channel]
        if stream.unit != unit:
            what = f"expected one unit for channel {stream.channel!r}, got {stream.unit!r} and {unit!r}"
            yield Problem(("streams", number, "unit"), what, "convert the values of one of them")


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises :class:`ConfigError` telling every problem by file, line and key."""
    document = Document.read(path)
    mapping = validated(Mapping, document)
    if problems := list(_disagreements(mapping)):
        raise document.error(problems)
    return mapping
