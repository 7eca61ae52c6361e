"""Samples of InfluxDB 1 and 3, asked by InfluxQL."""

import msgspec
import numpy as np

from twin_adapters.recordings.historians.asking import MALFORMED, Database, ask, not_understood
from twin_adapters.recordings.historians.samples import Ask, Samples
from twin_adapters.recordings.historians.settings import Influx, Wanted
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError


class Series(msgspec.Struct):
    """One series: its tags, and pairs of nanoseconds and a value."""

    values: list[tuple[int, float | bool | str | None]] = []
    tags: dict[str, str] = {}


class Result(msgspec.Struct):
    """The result of one statement."""

    series: list[Series] = []
    error: str = ""
    partial: bool = False


class Answer(msgspec.Struct):
    """The whole of an answer."""

    results: list[Result] = []
    error: str = ""


def asking(database: Database, settings: Influx) -> Ask:
    """How to ask for stored values."""

    def stored(wanted: Wanted, start: int, end: int) -> list[Samples]:
        form = {"db": settings.database, "epoch": "ns", "q": statement(wanted, start, end)}
        try:
            answer = msgspec.json.decode(ask(database, "/query", form), type=Answer)
        except MALFORMED as error:
            raise not_understood(database, error) from error
        return [_samples(database, wanted, series) for series in _series(database, answer)]

    return stored


def statement(wanted: Wanted, start: int, end: int) -> str:
    """InfluxQL for the values of [start, end), a series for each set of tags."""
    tags = "".join(f" AND {_name(tag)} = {_text(value)}" for tag, value in wanted.tags.items())
    span = f"time >= {start} AND time < {end}"
    return f"SELECT {_name(wanted.field)} FROM {_name(wanted.measurement)} WHERE {span}{tags} GROUP BY *"


def _series(database: Database, answer: Answer) -> list[Series]:
    errors = [answer.error, *(result.error for result in answer.results)]
    if wrong := next(filter(None, errors), ""):
        remedy = "correct `database`, or the names of that series"
        raise RecordingError(f"{database.url} answered: {wrong}", where=str(database.path), remedy=remedy)
    if any(result.partial for result in answer.results):
        what = f"{database.url} left out what is beyond its own limit"
        raise RecordingError(what, where=str(database.path), remedy="make `chunk` shorter")
    return [series for result in answer.results for series in result.series]


def _samples(database: Database, wanted: Wanted, series: Series) -> Samples:
    there = [(time, value) for time, value in series.values if value is not None]
    if texts := [value for _, value in there if isinstance(value, str)]:
        what = f"expected numbers in field {wanted.field!r}, came {texts[0]!r}"
        raise RecordingError(what, where=str(database.path), remedy="name a field of numbers")
    times: IntArray = np.array([time for time, _ in there], dtype=np.int64)
    values: FloatArray = np.array([value for _, value in there], dtype=np.float64)
    return Samples(tuple(sorted((tag, value) for tag, value in series.tags.items() if value)), times, values)


def _name(name: str) -> str:
    """A name of a measurement, a field or a tag."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
