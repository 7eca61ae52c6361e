"""Samples of Prometheus, and of databases that answer like it."""

import msgspec
import numpy as np

from twin_adapters.recordings.historians.asking import MALFORMED, Database, ask, not_understood
from twin_adapters.recordings.historians.samples import Ask, Samples
from twin_adapters.recordings.historians.settings import Prometheus, Wanted
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError

MILLISECOND = 1_000_000
MOST_STEPS = 10_000
"""Times of one evaluation; Prometheus allows 11 000."""


class Series(msgspec.Struct):
    """One series of a matrix: its labels, and pairs of seconds and a number as text."""

    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class Matrix(msgspec.Struct, rename="camel"):
    """The result of a query."""

    result_type: str = ""
    result: list[msgspec.Raw] = []


class Answer(msgspec.Struct, rename="camel"):
    """The whole of an answer; a cluster of VictoriaMetrics says where a part of it is out of reach."""

    status: str
    data: Matrix
    is_partial: bool = False


def asking(database: Database, settings: Prometheus) -> Ask:
    """How to ask: for stored samples, or for what the query yields at every step."""

    def stored(wanted: Wanted, start: int, end: int) -> list[Samples]:
        first, last = _milliseconds(start), _milliseconds(end) - 1
        form = {"query": f"{wanted.query}[{last + 1 - first}ms]", "time": f"{last / 1000:.3f}"}
        return _samples(database, "/api/v1/query", form, start, end)

    def evaluated(wanted: Wanted, start: int, end: int) -> list[Samples]:
        assert settings.step is not None, "it is what distinguishes the two"
        form = {"query": wanted.query, "step": f"{_milliseconds(settings.step)}ms"}
        form |= {"start": f"{_milliseconds(start) / 1000:.3f}", "end": f"{(_milliseconds(end) - 1) / 1000:.3f}"}
        return _samples(database, "/api/v1/query_range", form, start, end)

    return stored if settings.step is None else evaluated


def chunk_of(settings: Prometheus) -> int:
    """How much one request asks for: whole steps, and not too many."""
    if settings.step is None:
        return settings.chunk
    return settings.step * max(1, min(settings.chunk // settings.step, MOST_STEPS))


def _samples(database: Database, place: str, form: dict[str, str], start: int, end: int) -> list[Samples]:
    try:
        answer = msgspec.json.decode(ask(database, place, form), type=Answer)
        series = [msgspec.json.decode(one, type=Series) for one in answer.data.result]
        samples = [_between(one, start, end) for one in series]
    except MALFORMED as error:
        raise not_understood(database, error) from error
    if answer.is_partial:
        what = f"{database.url} answered without a part of its data, which is out of reach"
        raise RecordingError(what, where=str(database.path), remedy="try again when the whole of the database is up")
    return samples


def _between(series: Series, start: int, end: int) -> Samples:
    """Samples of [start, end): where a range begins and ends, versions of Prometheus differ."""
    times: IntArray = np.array([round(time * 1000) for time, _ in series.values], dtype=np.int64) * MILLISECOND
    values: FloatArray = np.array([float(value) for _, value in series.values], dtype=np.float64)
    inside = (times >= start) & (times < end)
    return Samples(tuple(sorted(series.metric.items())), times[inside], values[inside])


def _milliseconds(nanoseconds: int) -> int:
    return -(-nanoseconds // MILLISECOND)
