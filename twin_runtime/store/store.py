"""The store: journal, estimates, checkpoints and cursors of a deployment, changed in whole transactions."""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Self

import msgspec
import numpy as np

from twin_runtime.core import Checkpoint, Entry, Record
from twin_runtime.crash import crash_point
from twin_runtime.errors import StoreError
from twin_runtime.store import schema
from twin_runtime.store.identity import Identity, require_same
from twin_runtime.store.reader import Reader

__all__ = ["Identity", "Store"]

NOTHING: Mapping[str, int] = MappingProxyType({})


class Store(Reader):
    """A store that this process alone writes; others read it meanwhile.

    Writing may be done from any one thread at a time, reading (:class:`Reader`) from another.
    """

    def __init__(self, path: Path, writing: sqlite3.Connection, lock: IO[str]) -> None:
        self._writing, self._lock = writing, lock
        super().__init__(path)

    @classmethod
    def create_or_open(cls, path: Path, identity: Identity) -> Self:
        """Open the store at ``path`` for writing, or make it.

        Raises :class:`StoreError` if another process writes it, or if it belongs to another configuration or model.
        """
        with ExitStack() as undo:
            writing = schema.connect(path, create=True)
            undo.callback(writing.close)
            lock = undo.enter_context(_lock(path))
            writing.execute("PRAGMA journal_mode = WAL")
            writing.execute("PRAGMA synchronous = FULL")
            _create(writing, identity)
            store = cls(path, writing, lock)
            undo.enter_context(store)
            require_same(store.identity, identity, str(path))
            undo.pop_all()
        return store

    def close(self) -> None:
        """Close the file and let another process write it."""
        super().close()
        self._writing.close()
        self._lock.close()

    def write(
        self,
        entries: Sequence[Entry] = (),
        records: Sequence[Record] = (),
        checkpoint: Checkpoint | None = None,
        cursors: Mapping[str, int] = NOTHING,
    ) -> None:
        """Write all of it durably in one transaction, or raise :class:`StoreError` and write nothing.

        An estimate (tick, twin, revision) that is there already stays as it is. The newest two checkpoints are kept.
        """
        self.stage(entries, records)
        self.commit(checkpoint, cursors)

    def stage(self, entries: Sequence[Entry], records: Sequence[Record]) -> None:
        """The first half of :meth:`write`: begins the transaction. Many small steps that do not wait for the disk."""
        with self._all_or_nothing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if entries:
                crash_point("append")
                connection.executemany(schema.APPEND, self._rows(entries))
            if records:
                crash_point("store")
                connection.executemany(schema.ESTIMATE, (row for record in records for row in _estimates(record)))

    def commit(self, checkpoint: Checkpoint | None = None, cursors: Mapping[str, int] = NOTHING) -> None:
        """The second half of :meth:`write`: ends the transaction. Few steps, that wait for the disk."""
        with self._all_or_nothing() as connection:
            if checkpoint is not None:
                crash_point("checkpoint")
                connection.execute(schema.CHECKPOINT, _checkpoint(checkpoint))
                connection.execute(schema.FORGET)
            connection.executemany(schema.CURSOR, cursors.items())
            crash_point("commit")
            connection.execute("COMMIT")

    def conclude(self, tip: Checkpoint) -> None:
        """Keep the state in which a run ended, to show it. No run takes it up: late readings may still change it."""
        with self._all_or_nothing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM tip")
            connection.execute(schema.TIP, _checkpoint(tip))
            connection.execute("COMMIT")

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
        width = len(self.identity.channels)
        for arrival, code, reading, topic, payload, detail in entries:
            text = code.value
            if reading is None:
                yield arrival, text, *[None] * 6, topic, payload, detail
            else:
                twin, channel, *stamped = reading
                signal = twin * width + channel
                yield arrival, text, signal, *stamped, topic or None, payload or None, detail or None


def _create(connection: sqlite3.Connection, identity: Identity) -> None:
    """Lay out an empty file, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        for statement in schema.TABLES.split(";"):
            connection.execute(statement)
        about = {"identity": msgspec.json.encode(identity).decode(), "created": datetime.now(UTC).isoformat()}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", about.items())
        names = ((twin, channel) for twin in identity.twins for channel in identity.channels)
        connection.executemany("INSERT INTO signal VALUES (?, ?, ?)", ((i, *name) for i, name in enumerate(names)))
    connection.execute("COMMIT")


def _estimates(record: Record) -> Iterator[tuple[object, ...]]:
    """The rows of a record."""
    data = record.figures.astype("<f8", copy=False).tobytes()
    size = len(data) // max(len(record.rows), 1)
    columns = (record.rows, record.revision, record.trust, record.reasons)
    for i, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        yield record.tick, *row, data[i * size : (i + 1) * size]


def _checkpoint(checkpoint: Checkpoint) -> tuple[object, ...]:
    state = checkpoint.state
    x, memory, past = (np.ascontiguousarray(array, dtype="<f8") for array in (state.x, state.memory, state.past))
    return checkpoint.tick, *x.shape, memory.shape[1], past.shape[2], x.tobytes(), memory.tobytes(), past.tobytes()


def _lock(path: Path) -> IO[str]:
    """Held until it is closed, or until the process is gone."""
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        remedy = "stop that process, or name another file under [store] path"
        raise StoreError("is being written by another process", where=str(path), remedy=remedy) from None
    return lock
