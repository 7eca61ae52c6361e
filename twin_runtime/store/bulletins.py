"""What a store holds besides estimates: bulletins, acknowledgements of alarms, and how good forecasts have been.

A bulletin is a forecast, an alarm, or a forecast that was skipped; its ``body`` is JSON, which any
SQL tool can look into. Every row carries the hash of its own columns.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import msgspec

from twin_runtime.core import Bulletin
from twin_runtime.store.seals import is_intact, sealed

TABLES = """
CREATE TABLE bulletin (
    position INTEGER PRIMARY KEY, type INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, tick INTEGER NOT NULL,
    twin TEXT NOT NULL, body TEXT NOT NULL, seal BLOB NOT NULL, UNIQUE (type, kind, name, tick, twin)
);
CREATE TABLE acknowledgement (
    bulletin INTEGER PRIMARY KEY REFERENCES bulletin, time INTEGER NOT NULL, name TEXT NOT NULL
);
CREATE TABLE score (type INTEGER PRIMARY KEY, reached INTEGER NOT NULL, body TEXT NOT NULL, seal BLOB NOT NULL);
"""
_INSERT = "INSERT OR IGNORE INTO bulletin VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS = "SELECT type, kind, name, tick, twin, body, seal, position FROM bulletin"
_NEXT = f"{_COLUMNS} WHERE position > ? AND kind <> 'skipped' ORDER BY position LIMIT ?"
_OF_KIND = f"{_COLUMNS} WHERE type = ? AND kind = ? AND tick >= ? ORDER BY tick, position"
_NEWEST = f"""
{_COLUMNS} WHERE position IN (SELECT max(position) FROM bulletin WHERE type = ? AND kind = ? GROUP BY name, twin)
ORDER BY name, position
"""
_COUNTS = "SELECT kind, name, count(DISTINCT tick) FROM bulletin WHERE type = ? GROUP BY kind, name"
_NEWEST_TICK = "SELECT max(tick) FROM bulletin WHERE type = ? AND name = ? AND kind IN (SELECT value FROM json_each(?))"
_ACKNOWLEDGE = "INSERT OR IGNORE INTO acknowledgement VALUES (?, ?, ?)"
_ALL = "SELECT type, kind, name, tick, twin, body, seal FROM bulletin"


class Scored(NamedTuple):
    """How good the forecasts of a ``type`` have been, by readings before event time ``reached`` (ns); as JSON."""

    type: int
    reached: int
    body: str


class Acknowledgement(NamedTuple):
    """That somebody (``name``) has taken note of an alarm, and when (ns)."""

    time: int
    name: str


def insert(connection: sqlite3.Connection, bulletins: Iterable[Bulletin]) -> None:
    """Add bulletins; one that is there already stays as it is."""
    connection.executemany(_INSERT, map(_row, bulletins))


def put_scores(connection: sqlite3.Connection, scored: Iterable[Scored]) -> None:
    """Replace the scores of some types."""
    rows = [(*one, sealed(*one)) for one in scored]
    connection.executemany("INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?)", rows)


@contextmanager
def beside_the_writer(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction of a process that does not write the store otherwise; waits while its writer commits."""
    with closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def acknowledge(connection: sqlite3.Connection, position: int, name: str) -> None:
    """Somebody takes note of an alarm, now; the first who does stays."""
    connection.execute(_ACKNOWLEDGE, (position, time.time_ns(), name))


def next_bulletins(connection: sqlite3.Connection, after: int, limit: int) -> list[Bulletin]:
    """The next to be published behind a position, in the order in which they were written."""
    return list(_intact(connection.execute(_NEXT, (after, limit))))


def of_kind(connection: sqlite3.Connection, first: int, place: int, kind: str, since: int) -> Iterator[Bulletin]:
    """Those of a type and a kind from a tick on, by tick; ``first`` is the number of the chapter's first type."""
    return _intact(connection.execute(_OF_KIND, (place + first, kind, since)), first)


def newest(connection: sqlite3.Connection, first: int, place: int, kind: str) -> list[Bulletin]:
    """The newest of every name and twin."""
    return list(_intact(connection.execute(_NEWEST, (place + first, kind)), first))


def counts(connection: sqlite3.Connection, place: int) -> dict[tuple[str, str], int]:
    """At how many ticks there are bulletins of each kind and name."""
    return {(kind, name): count for kind, name, count in connection.execute(_COUNTS, (place,))}


def newest_tick(connection: sqlite3.Connection, kinds: Sequence[str], name: str, place: int) -> int | None:
    """The tick of the newest of a name and some kinds; None where there is none."""
    [tick] = connection.execute(_NEWEST_TICK, (place, name, json.dumps(kinds))).fetchone()
    return None if tick is None else int(tick)


def acknowledgements(connection: sqlite3.Connection) -> dict[int, Acknowledgement]:
    """By the position of the alarm."""
    return {int(row[0]): Acknowledgement(*row[1:]) for row in connection.execute("SELECT * FROM acknowledgement")}


def scores(connection: sqlite3.Connection, place: int) -> Scored | None:
    """The scores of a type; None before the first, and where they are damaged."""
    row = connection.execute("SELECT * FROM score WHERE type = ?", (place,)).fetchone()
    return Scored(*row[:-1]) if row is not None and row[-1] == sealed(*row[:-1]) else None


def damaged_bulletins(connection: sqlite3.Connection) -> list[str]:
    """What is not as it was written, in words."""
    rows = connection.execute(_ALL).fetchall()
    found = [f"the {row[1]} '{row[2]}' of tick {row[3]}" for row in rows if not is_intact(row)]
    places = [place for [place] in connection.execute("SELECT type FROM score")]
    return found + [f"the scores of type {place}" for place in places if scores(connection, place) is None]


def _row(bulletin: Bulletin) -> tuple[object, ...]:
    body = msgspec.json.encode(bulletin.body).decode()
    columns = bulletin.type, bulletin.kind, bulletin.name, bulletin.tick, bulletin.twin, body
    return *columns, sealed(columns)


def _intact(rows: Iterable[Sequence[object]], first: int = 0) -> Iterator[Bulletin]:
    """Rows as they were written; a damaged one is left out, as no state depends on it."""
    for row in rows:
        if is_intact(row[:-1]):
            place, kind, name, tick, twin, body, _, position = row
            content = msgspec.json.decode(str(body))
            yield Bulletin(
                str(kind), str(name), int(str(tick)), str(twin), content, int(str(place)) - first, int(str(position))
            )
