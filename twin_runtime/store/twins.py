"""The numbers by which a store knows twins and signals: given once, in order, and kept when a twin is removed."""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from twin_runtime.errors import StoreError
from twin_runtime.store.identity import Identity, TypeIdentity

NONE = -1
"""The number of a twin that the store does not have."""


class Signal(NamedTuple):
    """A channel of a twin: the type's place in the deployment, the twin's row in its fleet, the channel's place."""

    type: int
    row: int
    channel: int


class Numbers:
    """Which number in the store belongs to which twin and signal of an identity, and the other way round.

    Twins that only one of the two has are left out. Raises :class:`StoreError` for a channel that the identity lacks.
    """

    def __init__(self, connection: sqlite3.Connection, identity: Identity, where: str) -> None:
        ids = dict(connection.execute("SELECT name, id FROM twin"))
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


def all_twins(connection: sqlite3.Connection, identity: Identity) -> Identity:
    """The identity with every twin that the store has ever had."""
    rows = connection.execute("SELECT type, name FROM twin ORDER BY id").fetchall()
    names = [tuple(name for place, name in rows if place == k) for k in range(len(identity.types))]
    types = (replace(twin_type, twins=twins) for twin_type, twins in zip(identity.types, names, strict=True))
    return replace(identity, types=tuple(types))


def update_twins(connection: sqlite3.Connection, identity: Identity, where: str) -> None:
    """Number the twins that are new, and mark those that are gone.

    Raises :class:`StoreError` for a twin that was removed before, or is of another type now: its past is not known.
    """
    rows = connection.execute("SELECT name, type, removed FROM twin")
    known = {name: (place, removed) for name, place, removed in rows}
    for place, twin_type in enumerate(identity.types):
        for name in twin_type.twins:
            if name not in known:
                _add(connection, place, twin_type, name)
            elif known[name] != (place, 0):
                what = "was removed from it before" if known[name][1] else "is of another type in it"
                remedy = "give the twin another name, or name another file under [store] path"
                raise StoreError(f"twin '{name}' {what}, and cannot go on where it was", where=where, remedy=remedy)
    gone = known.keys() - set(identity.twins)
    connection.executemany("UPDATE twin SET removed = 1 WHERE name = ?", ((name,) for name in gone))


def _add(connection: sqlite3.Connection, place: int, twin_type: TypeIdentity, name: str) -> None:
    [number] = connection.execute("INSERT INTO twin VALUES (NULL, ?, ?, 0) RETURNING id", (place, name)).fetchone()
    signals = ((number, channel) for channel in twin_type.channels)
    connection.executemany("INSERT INTO signal VALUES (NULL, ?, ?)", signals)
