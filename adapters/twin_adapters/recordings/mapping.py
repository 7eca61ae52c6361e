"""The mapping of a recording, one small TOML file: which file, which column, its unit, which sensor or input."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin_adapters.recordings.notation import Column, Columns, Criteria, Encoding, HeaderLines, Moment, Values, Zone
from twin_runtime.config.document import Document, Problem
from twin_runtime.config.explain import validated
from twin_runtime.config.sections import Name, Section, Text
from twin_runtime.durations import PositiveDuration

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Layout(Section):
    """How a file is laid out, where the file itself does not show it. What its format does not read is refused."""

    columns: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        description="the names of all columns, for a file without a header, or instead of it",
        examples=[["t", "m_dot"]],
    )
    skip: Annotated[int, Field(ge=0)] = Field(
        default=0, description="how many lines of a text file stand above its header", examples=[3]
    )
    header: HeaderLines | None = Field(
        default=None,
        description="whether a first line of a text file names the columns, or what each line of its header holds; "
        "default: it does, unless `columns` name them",
        examples=[["names", "units"]],
    )
    comment: str = Field(
        default="",
        description='what begins a line of a text file that is a remark; default: "#", above the header only',
        examples=["#"],
    )
    delimiter: Annotated[str, Field(max_length=1)] = Field(
        default="",
        description='what separates the columns of a text file (" ": any number of blanks); default: found out',
        examples=[";"],
    )
    quote: Annotated[str, Field(max_length=1, min_length=1)] = Field(
        default='"', description="what stands around cells of a text file that hold a delimiter", examples=["'"]
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="the decimal mark of the numbers in a text file", examples=[","]
    )
    encoding: Encoding = Field(
        default="", description="the encoding of a text file; default: found out", examples=["cp1252"]
    )
    table: str = Field(
        default="",
        description="which table of a Modelica file, or which file of a zip archive; default: the first, or the only",
        examples=["data"],
    )


class Place(Layout):
    """Where data lie. Given under ``[recording]`` it holds for every stream that does not give its own."""

    twin: Name | Literal[""] = Field(
        default="", description="the twin whose asset this is; default: the only one", examples=["patient-1"]
    )
    twin_column: Column | None = Field(
        default=None, description="the column that names the twin of each row, instead of `twin`", examples=["unit"]
    )
    file: str = Field(
        default="",
        description="the file, below --data or the mapping's folder; with *, ? or [ab] all files of such names",
        examples=["abp.csv"],
    )
    format: str = Field(default="", description="the format; default: by the suffix of the file", examples=["csv"])
    time: Columns = Field(
        default="time",
        description="the column of times, by name or number from 0; of date-times also several",
        examples=[["Date", "Time"]],
    )
    time_unit: Literal["ns", "us", "ms", "s", "min", "h", "d", "clock", "iso", "datenum"] = Field(
        default="s",
        description='the unit of times; "clock": hours:minutes:seconds since the epoch; "iso": date-times; '
        '"datenum": MATLAB\'s days',
        examples=["ms"],
    )
    time_format: str = Field(
        default="",
        description="how date-times are written where that is not ISO 8601: %d day, %m month, %Y year, %H %M %S, %f",
        examples=["%d.%m.%Y %H:%M:%S"],
    )
    zone: Zone | None = Field(
        default=None, description="the zone of date-times without an offset", examples=["Europe/Brussels"]
    )
    period: PositiveDuration | None = Field(
        default=None, description="the time between rows, the first at the epoch, instead of `time`", examples=["4 s"]
    )
    where: Criteria = Field(
        default={},
        description="the rows of this stream: columns, and the value or values that they hold",
        examples=[{"unit": "P06"}],
    )
    quality: Column | None = Field(
        default=None, description="the column of quality; `good` says which pass", examples=["status"]
    )
    good: Values = Field(default=(), description="the qualities of values that are used", examples=[["Good", 192]])
    missing: Values = Field(
        default=(), description="words and codes that mean that there is no value", examples=[["unavailable", -999]]
    )
    words: dict[str, float] = Field(
        default={}, description="the numbers that words among the values stand for", examples=[{"on": 1, "off": 0}]
    )

    @property
    def is_dated(self) -> bool:
        """Whether its times are date-times."""
        return self.time_unit == "iso" or bool(self.time_format)

    @property
    def layout(self) -> Layout:
        """The part that a format's reader is given."""
        return Layout.model_construct(**{name: getattr(self, name) for name in Layout.model_fields})


CHOICES = ({"twin", "twin_column"}, {"time", "period"})
"""Settings that replace each other: a stream that gives one does not take the other from ``[recording]``."""


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
    given = stream.model_fields_set
    replaced = {name for choice in CHOICES if choice & given for name in choice}
    missing = (shared.model_fields_set & Place.model_fields.keys()) - given - replaced
    return stream.model_copy(update={name: getattr(shared, name) for name in missing})


def _disagreements(mapping: Mapping) -> Iterator[Problem]:
    if not mapping.streams:
        yield Problem(("streams",), "expected at least one table [[streams]], got none", "add one for each channel")
    for number, stream in enumerate(mapping.placed):
        at = ("streams", number)
        if not stream.file:
            yield Problem(at, "expected `file`, got none", "give it here or under [recording]")
        unit = mapping.units[stream.channel]
        if stream.unit != unit:
            what = f"expected one unit for channel {stream.channel!r}, got {stream.unit!r} and {unit!r}"
            yield Problem((*at, "unit"), what, "convert the values of one of them")
        for what, remedy in _contradictions(stream):
            yield Problem(at, what, remedy)


def _contradictions(stream: Stream) -> Iterator[tuple[str, str]]:
    """Settings of one stream that exclude each other, and remedies."""
    if (stream.quality is None) != (not stream.good):
        yield "`quality` names a column and `good` what passes, got one of them", "give both or none"
    if stream.twin and stream.twin_column is not None:
        yield "expected `twin` or `twin_column`, got both", "give one of them; `where` chooses the rows of one twin"
    if stream.period is not None and stream.where:
        what = "`period` counts all rows of the file, `where` takes some of them"
        yield what, "name a column of times; values that are not good are left out with `quality`, in their place"
    if stream.period is not None and stream.twin_column is not None:
        yield "`period` counts all rows of the file, `twin_column` shares them out", "name a column of times"
    if isinstance(stream.time, tuple) and not stream.is_dated:
        yield "several columns of times are date-times", 'say time_unit = "iso", or how they are written: time_format'
    if stream.time_format and not re.search("%[yYcxGD]", stream.time_format):
        remedy = (
            'join it with the column of days: time = ["Date", "Time"]; or count from the epoch: time_unit = "clock"'
        )
        yield f"`time_format` {stream.time_format!r} has no year", remedy
    if stream.time_format and "time_unit" in stream.model_fields_set and stream.time_unit != "iso":
        yield f"`time_format` reads date-times, `time_unit` is {stream.time_unit!r}", "give one of them"


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises :class:`ConfigError` telling every problem by file, line and key."""
    document = Document.read(path)
    mapping = validated(Mapping, document)
    if problems := list(_disagreements(mapping)):
        raise document.error(problems)
    return mapping
