"""Reading a store, in the process that writes it or in any other."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from twin_runtime.core import (
    FIGURES,
    Checkpoint,
    Code,
    Entry,
    FleetState,
    FloatArray,
    Reading,
    Record,
    StoredEstimate,
    Trust,
)
from twin_runtime.errors import StoreError
from twin_runtime.store.identity import Identity
from twin_runtime.store.schema import connect

_ACCEPTED = """
SELECT signal, time, value, sd, sequence, tick FROM journal
WHERE code = 'accepted' AND time >= ? ORDER BY time, signal, position
"""
_ENTRIES = "SELECT * FROM journal WHERE position > ? ORDER BY position"
_COUNTS = """
SELECT 'accepted', count(*) FROM journal WHERE code = 'accepted'
UNION ALL SELECT code, count(*) FROM journal WHERE code <> 'accepted' GROUP BY code
"""
_ESTIMATES = """
SELECT position, tick, twin, revision, trust, reasons, figures FROM estimate
WHERE position > ? ORDER BY position LIMIT ?
"""
_LATEST = """
SELECT tick, twin, figures, trust, reasons, max(revision) FROM estimate
WHERE tick >= ? GROUP BY tick, twin ORDER BY tick, twin
"""
_CHECKPOINT = "SELECT * FROM checkpoint ORDER BY tick DESC LIMIT 1"
_TIP = "SELECT * FROM tip"
_TRUST = tuple(Trust)


class Reader:
    """What a store holds that has been committed. Use it from one thread at a time, and close it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = connect(path)
        self._reading.execute("PRAGMA query_only = ON")
        try:
            self.identity = msgspec.json.decode(self.meta["identity"], type=Identity)
        except (sqlite3.Error, KeyError):
            self._reading.close()
            raise StoreError("is empty", where=str(path), remedy="`twin run` fills a store") from None

    @classmethod
    def open(cls, path: Path) -> "Reader":
        """Open an existing store to read from it; raises :class:`StoreError` if there is none."""
        return Reader(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._reading.close()

    @property
    def meta(self) -> dict[str, str]:
        """The identity as JSON and when the store was created."""
        return dict(self._reading.execute("SELECT key, value FROM meta"))

    def accepted(self, since: int = 0) -> Iterator[Reading]:
        """Accepted readings with event time >= ``since``, sorted by (time, twin, channel)."""
        width = len(self.identity.channels)
        for signal, *rest in self._reading.execute(_ACCEPTED, (since,)):
            yield Reading(*divmod(signal, width), *rest)

    def entries(self, after: int = 0) -> Iterator[tuple[int, Entry]]:
        """(position, entry) of all that came in behind a position, in the order in which it came in."""
        width = len(self.identity.channels)
        for position, arrival, code, signal, *rest in self._reading.execute(_ENTRIES, (after,)):
            reading = None if signal is None else Reading(*divmod(signal, width), *rest[:5])
            topic, payload, detail = rest[5:]
            yield position, Entry(arrival, Code(code), reading, topic or "", payload or b"", detail or "")

    def counts(self) -> dict[Code, int]:
        """How many entries there are of every code that occurs."""
        return {Code(code): count for code, count in self._reading.execute(_COUNTS) if count}

    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint, its arrays free to be changed."""
        return self._state(_CHECKPOINT)

    def tip(self) -> Checkpoint | None:
        """The state in which the last run ended; None while one goes on, or if it was killed."""
        tip = self._state(_TIP)
        return tip if tip is not None and tip.tick == self.frontier() else None

    def _state(self, query: str) -> Checkpoint | None:
        row = self._reading.execute(query).fetchone()
        if row is None:
            return None
        tick, twins, members, states, slots, remembered, x, memory, past = row
        shapes = (twins, members, states), (twins, slots), (twins, members, remembered)
        return Checkpoint(tick, FleetState(*map(_array, (x, memory, past), shapes)))

    def estimates(self, after: int = 0, limit: int = 1000) -> list[StoredEstimate]:
        """The next estimates behind a position, at most ``limit``, in the order in which they were written."""
        rows = self._reading.execute(_ESTIMATES, (after, limit)).fetchall()
        figures = self._figures([row[-1] for row in rows])
        known = self.identity
        return [
            StoredEstimate(
                position,
                tick,
                (tick + 1) * known.tick,
                known.twins[twin],
                revision,
                _TRUST[trust],
                known.reasons(reasons) if reasons else (),
                figures[i],
            )
            for i, (position, tick, twin, revision, trust, reasons, _) in enumerate(rows)
        ]

    def latest(self, since: int = 0) -> Iterator[Record]:
        """One record a tick from tick ``since`` on, with the newest revision of every twin."""
        for tick, group in groupby(self._reading.execute(_LATEST, (since,)), key=itemgetter(0)):
            _, rows, figures, trust, reasons, revision = zip(*group, strict=True)
            bits = [np.array(column, dtype=np.int64) for column in (rows, trust, reasons, revision)]
            yield Record(tick, bits[0], self._figures(figures), *bits[1:])

    def frontier(self) -> int | None:
        """The tick after the newest that has estimates; None before the first."""
        newest: int | None = self._reading.execute("SELECT max(tick) FROM estimate").fetchone()[0]
        return None if newest is None else newest + 1

    def cursor(self, name: str) -> int:
        """How far a sink has come: the position of the last estimate that it has; 0 before the first."""
        row = self._reading.execute("SELECT position FROM cursor WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _figures(self, blobs: Sequence[bytes]) -> FloatArray:
        return _array(b"".join(blobs), (len(blobs), len(self.identity.quantities), len(FIGURES)))


def _array(blob: bytes, shape: tuple[int, ...]) -> FloatArray:
    return np.frombuffer(blob, dtype="<f8").astype(np.float64).reshape(shape)
