"""The store: journal, estimates, checkpoints and cursors of a deployment, changed in whole transactions."""

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Self

import numpy as np

from twin_runtime.core import Bulletin, Checkpoint, Entry, Record, Tally
from twin_runtime.crash import crash_point
from twin_runtime.errors import StoreError
from twin_runtime.store import schema
from twin_runtime.store.bulletins import Scored, insert, put_scores
from twin_runtime.store.chapter import Chapter, Kept
from twin_runtime.store.chapters import insert_chapter, named, stored_chapters, update_chapter
from twin_runtime.store.files import OpenFiles
from twin_runtime.store.head import HeadFile, read_head, require_end
from twin_runtime.store.identity import Identity, require_same
from twin_runtime.store.outliers import put_outliers
from twin_runtime.store.reader import LAST, Reader
from twin_runtime.store.seals import ESTIMATES, ORIGIN, last_link, linked, names_seal, sealed
from twin_runtime.store.twins import Numbers, update_twins

__all__ = ["Identity", "Store"]

UNKNOWN = Kept()
LOCKED_SECONDS = 30.0
"""How long another process may hold the lock of the database."""
LOCK_PAUSE = 0.01
"""Seconds between two attempts to get it."""
NOTHING: Mapping[str, int] = MappingProxyType({})


