"""The rows of the chapters of a store."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from twin_runtime.errors import StoreError
from twin_runtime.store.chapter import Chapter, Kept
from twin_runtime.store.identity import Identity
from twin_runtime.store.schema import UNREADABLE, connect
from twin_runtime.store.seals import damaged, names_seal

_CHAPTERS = "SELECT number, first, opened, entry, estimate, identity, kept FROM chapter ORDER BY number"
_INSERT = "INSERT INTO chapter VALUES (?, ?, ?, ?, ?, ?, ?)"


def read_chapters(connection: sqlite3.Connection) -> list[Chapter]:
    """All chapters, in order."""
    return [
        Chapter(
            *(number, first, opened, entry, estimate),
            msgspec.json.decode(identity, type=Identity),
            msgspec.json.decode(kept, type=Kept),
        )
        for number, first, opened, entry, estimate, identity, kept in connection.execute(_CHAPTERS)
    ]


def insert_chapter(connection: sqlite3.Connection, chapter: Chapter) -> None:
    """Add a chapter."""
    numbers = chapter.number, chapter.first, chapter.opened, chapter.entry, chapter.estimate
    connection.execute(_INSERT, (*numbers, _text(chapter.identity), _text(chapter.kept)))


def update_chapter(connection: sqlite3.Connection, chapter: Chapter, identity: Identity, kept: Kept) -> None:
    """Set what may change of the newest chapter: its twins; and what it keeps, where it kept nothing."""
    known = chapter.kept if chapter.kept.configuration else replace(kept, changes=(), beginnings=())
    row = _text(identity), _text(known), chapter.number
    connection.execute("UPDATE chapter SET identity = ?, kept = ? WHERE number = ?", row)


def joint_identity(chapters: Sequence[Chapter], newest: Identity) -> Identity:
    """The types of all chapters, by their numbers in the store; those of the newest are the current ones."""
    earlier = tuple(of for chapter in chapters[:-1] for of in chapter.identity.types)
    return replace(newest, types=(*earlier, *newest.types), earlier=len(earlier))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def stored_chapters(connection: sqlite3.Connection, where: str) -> list[Chapter]:
    """The chapters of a store, at least one; raises :class:`StoreError` if they cannot be known any more."""
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        raise StoreError("is empty", where=where, remedy="`twin run` fills a store")
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    if meta.get("seal") != names_seal(connection).hex():
        raise damaged(where, "its identity, twins or signals are not those that were written")
    return read_chapters(connection)


def newest_chapter(path: Path) -> Chapter | None:
    """The newest chapter of a store; None where there is no store yet, or an empty file."""
    if not path.exists():
        return None
    connection = connect(path)
    try:
        with named(path):
            empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
            return None if empty else stored_chapters(connection, str(path))[-1]
    finally:
        connection.close()


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An error of SQLite is one of this file."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged(str(path), str(error)) from error
