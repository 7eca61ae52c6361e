"""Seals: hashes by which damage to a store is noticed.

Every committed group of entries and estimates has a link in ``chain``: the hash of the link before and of its rows. A
checkpoint, an origin and a tip carry the hash of their columns, ``meta.seal`` that of chapters, twins and signals.
"""

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from twin_runtime.errors import StoreError

ENTRIES = """
SELECT arrival, type, code, signal, time, value, sd, sequence, tick, topic, payload, detail FROM journal
WHERE position > ? AND position <= ? ORDER BY position
"""
ESTIMATES = """
SELECT type, tick, twin, revision, trust, reasons, figures, standing FROM estimate
WHERE position > ? AND position <= ? ORDER BY position
"""
_LINK = "SELECT number, entry, estimate, seal FROM chain"
_LAST_BEFORE = f"""
{_LINK} WHERE (?1 IS NULL OR entry < ?1) AND (?2 IS NULL OR estimate < ?2) ORDER BY number DESC LIMIT 1
"""
_ENDS = "SELECT coalesce((SELECT max(position) FROM journal), 0), coalesce((SELECT max(position) FROM estimate), 0)"
_LAST_AND_ENDS = f"SELECT * FROM ({_ENDS}) LEFT JOIN ({_LINK} ORDER BY number DESC LIMIT 1)"
"""One statement, as a writer may commit between two."""
_FIRST_ENTRY = "SELECT min(position) FROM journal WHERE code = 'accepted' AND time >= ?"
_FIRST_ESTIMATE = "SELECT min(position) FROM estimate WHERE type = ? AND tick >= ?"
_INDEXED = "SELECT count(*) FROM journal INDEXED BY accepted WHERE code = 'accepted' AND time >= ?"
_IN_ORDER = "SELECT count(*) FROM journal NOT INDEXED WHERE position > ? AND code = 'accepted' AND time >= ?"


class Link(NamedTuple):
    """The end of a committed group: the last positions of the journal and of the estimates, and the running hash."""

    number: int
    entry: int
    estimate: int
    seal: bytes


ORIGIN = Link(0, 0, 0, b"")


def sealed(*values: object) -> bytes:
    """The hash of values as SQLite gives them back."""
    return blake2b(msgspec.msgpack.encode(values), digest_size=16).digest()


def linked(before: Link, entries: Sequence[object], estimates: Sequence[object]) -> Link:
    """The link of the next group; ``entries`` and ``estimates`` are its rows without their positions."""
    ends = before.entry + len(entries), before.estimate + len(estimates)
    return Link(before.number + 1, *ends, sealed(before.seal, entries, estimates))


def last_link(connection: sqlite3.Connection, where: str) -> Link:
    """The newest link; raises :class:`StoreError` unless it lies at the end of the journal and of the estimates."""
    entry, estimate, *newest = connection.execute(_LAST_AND_ENDS).fetchone()
    link = ORIGIN if newest[0] is None else Link(*newest)
    if (entry, estimate) != (link.entry, link.estimate):
        raise damaged(where, "the chain of its hashes does not end where the journal and the estimates do")
    return link


def names_seal(connection: sqlite3.Connection) -> bytes:
    """The hash of what gives the numbers of a store their meaning."""
    tables = ("chapter ORDER BY number", "twin ORDER BY id", "signal ORDER BY id")
    return sealed(*(connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables))


def check_chain(connection: sqlite3.Connection, where: str, since: Link = ORIGIN) -> None:
    """Raise :class:`StoreError` unless all groups behind a link hold the rows that were committed."""
    before = since
    for link in map(Link._make, connection.execute(f"{_LINK} WHERE number > ? ORDER BY number", (since.number,))):
        if _found(connection, before, link) != link:
            what = (
                f"the entries {before.entry + 1} to {link.entry} or estimates {before.estimate + 1} to {link.estimate}"
            )
            raise damaged(where, f"{what} are not those that were written")
        before = link
    last_link(connection, where)


def _found(connection: sqlite3.Connection, before: Link, link: Link) -> Link:
    entries = connection.execute(ENTRIES, (before.entry, link.entry)).fetchall()
    return linked(before, entries, connection.execute(ESTIMATES, (before.estimate, link.estimate)).fetchall())


def check_recent(connection: sqlite3.Connection, where: str, place: int, tick: int, time: int) -> None:
    """Raise :class:`StoreError` unless what a type needs to go on from a ``tick``, with readings since ``time``, holds.

    Older groups are left alone, so that a restart does not take longer the longer a run has been.
    """
    [entry], [estimate] = (
        connection.execute(query, values).fetchone()
        for query, values in ((_FIRST_ENTRY, (time,)), (_FIRST_ESTIMATE, (place, tick)))
    )
    row = connection.execute(_LAST_BEFORE, (entry, estimate)).fetchone()
    since = ORIGIN if row is None else Link(*row)
    check_chain(connection, where, since)
    [indexed], [in_order] = (
        connection.execute(query, values).fetchone()
        for query, values in ((_INDEXED, (time,)), (_IN_ORDER, (since.entry, time)))
    )
    if indexed != in_order:
        raise damaged(where, "the index of its journal lacks entries")


def is_intact(row: Sequence[object]) -> bool:
    """Whether the row of a checkpoint, a tip or a tally is as it was written."""
    return bool(row[-1] == sealed(row[:-1]))


def damaged(where: str, what: str) -> StoreError:
    """The error for a store that is not as it was written."""
    remedy = "put a copy of the file in its place; `twin store check` names all that is damaged"
    return StoreError(f"is damaged: {what}", where=where, remedy=remedy)
