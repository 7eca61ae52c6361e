"""From a query file to columns: the samples of every series between two moments, asked for in chunks."""

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from twin_adapters.addresses import warn_of_clear_text
from twin_adapters.recordings.historians import flux, influxql, prometheus
from twin_adapters.recordings.historians.asking import Database
from twin_adapters.recordings.historians.samples import Ask, Labels, Samples
from twin_adapters.recordings.historians.settings import Query, authorization, read_query
from twin_adapters.recordings.mapping import UNIX_EPOCH, Layout
from twin_adapters.recordings.series import Clock, Series, side_by_side
from twin_adapters.recordings.table import Table
from twin_runtime.cli.output import progress
from twin_runtime.errors import RecordingError

Found = dict[Labels, list[Samples]]
"""The samples of one series of a query file, by their labels in the database."""


def read(path: Path, layout: Layout) -> Table:
    """Ask for all series of a query file. One that matches several series of the database is a column for each.

    ``layout`` is not used.
    """
    del layout
    query = read_query(path)
    found = _found(path, query)
    clocks: list[Clock] = []
    columns: list[Series] = []
    for name, wanted in query.series.items():
        for labels, samples in sorted(found[name].items(), key=lambda item: item[0]):  # databases answer in any order
            times = np.concatenate([one.times for one in samples]).view("datetime64[ns]")
            values = np.concatenate([one.values for one in samples])
            column = name if len(found[name]) == 1 else name + _label_text(_differing(labels, found[name]))
            columns.append(Series(column, len(clocks), values.copy, wanted.unit, _label_text(labels)))
            clocks.append(Clock(len(times), times.copy))
    return side_by_side(path, clocks, columns, unit="")


def _found(path: Path, query: Query) -> dict[str, Found]:
    """All samples of all series. Raises :class:`RecordingError` for a series of which there are none."""
    ask, chunk = _asking(path, query)
    begin, end = _nanoseconds(query.database.begin), _nanoseconds(query.database.end)
    windows = [(start, min(start + chunk, end)) for start in range(begin, end, chunk)]
    found: dict[str, Found] = {name: defaultdict(list) for name in query.series}
    requests = [(name, window) for name in query.series for window in windows]
    with progress(f"asking {query.database.url}", len(requests)) as advance:
        for done, (name, (start, stop)) in enumerate(requests, 1):
            for samples in ask(query.series[name], start, stop):
                if len(samples.times):
                    found[name][samples.labels].append(samples)
            advance(done)
    if empty := [name for name, parts in found.items() if not parts]:
        what = f"{query.database.url} holds nothing of series {', '.join(map(repr, empty))} in that time"
        raise RecordingError(what, where=str(path), remedy="mend its query, `from` or `until`, or leave it out")
    return found


def _asking(path: Path, query: Query) -> tuple[Ask, int]:
    """How to ask, and how much of the time at once."""
    settings = query.database
    if settings.has_secret and settings.in_the_clear:
        warn_of_clear_text("the token or password", settings.url)
    if query.prometheus is not None:
        headers = authorization(settings, "prometheus", "Bearer")
        database = Database(path, settings.url, settings.timeout, headers)
        return prometheus.asking(database, query.prometheus), prometheus.chunk_of(query.prometheus)
    assert query.influx is not None, "a query file names one of the two"
    database = Database(path, settings.url, settings.timeout, authorization(settings, "influx", "Token"))
    language = flux if query.influx.version == 2 else influxql
    return language.asking(database, query.influx), settings.chunk


def _nanoseconds(moment: datetime) -> int:
    return (moment - UNIX_EPOCH) // timedelta(microseconds=1) * 1000


def _differing(labels: Labels, found: Found) -> Labels:
    """The labels that tell a series from the others."""
    shared = set.intersection(*(set(others) for others in found))
    return tuple(label for label in labels if label not in shared)


def _label_text(labels: Labels) -> str:
    metric = dict(labels).get("__name__", "")
    others = ",".join(f"{name}={value}" for name, value in labels if name != "__name__")
    return f"{metric}{{{others}}}" if others else metric
