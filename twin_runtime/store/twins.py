"""The numbers by which a store knows twins and signals: given once, in order, and kept when a twin is removed."""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from twin_runtime.errors import StoreError
from twin_runtime.store.identity import Identity, TypeIdentity

OF = "type - ? BETWEEN 0 AND ? - 1"
"""The types of a chapter, by the number of the first and how many there are."""
NONE = -1
"""The number of a twin that the store does not have."""


class Signal(NamedTuple):
    """A channel of a twin: the type's place in the deployment, the twin's row in its fleet, the channel's place."""

    type: int
    row: int
    channel: int


class Numbers:
    """Which number in the store belongs to which twin and signal of a chapter, and the other way round.

    ``first`` is the number of the first type of ``identity``.

    Twins that only one of the two has are left out. Raises :class:`StoreError` for a channel that the identity lacks.
    """

    def __init__(self, connection: sqlite3.Connection, identity: Identity, first: int, where: str) -> None:
        ids = dict(connection.execute(f"SELECT name, id FROM twin WHERE {OF}", (first, len(identity.types))))
        self.twins = [[int(ids.get(name, NONE)) for name in twin_type.twins] for twin_type in identity.types]
        """The number of every twin, by type and row."""
        self.rows = {number: row for numbers in self.twins for row, number in enumerate(numbers)}
        """The row of every twin, by its number."""
        self.signals: dict[int, Signal] = {}
        """The signals by their numbers."""
        self.ids: dict[tuple[int, int, int], int] = {}
        """The numbers of the signals (type, row, channel)."""
        types = {number: place for place, numbers in enumerate(self.twins) for number in numbers}
        for number, twin, channel in connection.execute("SELECT id, twin, channel FROM signal"):
            if twin in types:
                place = types[twin]
                channels = identity.types[place].channels
                if channel not in channels:
                    remedy = f"use the configuration that wrote it, or add the channel to: {', '.join(channels)}"
                    raise StoreError(
                        f"has a channel '{channel}', which the configuration lacks", where=where, remedy=remedy
                    )
                signal = Signal(place, self.rows[twin], channels.index(channel))
                self.signals[number], self.ids[signal] = signal, number


def all_twins(connection: sqlite3.Connection, identity: Identity, first: int) -> Identity:
    """The identity of a chapter with every twin that it has ever had."""
    rows = connection.execute("SELECT type, name FROM twin ORDER BY id").fetchall()
    names = [tuple(name for number, name in rows if number == first + k) for k in range(len(identity.types))]
    types = (replace(twin_type, twins=twins) for twin_type, twins in zip(identity.types, names, strict=True))
    return replace(identity, types=tuple(types))


def removed_twins(connection: sqlite3.Connection, identity: Identity, first: int) -> frozenset[str]:
    """The twins that were there earlier in a chapter, and are not any more."""
    query = f"SELECT name FROM twin WHERE removed AND {OF}"
    return frozenset(name for [name] in connection.execute(query, (first, len(identity.types))))


def update_twins(connection: sqlite3.Connection, identity: Identity, first: int, where: str) -> None:
    """Number the twins that are new to a chapter, and mark those that are gone.

    Raises :class:`StoreError` for a twin that was removed before, or is of another type now: its past is not known.
    """
    rows = connection.execute(f"SELECT name, type, removed FROM twin WHERE {OF}", (first, len(identity.types)))
    known = {name: (number, removed) for name, number, removed in rows}
    for place, twin_type in enumerate(identity.types):
        for name in twin_type.twins:
            if name not in known:
                _add(connection, first + place, twin_type, name)
            elif known[name] != (first + place, 0):
                what = "was removed from it before" if known[name][1] else "is of another type in it"
                remedy = "give the twin another name, or name another file under [store] path"
                raise StoreError(f"twin '{name}' {what}, and cannot go on where it was", where=where, remedy=remedy)
    gone = known.keys() - set(identity.twins)
    marked = ((name, first, len(identity.types)) for name in gone)
    connection.executemany(f"UPDATE twin SET removed = 1 WHERE name = ? AND {OF}", marked)


def _add(connection: sqlite3.Connection, number: int, twin_type: TypeIdentity, name: str) -> None:
    [twin] = connection.execute("INSERT INTO twin VALUES (NULL, ?, ?, 0) RETURNING id", (number, name)).fetchone()
    signals = ((twin, channel) for channel in twin_type.channels)
    connection.executemany("INSERT INTO signal VALUES (NULL, ?, ?)", signals)