class Store(Reader):
    """A store that this process alone writes; others read it meanwhile.

    Writing may be done from any one thread at a time, reading (:class:`Reader`) from another.
    """

    def __init__(self, path: Path, identity: Identity, writing: sqlite3.Connection, lock: IO[str]) -> None:
        self._writing, self._lock = writing, lock
        self._files, self._epoch = OpenFiles(path), _epoch(writing)
        self._link = self._next_link = last_link(writing, str(path))
        writing.execute("PRAGMA busy_timeout = 0")  # who waits for a lock must be able to do something else meanwhile
        super().__init__(path, identity)
        self._head = HeadFile(path, self._link)

    @classmethod
    def create_or_open(cls, path: Path, identity: Identity, kept: Kept = UNKNOWN, *, fresh: bool = False) -> Self:
        """Open the newest chapter of the store at ``path``, or make it. Its twins may be others than before.

        Raises :class:`StoreError` if another process writes it, if it belongs to another configuration or model, if
        a twin was removed from it before, or if it is to be ``fresh`` and holds a run.
        """
        with ExitStack() as undo:
            head = read_head(path) if path.exists() else None
            writing = schema.connect(path, create=True)
            undo.callback(writing.close)
            lock = undo.enter_context(locked(path))
            with named(path):
                writing.execute("PRAGMA journal_mode = WAL")
                writing.execute("PRAGMA synchronous = FULL")
                _create_or_update(writing, identity, kept, str(path), fresh=fresh)
                require_end(writing, path, head)
                store = cls(path, identity, writing, lock)
            undo.pop_all()
        return store

    def close(self) -> None:
        """Close the file and let another process write it."""
        super().close()
        self._writing.close()
        self._head.close()
        self._lock.close()

    def write(
        self,
        entries: Sequence[Entry] = (),
        records: Sequence[Record] = (),
        checkpoints: Sequence[Checkpoint] = (),
        cursors: Mapping[str, int] = NOTHING,
        tallies: Sequence[Tally] = (),
        bulletins: Sequence[Bulletin] = (),
        scored: Sequence[Scored] = (),
    ) -> None:
        """Write all of it durably in one transaction, or raise :class:`StoreError` and write nothing.

        An estimate (tick, twin, revision) that is there already stays as it is. Of each type the newest two checkpoints
        are kept.
        """
        self._wait_to_begin()
        self.stage(entries, records, bulletins, scored)
        self.commit(checkpoints, cursors, tallies)

    def stage(
        self,
        entries: Sequence[Entry],
        records: Sequence[Record],
        bulletins: Sequence[Bulletin] = (),
        scored: Sequence[Scored] = (),
    ) -> None:
        """The first half of :meth:`write`, once it has begun. Many small steps that do not wait for the disk."""
        with self._all_or_nothing() as connection:
            rows, estimates = list(self._rows(entries)), list[Any]()
            if rows:
                crash_point("append")
                connection.executemany(schema.APPEND, rows)
            if records:
                crash_point("store")
                estimates = self._insert([row for record in records for row in self._estimates(record)])
                put_outliers(connection, self._numbers, records)
            self._link_to(rows, estimates)
            if bulletins:
                insert(connection, [one._replace(type=one.type + self._first) for one in bulletins])
            if scored:
                put_scores(connection, [one._replace(type=one.type + self._first) for one in scored])

    def _link_to(self, rows: list[tuple[object, ...]], estimates: list[Any]) -> None:
        """Seal what has been inserted."""
        if rows or estimates:
            self._next_link = linked(self._link, rows, estimates)
            self._writing.execute(schema.LINK, self._next_link)

    def commit(
        self,
        checkpoints: Sequence[Checkpoint] = (),
        cursors: Mapping[str, int] = NOTHING,
        tallies: Sequence[Tally] = (),
    ) -> None:
        """The second half of :meth:`write`: ends the transaction. Few steps, that wait for the disk."""
        with self._all_or_nothing() as connection:
            for checkpoint in checkpoints:
                crash_point("checkpoint")
                connection.execute(schema.CHECKPOINT, self._checkpoint(checkpoint))
                connection.execute(schema.DROP_OLD, (checkpoint.type + self._first,))
            connection.executemany(schema.CURSOR, cursors.items())
            connection.executemany(schema.TALLY, map(self._tally, tallies))
            crash_point("commit")
            self._commit()

    def conclude(self, tips: Sequence[Checkpoint], tallies: Sequence[Tally] = ()) -> None:
        """Keep the states in which a run ended, to show them. No run starts from them: late readings may still come."""
        self._wait_to_begin()
        with self._all_or_nothing() as connection:
            connection.execute("DELETE FROM tip WHERE type >= ?", (self._first,))
            connection.executemany(schema.TIP, map(self._checkpoint, tips))
            connection.executemany(schema.TALLY, map(self._tally, tallies))
            self._commit()

    def begin_chapter(
        self, identity: Identity, kept: Kept, origins: Sequence[Checkpoint], entries: Sequence[Entry]
    ) -> None:
        """Begin a chapter, with the states of its types and what it takes over from the journal; go on in it.

        All or nothing. Of types without an origin the states are their priors.
        """
        self._wait_to_begin()
        with self._all_or_nothing() as connection:
            before, link, opened = self.chapters[-1], self._link, datetime.now(UTC).isoformat(timespec="seconds")
            first = before.first + len(before.identity.types)
            chapter = Chapter(before.number + 1, first, opened, link.entry, link.estimate, identity, kept)
            insert_chapter(connection, chapter)
            update_twins(connection, identity, first, str(self.path))
            changed = ("seal", names_seal(connection).hex())
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed)
            self._numbers, self._first = Numbers(connection, identity, first, str(self.path)), first
            connection.executemany(schema.ORIGIN, map(self._checkpoint, origins))
            rows = list(self._rows(entries))
            connection.executemany(schema.APPEND, rows)
            self._link_to(rows, [])
            crash_point("chapter")
            self._commit()
        self.chapters = [*self.chapters, chapter]
        self._turn_to(chapter, identity)

    def begin(self) -> bool:
        """Begin a transaction at once; False while another process holds the lock of the database.

        Raises :class:`StoreError` if another writer has come since, lock file or not.
        """
        self._next_link = self._link
        with self._all_or_nothing() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return False
                raise
            if _epoch(connection) != self._epoch:
                remedy = "leave one writer running, and do not remove the lock file"
                raise StoreError("has been opened by another writer since", where=str(self.path), remedy=remedy)
        return True

    def locked_out(self) -> StoreError:
        """The error for a lock that another process has held for longer than :data:`LOCKED_SECONDS`."""
        what = f"has been locked by another process for {LOCKED_SECONDS:g} s"
        remedy = "end the program that writes to it; what was not acknowledged is sent again"
        return StoreError(what, where=str(self.path), remedy=remedy)

    def _wait_to_begin(self) -> None:
        deadline = time.monotonic() + LOCKED_SECONDS
        while not self.begin():
            if time.monotonic() > deadline:
                raise self.locked_out()
            time.sleep(LOCK_PAUSE)

    def _commit(self) -> None:
        """Durable only if the files that took it in are still those of the path."""
        self._writing.execute("COMMIT")
        moved, self._link = self._next_link is not self._link, self._next_link
        self._files.require_in_place()
        if moved:
            self._head.write(self._link)

    def _insert(self, rows: list[tuple[object, ...]]) -> list[Any]:
        """Insert estimates; returns those that were not there yet."""
        if self._writing.executemany(schema.ESTIMATE, rows).rowcount == len(rows):
            return rows
        return self._writing.execute(ESTIMATES, (self._link.estimate, LAST)).fetchall()

    @contextmanager
    def _all_or_nothing(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._writing
        except BaseException as error:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                remedy = "check the free space and the permissions of its folder"
                raise StoreError(f"cannot be written: {error}", where=str(self.path), remedy=remedy) from error
            raise

    def _rows(self, entries: Iterable[Entry]) -> Iterator[tuple[object, ...]]:
        ids = self._numbers.ids
        for arrival, code, reading, topic, payload, detail, place in entries:
            text, number = code.value, place + self._first if place >= 0 else place
            if reading is None:
                yield arrival, number, text, *[None] * 6, topic, payload, detail
            else:
                twin, channel, time, value, sd, *rest = reading
                signal, stamped = ids[place, twin, channel], (time, _kept(value), _kept(sd), *rest)
                yield arrival, number, text, signal, *stamped, topic or None, payload or None, detail or None

    def _estimates(self, record: Record) -> Iterator[tuple[object, ...]]:
        """The rows of a record."""
        data = record.figures.astype("<f8", copy=False).tobytes()
        size, twins = len(data) // max(len(record.rows), 1), self._numbers.twins[record.type]
        standing = [bytes(row) for row in record.standing.tolist()]
        columns = (record.rows, record.revision, record.trust, record.reasons)
        for i, (row, *rest) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            figures = data[i * size : (i + 1) * size]
            yield record.type + self._first, record.tick, twins[row], *rest, figures, standing[i]

    def _checkpoint(self, checkpoint: Checkpoint) -> tuple[object, ...]:
        state = checkpoint.state
        x, memory, past = (np.ascontiguousarray(array, dtype="<f8") for array in (state.x, state.memory, state.lagged))
        sizes = x.shape[1], x.shape[2], memory.shape[1], past.shape[2]
        blobs = x.tobytes(), memory.tobytes(), past.tobytes()
        columns = checkpoint.type + self._first, checkpoint.tick, json.dumps(checkpoint.twins), *sizes, *blobs
        return *columns, sealed(columns)

    def _tally(self, tally: Tally) -> tuple[object, ...]:
        numbered = tally._replace(type=tally.type + self._first)
        return *numbered, sealed(numbered)


def _kept(value: float) -> float | None:
    """A number as SQLite gives it back: without the sign of a zero, and none for what is not a number."""
    return float(value) + 0.0 if value == value else None  # noqa: PLR0124  # NaN


def _epoch(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = 'writer'").fetchone()
    return 0 if row is None else int(row[0])


def _create_or_update(
    connection: sqlite3.Connection, identity: Identity, kept: Kept, where: str, *, fresh: bool
) -> None:
    """Lay out an empty file with a first chapter, or update the twins of the newest one; all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            for statement in schema.TABLES.split(";"):
                connection.execute(statement)
            now = datetime.now(UTC).isoformat()
            connection.execute("INSERT INTO meta VALUES ('created', ?)", (now,))
            chapter = Chapter(1, 0, now[:19] + now[-6:], 0, 0, identity, kept)
            insert_chapter(connection, chapter)
        else:
            chapter = stored_chapters(connection, where)[-1]
            require_same(chapter.identity, identity, where)
            if fresh and last_link(connection, where) != ORIGIN:
                remedy = "name a file that does not exist yet, or remove this one"
                raise StoreError("holds a run already; another would be mixed with it", where=where, remedy=remedy)
        update_twins(connection, identity, chapter.first, where)
        update_chapter(connection, chapter, identity, kept)
        changed = {"writer": str(_epoch(connection) + 1), "seal": names_seal(connection).hex()}
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed.items())
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def locked(path: Path) -> IO[str]:
    """The lock of a store's writer. Held until it is closed, or until the process is gone."""
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        remedy = "stop that process, or name another file under [store] path"
        raise StoreError("is being written by another process", where=str(path), remedy=remedy) from None
    return lock
