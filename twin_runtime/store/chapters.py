"""The rows of the chapters of a store."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from twin_runtime.store.chapter import Chapter, Kept
from twin_runtime.store.identity import Identity

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
