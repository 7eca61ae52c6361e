"""All that is damaged in a store, in words."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twin_runtime.errors import StoreError
from twin_runtime.store.bulletins import damaged_bulletins
from twin_runtime.store.head import Head, require_end
from twin_runtime.store.schema import UNREADABLE
from twin_runtime.store.seals import check_chain, is_intact


def damage(connection: sqlite3.Connection, path: Path, head: Head | None) -> list[str]:
    """What is not as it was written: in SQLite's own eyes, the chain, its end, the states, the cursors."""
    end = partial(require_end, store=path, head=head)
    checks = (_pages, partial(check_chain, where=str(path)), end, _states, _tallies, damaged_bulletins, _cursors)
    return [what for check in checks for what in _found(check, connection)]


def _found(check: Callable[[sqlite3.Connection], list[str] | None], connection: sqlite3.Connection) -> list[str]:
    try:
        return check(connection) or []
    except StoreError as error:
        return [error.what.removeprefix("is damaged: ")]
    except UNREADABLE as error:
        return [str(error)]


def _pages(connection: sqlite3.Connection) -> list[str]:
    return [text for [text] in connection.execute("PRAGMA integrity_check(10)") if text != "ok"]


def _states(connection: sqlite3.Connection) -> list[str]:
    return [
        f"the {table} of tick {row[1]}"
        for table in ("checkpoint", "tip", "origin")
        for row in connection.execute(f"SELECT * FROM {table}")
        if not is_intact(row)
    ]


def _tallies(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT * FROM tally").fetchall()
    return [f"the tally of type {row[0]}" for row in rows if not is_intact(row)]


def _cursors(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM cursor WHERE position NOT BETWEEN 0 AND (SELECT coalesce(max(position), 0) FROM estimate)"
    return [f"the cursor of {name}, which lies behind the last estimate" for [name] in connection.execute(query)]
