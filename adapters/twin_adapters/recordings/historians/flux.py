"""Samples of InfluxDB 2, asked by Flux."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO
from urllib.parse import quote

import numpy as np

from twin_adapters.recordings.historians.asking import MALFORMED, Database, ask, not_understood
from twin_adapters.recordings.historians.samples import Ask, Labels, Samples
from twin_adapters.recordings.historians.settings import Influx, Wanted
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.errors import RecordingError

OWN = frozenset({"", "result", "table", "_start", "_stop", "_time", "_value", "_field", "_measurement"})
"""Columns that are no tags."""
WORDS = {"true": 1.0, "false": 0.0}


def asking(database: Database, settings: Influx) -> Ask:
    """How to ask for stored values."""
    place = f"/api/v2/query?org={quote(settings.org, safe='')}"

    def stored(wanted: Wanted, start: int, end: int) -> list[Samples]:
        dialect = {"header": True, "annotations": [], "commentPrefix": "#"}
        body = {"query": script(settings.database, wanted, start, end), "type": "flux", "dialect": dialect}
        answer = ask(database, place, json.dumps(body).encode(), "application/json").decode(errors="replace")
        try:
            return list(_samples(database, wanted, answer))
        except MALFORMED as error:
            raise not_understood(database, error) from error

    return stored


def script(bucket: str, wanted: Wanted, start: int, end: int) -> str:
    """Flux for the values of [start, end)."""
    asked = {"_measurement": wanted.measurement, "_field": wanted.field, **wanted.tags}
    conditions = " and ".join(f"r[{_text(name)}] == {_text(value)}" for name, value in asked.items())
    return (
        f"from(bucket: {_text(bucket)})"
        f" |> range(start: time(v: {start}), stop: time(v: {end}))"
        f" |> filter(fn: (r) => {conditions})"
    )


def _samples(database: Database, wanted: Wanted, answer: str) -> Iterator[Samples]:
    """The samples of an answer in CSV: tables with a header each, blank lines between them."""
    rows: defaultdict[Labels, list[tuple[str, str]]] = defaultdict(list)
    names: list[str] = []
    for cells in csv.reader(StringIO(answer)):
        if not cells:
            names = []
        elif not names:
            names = cells
        else:
            row = dict(zip(names, cells, strict=False))
            _require_no_error(database, row)
            labels = tuple(sorted((name, value) for name, value in row.items() if name not in OWN and value))
            if row.get("_value", "") != "":
                rows[labels].append((row.get("_time", ""), row["_value"]))
    for labels, pairs in rows.items():
        try:
            yield Samples(labels, _times([time for time, _ in pairs]), _values([value for _, value in pairs]))
        except ValueError as error:
            raise ValueError(f"{error} in field {wanted.field!r}") from error


def _require_no_error(database: Database, row: dict[str, str]) -> None:
    """An error after the first rows comes as a row of its own."""
    if row.keys() >= {"error", "reference"}:
        what, remedy = (
            f"{database.url} answered: {row['error']}",
            "correct `database`, `org`, or the names of that series",
        )
        raise RecordingError(what, where=str(database.path), remedy=remedy)


def _times(texts: list[str]) -> IntArray:
    """RFC 3339 in UTC, to the nanosecond."""
    if not all(text.endswith("Z") for text in texts):
        raise ValueError("expected times in UTC")
    return np.array([text[:-1] for text in texts], dtype="datetime64[ns]").astype(np.int64)


def _values(texts: list[str]) -> FloatArray:
    return np.array([WORDS[text] if text in WORDS else float(text) for text in texts], dtype=np.float64)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
