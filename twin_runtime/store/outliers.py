"""The readings that the gate refused, in a store: by the revision of their tick that is the newest."""

import sqlite3
from collections.abc import Iterator, Sequence

from twin_runtime.core import Reading, Record
from twin_runtime.store.twins import Numbers

_FORGET = "DELETE FROM outlier WHERE signal = ? AND tick = ?"
_INSERT = "INSERT OR REPLACE INTO outlier VALUES (?, ?, ?, ?, ?)"
_SELECT = "SELECT signal, time, value, sd FROM outlier WHERE time >= ? ORDER BY time, signal"


def put_outliers(connection: sqlite3.Connection, numbers: Numbers, records: Sequence[Record]) -> None:
    """Write what some records say of the readings of their rows, in place of what was said before."""
    for record in records:
        if record.refused is not None and (record.refused or record.revision.any()):
            _put(connection, numbers, record, record.refused)


def _put(connection: sqlite3.Connection, numbers: Numbers, record: Record, refused: Sequence[Reading]) -> None:
    rows = set(record.rows[record.revision > 0].tolist())
    if rows:
        own = (number for number, signal in numbers.signals.items() if (signal.type, signal.row) in _of(record, rows))
        connection.executemany(_FORGET, [(number, record.tick) for number in own])
    rows = set(record.rows.tolist())
    values = ((r, numbers.ids[record.type, r.twin, r.channel]) for r in refused if r.twin in rows)
    connection.executemany(_INSERT, [(number, record.tick, r.time, r.value, r.sd) for r, number in values])


def _of(record: Record, rows: set[int]) -> set[tuple[int, int]]:
    return {(record.type, row) for row in rows}


def outliers(connection: sqlite3.Connection, numbers: Numbers, since: int, place: int) -> Iterator[Reading]:
    """The refused readings of a type with event time >= ``since``, sorted by time."""
    for number, *rest in connection.execute(_SELECT, (since,)):
        signal = numbers.signals.get(number)
        if signal is not None and signal.type == place:
            yield Reading(signal.row, signal.channel, *rest)
