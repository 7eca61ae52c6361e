"""The layout of a store: one SQLite file that any SQL tool can read while it is written.

Times are nanoseconds since the epoch. ``twin.id`` and ``signal.id`` are given once, in order, and stay: a twin that has
been removed keeps its rows. ``type`` is the number of a twin type: its place in the deployment, counted on from the
types of earlier chapters (:mod:`twin_runtime.store.chapter`). Arrays are little-endian float64, C order; ``standing``
is a byte a quantity. ``twins`` of a checkpoint are the names of its rows, as JSON.

``journal.tick`` is the tick that uses a reading which came after its own had run, by its number (time / length of a
tick); -1: its own. Whoever folds the journal again uses it there, and so comes to the same states.

``origin`` holds the states with which a chapter began, where it did not begin from its prior.

``tally`` holds what the ticks that have run came to: the journal counts what came in, the tally what was used of it.

``outlier`` holds the readings that the gate refused: accepted into the journal, not used by their tick.

An entry with the code ``decision`` is no reading: its payload says what was left out of which ticks under overload.

``meta.writer`` counts the openings for writing: the newest may write, an earlier one may not any more.
"""

import sqlite3
from pathlib import Path

from twin_runtime.errors import StoreError
from twin_runtime.store import bulletins

APPLICATION = 0x5457494E
"""Marks a file as a store (the letters TWIN)."""
FORMAT = 7
"""4: seals, by which damage is noticed (:mod:`twin_runtime.store.seals`); 5, 6: more that the checks remember;
6: decisions, tallies, the standing of every quantity; 7: chapters, the origins of their states, outliers, and bulletins
(:mod:`twin_runtime.store.bulletins`)."""

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE twin (id INTEGER PRIMARY KEY, type INTEGER NOT NULL, name TEXT NOT NULL, removed INTEGER NOT NULL,
    UNIQUE (type, name));
CREATE TABLE signal (id INTEGER PRIMARY KEY, twin INTEGER NOT NULL REFERENCES twin, channel TEXT NOT NULL);
CREATE TABLE journal (
    position INTEGER PRIMARY KEY, arrival INTEGER NOT NULL, type INTEGER NOT NULL, code TEXT NOT NULL,
    signal INTEGER REFERENCES signal, time INTEGER, value REAL, sd REAL, sequence INTEGER,
    tick INTEGER, topic TEXT, payload BLOB, detail TEXT
);
CREATE INDEX accepted ON journal (time, signal) WHERE code = 'accepted';
CREATE INDEX otherwise ON journal (code) WHERE code <> 'accepted';
CREATE TABLE estimate (
    position INTEGER PRIMARY KEY, type INTEGER NOT NULL, tick INTEGER NOT NULL, twin INTEGER NOT NULL,
    revision INTEGER NOT NULL, trust INTEGER NOT NULL, reasons INTEGER NOT NULL, figures BLOB NOT NULL,
    standing BLOB NOT NULL,
    UNIQUE (type, tick, twin, revision)
);
CREATE TABLE checkpoint (
    type INTEGER NOT NULL, tick INTEGER NOT NULL, twins TEXT NOT NULL, members INTEGER NOT NULL,
    states INTEGER NOT NULL, slots INTEGER NOT NULL, lagged INTEGER NOT NULL,
    x BLOB NOT NULL, memory BLOB NOT NULL, past BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (type, tick)
);
CREATE TABLE tip (
    type INTEGER PRIMARY KEY, tick INTEGER NOT NULL, twins TEXT NOT NULL, members INTEGER NOT NULL,
    states INTEGER NOT NULL, slots INTEGER NOT NULL, lagged INTEGER NOT NULL,
    x BLOB NOT NULL, memory BLOB NOT NULL, past BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE TABLE chapter (
    number INTEGER PRIMARY KEY, first INTEGER NOT NULL, opened TEXT NOT NULL, entry INTEGER NOT NULL,
    estimate INTEGER NOT NULL, identity TEXT NOT NULL, kept TEXT NOT NULL
);
CREATE TABLE origin (
    type INTEGER PRIMARY KEY, tick INTEGER NOT NULL, twins TEXT NOT NULL, members INTEGER NOT NULL,
    states INTEGER NOT NULL, slots INTEGER NOT NULL, lagged INTEGER NOT NULL,
    x BLOB NOT NULL, memory BLOB NOT NULL, past BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE TABLE tally (
    type INTEGER PRIMARY KEY, ticks INTEGER NOT NULL, assimilated INTEGER NOT NULL, outliers INTEGER NOT NULL,
    omitted INTEGER NOT NULL, withheld INTEGER NOT NULL, seal BLOB NOT NULL
);
CREATE TABLE outlier (
    signal INTEGER NOT NULL, tick INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL, sd REAL NOT NULL,
    PRIMARY KEY (signal, tick, time, value)
) WITHOUT ROWID;
CREATE TABLE chain (number INTEGER PRIMARY KEY, entry INTEGER NOT NULL, estimate INTEGER NOT NULL, seal BLOB NOT NULL);
CREATE TABLE cursor (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
{bulletins.TABLES}PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
"""

APPEND = "INSERT INTO journal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ESTIMATE = "INSERT OR IGNORE INTO estimate VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
LINK = "INSERT INTO chain VALUES (?, ?, ?, ?)"
CHECKPOINT = "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DROP_OLD = """
DELETE FROM checkpoint WHERE type = ?1
AND tick NOT IN (SELECT tick FROM checkpoint WHERE type = ?1 ORDER BY tick DESC LIMIT 2)
"""
TIP = "INSERT INTO tip VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ORIGIN = "INSERT INTO origin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TALLY = "INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?, ?, ?, ?)"
CURSOR = "INSERT OR REPLACE INTO cursor VALUES (?, ?)"


UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises; the second, where SQLite's message quotes a text that is damaged."""


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, usable from any one thread at a time; raises :class:`StoreError`."""
    try:
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    except sqlite3.Error as error:
        remedy = (
            "check that the folder exists and may be written" if create else "check the path; `twin run` makes a store"
        )
        raise StoreError(f"cannot be opened: {error}", where=str(path), remedy=remedy) from None
    try:
        _recognise(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is something else; a new one is empty and will do."""
    remedy = "give the path of a store, or of a file that does not exist yet"
    try:
        [application], [version] = (
            connection.execute(f"PRAGMA {key}").fetchone() for key in ("application_id", "user_version")
        )
        empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    except UNREADABLE as error:
        raise StoreError(f"is not a store: {error}", where=str(path), remedy=remedy) from None
    if application != APPLICATION and not empty:
        raise StoreError("is a database, but not a store", where=str(path), remedy=remedy)
    if version not in (0, FORMAT):
        raise StoreError(
            f"has format {version}; this version reads {FORMAT}",
            where=str(path),
            remedy="use the version that wrote it",
        )
