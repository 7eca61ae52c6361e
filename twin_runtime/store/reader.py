"""Reading a store, in the process that writes it or in any other."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from twin_runtime.core import (
    FIGURES,
    Bulletin,
    Checkpoint,
    Code,
    Entry,
    FleetState,
    FloatArray,
    Omission,
    Reading,
    Record,
    Standing,
    StoredEstimate,
    Tally,
    Trust,
)
from twin_runtime.store import bulletins
from twin_runtime.store.bulletins import Acknowledgement, Scored
from twin_runtime.store.chapter import Chapter
from twin_runtime.store.chapters import joint_identity, named, stored_chapters
from twin_runtime.store.damage import damage
from twin_runtime.store.head import read_head
from twin_runtime.store.identity import Identity, TypeIdentity
from twin_runtime.store.outliers import outliers
from twin_runtime.store.schema import UNREADABLE, connect
from twin_runtime.store.seals import check_recent, damaged, is_intact, last_link
from twin_runtime.store.twins import Numbers, all_twins, removed_twins

_ACCEPTED = """
SELECT signal, time, value, sd, sequence, tick FROM journal
WHERE code = 'accepted' AND time >= ? ORDER BY time, signal, sequence, position
"""
_ENTRIES = """
SELECT position, arrival, type, code, signal, time, value, sd, sequence, tick, topic, payload, detail FROM journal
WHERE position > ? AND position <= ? ORDER BY position
"""
_ACCEPTED_COUNTS = "SELECT signal, count(*) FROM journal WHERE code = 'accepted' GROUP BY signal"
_OTHER_COUNTS = """
SELECT type, signal, code, count(*) FROM journal WHERE code <> 'accepted' AND code <> 'decision'
AND position > ? AND position <= ? GROUP BY type, signal, code
"""
_DECISIONS = """
SELECT payload FROM journal WHERE code <> 'accepted' AND code = 'decision' AND type = ? ORDER BY position
"""
_ESTIMATES = """
SELECT position, type, tick, name, revision, trust, reasons, figures, standing
FROM (SELECT * FROM estimate WHERE position > ? ORDER BY position LIMIT ?) AS estimate
JOIN (SELECT id, name FROM twin) AS twin ON twin.id = estimate.twin ORDER BY position
"""
_AHEAD = "SELECT max(figures) FROM (SELECT figures FROM estimate WHERE position > ? ORDER BY position LIMIT ?)"
_LATEST = """
SELECT tick, twin, figures, trust, reasons, standing, max(revision) FROM estimate
WHERE type = ? AND tick >= ? GROUP BY tick, twin ORDER BY tick, twin
"""
_TICK_ENDS = "SELECT DISTINCT tick + 1 FROM estimate WHERE type = ? AND tick >= ? ORDER BY tick"
_CHECKPOINT = "SELECT * FROM checkpoint WHERE type = ? ORDER BY tick DESC"
_TIP = "SELECT * FROM tip WHERE type = ?"
_ORIGIN = "SELECT * FROM origin WHERE type = ?"
_TALLY = "SELECT * FROM tally WHERE type = ?"
_ARRIVAL = "SELECT arrival FROM journal WHERE type = ? AND code = 'accepted' ORDER BY position DESC LIMIT 1"
_ENDS = "SELECT name, position, (SELECT coalesce(max(position), 0) FROM estimate) FROM cursor ORDER BY name"
LAST = 2**63 - 1
"""Behind any position."""
_TRUST, _STANDING = tuple(Trust), tuple(Standing)
_log = logging.getLogger(__name__)


class Reader:
    """What a chapter of a store holds that has been committed. Use it from one thread at a time, and close it.

    Rows are those of the twins in ``identity``: the one given, or that of the chapter with all twins it has ever had;
    a ``place`` is that of a type in it. :meth:`estimates`, the cursors, sizes and damage are those of all chapters.
    Where twins are added or removed meanwhile, or a chapter begins, open it anew.
    """

    def __init__(self, path: Path, identity: Identity | None = None, chapter: int | None = None) -> None:
        self.path = path
        self._reading = connect(path)
        try:
            with named(path), self.snapshot():
                self.chapters = stored_chapters(self._reading, str(path))
                self.chapter = self.chapters[-1 if chapter is None else chapter - 1]
                self._turn_to(self.chapter, identity or all_twins(self._reading, *self.chapter.of))
        except BaseException:
            self._reading.close()
            raise

    def _turn_to(self, chapter: Chapter, identity: Identity) -> None:
        """Read from a chapter."""
        self.chapter, self.identity, self._first = chapter, identity, chapter.first
        self._numbers = Numbers(self._reading, identity, chapter.first, str(self.path))
        self._end = next((other.entry for other in self.chapters if other.number > chapter.number), LAST)

    @classmethod
    def open(cls, path: Path, identity: Identity | None = None, chapter: int | None = None) -> "Reader":
        """Open an existing store to read from a chapter, the newest by default.

        Raises :class:`StoreError` if there is none.
        """
        return Reader(path, identity, chapter)

    @property
    def joint(self) -> Identity:
        """The identity by whose types the estimates of all chapters are numbered."""
        newest = self.identity if self.chapter is self.chapters[-1] else self.chapters[-1].identity
        return joint_identity(self.chapters, newest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if isinstance(error, UNREADABLE):
            raise damaged(str(self.path), str(error)) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read meanwhile is of one moment, though a writer goes on; one may stand in another."""
        if self._reading.in_transaction:
            yield
            return
        self._reading.execute("PRAGMA query_only = ON")
        self._reading.execute("BEGIN")
        try:
            yield
        finally:
            self._reading.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._reading.close()

    @property
    def meta(self) -> dict[str, str]:
        """When the store was created, and the seal of its names."""
        return dict(self._reading.execute("SELECT key, value FROM meta"))

    def accepted(self, since: int = 0, place: int = 0) -> Iterator[Reading]:
        """Accepted readings of a type with event time >= ``since``, sorted by (time, twin, channel)."""
        for number, *rest in self._reading.execute(_ACCEPTED, (since,)):
            signal = self._numbers.signals.get(number)
            if signal is not None and signal.type == place:
                yield Reading(signal.row, signal.channel, *rest)

    def outliers(self, since: int = 0, place: int = 0) -> Iterator[Reading]:
        """Readings of a type that the gate refused, with event time >= ``since``, sorted by time."""
        return outliers(self._reading, self._numbers, since, place)

    def entries(self, after: int = 0) -> Iterator[tuple[int, Entry]]:
        """(position, entry) of all that came in behind a position, in the order in which it came in."""
        begin = max(after, self.chapter.entry)
        for position, arrival, of, code, number, *rest in self._reading.execute(_ENTRIES, (begin, self._end)):
            signal, (topic, payload, detail) = self._numbers.signals.get(number), rest[5:]
            if number is None or signal is not None:
                reading = None if signal is None else Reading(signal.row, signal.channel, *rest[:5])
                about = topic or "", payload or b"", detail or "", self._place(of)
                yield position, Entry(arrival, Code(code), reading, *about)

    def _place(self, number: int) -> int:
        """The place in this chapter of a type by its number; -1 stays -1: none."""
        return number - self._first if number >= 0 else number

    def counts(self, *, without: Collection[str] = ()) -> Counter[tuple[int, Code]]:
        """How many readings there are of every type and code that occur, leaving out those of some twins."""
        counts = Counter[tuple[int, Code]]()
        signals = {
            number: signal
            for number, signal in self._numbers.signals.items()
            if not without or self.identity.types[signal.type].twins[signal.row] not in without
        }
        for number, count in self._reading.execute(_ACCEPTED_COUNTS):
            if number in signals:
                counts[signals[number].type, Code.ACCEPTED] += count
        for of, number, code, count in self._reading.execute(_OTHER_COUNTS, (self.chapter.entry, self._end)):
            if number is None or number in signals:
                counts[self._place(of), Code(code)] += count
        return counts

    def decisions(self, place: int = 0) -> list[Omission]:
        """What a type has left out under overload, or is to leave out, in the order of the decisions."""
        rows = self._reading.execute(_DECISIONS, (place + self._first,))
        return [msgspec.json.decode(payload, type=Omission) for [payload] in rows]

    def newest_arrival(self, place: int = 0) -> int | None:
        """When the newest accepted reading of a type came."""
        row = self._reading.execute(_ARRIVAL, (place + self._first,)).fetchone()
        return None if row is None else int(row[0])

    def removed(self) -> frozenset[str]:
        """The twins that were there in an earlier run of the chapter and are not any more."""
        return removed_twins(self._reading, self.identity, self._first)

    def tally(self, place: int = 0) -> Tally | None:
        """What the ticks of a type have come to, up to the newest entry; None before the first.

        None, with a warning, where it is damaged: no state depends on it.
        """
        row = self._reading.execute(_TALLY, (place + self._first,)).fetchone()
        if row is not None and not is_intact(row):
            _log.warning("%s: the tally of type %s is damaged, and not used", self.path, place)
            return None
        return None if row is None else Tally(place, *row[1:-1])

    def sizes(self) -> tuple[int, int]:
        """How many entries and estimates there are."""
        link = last_link(self._reading, str(self.path))
        return link.entry, link.estimate

    def checkpoint(self, place: int = 0) -> Checkpoint | None:
        """The newest checkpoint of a type that is as it was written, its arrays free to be changed.

        None, with a warning, where all are damaged: the journal gives the same states, from the chapter's beginning.
        """
        return self._state(_CHECKPOINT, place)

    def origin(self, place: int = 0) -> Checkpoint | None:
        """The state with which a type began in this chapter; None: its prior.

        Raises :class:`StoreError` where it is damaged: nothing else gives it.
        """
        row = self._reading.execute(_ORIGIN, (place + self._first,)).fetchone()
        if row is not None and not is_intact(row):
            raise damaged(str(self.path), f"the state with which chapter {self.chapter.number} began")
        return None if row is None else self._restored(row[:-1], place)

    def tip(self, place: int = 0) -> Checkpoint | None:
        """The state of a type in which the last run ended; None while one goes on, or if it was killed."""
        tip = self._state(_TIP, place)
        return tip if tip is not None and tip.tick == self.reached(place) else None

    def check_recent(self, tick: int, time: int, place: int = 0) -> None:
        """Raise :class:`StoreError` unless what a type needs to go on from a tick is as it was written."""
        with named(self.path), self.snapshot():
            check_recent(self._reading, str(self.path), place + self._first, tick, time)

    def require_intact(self) -> None:
        """Raise :class:`StoreError`, naming all that is damaged, unless the store is as it was written."""
        found = self.damage()
        if found:
            raise damaged(str(self.path), "; ".join(found))

    def damage(self) -> list[str]:
        """What is not as it was written, in words."""
        head = read_head(self.path)
        with self.snapshot():
            return damage(self._reading, self.path, head)

    def _state(self, query: str, place: int) -> Checkpoint | None:
        for row in self._reading.execute(query, (place + self._first,)):
            if is_intact(row):
                return self._restored(row[:-1], place)
            _log.warning("%s: the state of tick %s is damaged, and not used", self.path, row[1])
        return None

    def _restored(self, row: tuple[Any, ...], place: int) -> Checkpoint:
        _, tick, names, members, states, slots, lagged, *blobs = row
        twins = tuple(json.loads(names))
        shapes = (len(twins), members, states), (len(twins), slots), (len(twins), members, lagged)
        return Checkpoint(tick, FleetState(*map(_array, blobs, shapes)), twins, place)

    def estimates(self, after: int = 0, limit: int = 1000) -> list[StoredEstimate]:
        """The next estimates behind a position, at most ``limit``, in the order in which they were written.

        They are those of all chapters, their types by their numbers in :attr:`joint`.
        """
        types = self.joint.types
        return [
            StoredEstimate(
                position,
                tick,
                (tick + 1) * types[number].tick,
                twin,
                revision,
                _TRUST[trust],
                types[number].reasons(reasons) if reasons else (),
                _figures([figures], types[number])[0],
                tuple(map(_STANDING.__getitem__, standing)),
                number,
                (tick + 1) * types[number].tick + types[number].validity,
            )
            for position, number, tick, twin, revision, trust, reasons, figures, standing in self._reading.execute(
                _ESTIMATES, (after, limit)
            )
        ]

    def read_ahead(self, after: int = 0, limit: int = 1000) -> None:
        """Bring the next estimates from the disk into memory, in one step that may be left to a thread."""
        self._reading.execute(_AHEAD, (after, limit)).fetchone()

    def latest(self, since: int = 0, place: int = 0) -> Iterator[Record]:
        """One record of a type for every tick from tick ``since`` on, with the newest revision of every twin."""
        rows, known_type = self._numbers.rows, self.identity.types[place]
        for tick, group in groupby(self._reading.execute(_LATEST, (place + self._first, since)), key=itemgetter(0)):
            known = sorted((rows[twin], *rest) for _, twin, *rest in group if twin in rows)
            if known:
                row, figures, trust, reasons, standing, revision = zip(*known, strict=True)
                bits = [np.array(column, dtype=np.int64) for column in (row, trust, reasons, revision)]
                levels = np.frombuffer(b"".join(standing), np.uint8).reshape(len(standing), -1).astype(np.int64)
                yield Record(tick, bits[0], _figures(figures, known_type), bits[1], bits[2], bits[3], levels, place)

    def frontier(self, place: int = 0) -> int | None:
        """The tick after the newest of a type that has estimates; None before the first."""
        query, number = "SELECT max(tick) FROM estimate WHERE type = ?", place + self._first
        [newest] = self._reading.execute(query, (number,)).fetchone()
        return None if newest is None else int(newest) + 1

    def reached(self, place: int = 0) -> int | None:
        """The next tick of a type: its frontier, or that with which the chapter began; None where nothing has."""
        frontier, number = self.frontier(place), place + self._first
        row = self._reading.execute("SELECT tick FROM origin WHERE type = ?", (number,)).fetchone()
        return frontier if row is None else max(int(row[0]), frontier or 0)

    def bulletins(self, after: int = 0, limit: int = 1000) -> list[Bulletin]:
        """The next bulletins to be published behind a position, in the order in which they were written."""
        return bulletins.next_bulletins(self._reading, after, limit)

    def bulletins_of(self, kind: str, place: int = 0, since: int = 0) -> Iterator[Bulletin]:
        """The bulletins of a type and a kind from a tick on, by tick."""
        return bulletins.of_kind(self._reading, self._first, place, kind, since)

    def newest_bulletins(self, kind: str, place: int = 0) -> list[Bulletin]:
        """The newest of a type and a kind, of every name and twin."""
        return bulletins.newest(self._reading, self._first, place, kind)

    def newest_tick(self, kinds: Sequence[str], name: str, place: int = 0) -> int | None:
        """The tick of the newest bulletin of a type, of a name and some kinds; None where there is none."""
        return bulletins.newest_tick(self._reading, kinds, name, place + self._first)

    def ends(self, since: int = 0, place: int = 0) -> Iterator[int]:
        """The ticks from tick ``since`` on at whose start a state of a type was known, in order."""
        return (int(tick) for [tick] in self._reading.execute(_TICK_ENDS, (place + self._first, since - 1)))

    def bulletin_counts(self, place: int = 0) -> dict[tuple[str, str], int]:
        """At how many ticks there are bulletins of a type, by kind and name."""
        return bulletins.counts(self._reading, place + self._first)

    def acknowledgements(self) -> dict[int, Acknowledgement]:
        """Who has taken note of which alarm, by its position."""
        return bulletins.acknowledgements(self._reading)

    def scores(self, place: int = 0) -> Scored | None:
        """How good the forecasts of a type have been; None before any was verified."""
        return bulletins.scores(self._reading, place + self._first)

    def cursor(self, name: str) -> int:
        """How far a sink has come: the position of the last estimate that it has; 0 before the first."""
        row = self._reading.execute("SELECT position FROM cursor WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def cursors(self) -> dict[str, tuple[int, int]]:
        """How many estimates each sink has been given, and how many wait for it."""
        return {name: (position, end - position) for name, position, end in self._reading.execute(_ENDS)}

    def waiting(self, position: int) -> int:
        """How many estimates there are behind a position."""
        [newest] = self._reading.execute("SELECT coalesce(max(position), 0) FROM estimate").fetchone()
        return int(newest) - position


def _figures(blobs: Sequence[bytes], of: TypeIdentity) -> FloatArray:
    return _array(b"".join(blobs), (len(blobs), len(of.quantities), len(FIGURES)))


def _array(blob: bytes, shape: tuple[int, ...]) -> FloatArray:
    return np.frombuffer(blob, dtype="<f8").astype(np.float64).reshape(shape)
