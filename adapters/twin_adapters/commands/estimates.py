"""Stored estimates as rows of a flat table."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twin_runtime.core import FIGURES, Quantity, Standing, StoredEstimate, Trust
from twin_runtime.store.identity import Identity
from twin_runtime.store.reader import Reader

SCHEMA = pa.schema(
    {
        "time": pa.timestamp("ns", tz="UTC"),
        "twin": pa.string(),
        "quantity": pa.string(),
        "unit": pa.string(),
        "revision": pa.int64(),
        "trust": pa.string(),
        "reasons": pa.string(),
        "standing": pa.string(),
        "quantity_trust": pa.string(),
        "valid_until": pa.timestamp("ns", tz="UTC"),
        **dict.fromkeys(FIGURES, pa.float64()),
    }
)
"""One row a quantity of every estimate; ``reasons`` are names of checks, joined by blanks.

``trust`` is the verdict on the twin, ``quantity_trust`` what the ``standing`` of the quantity leaves of it. Neither
says anything of the asset after ``valid_until``.
"""

GROUP = 5000
"""Estimates in one table."""


def tables(estimates: Iterator[StoredEstimate], identity: Identity) -> Iterator[pa.Table]:
    """Estimates as tables of at most :data:`GROUP` estimates, each of one twin type."""
    for place, of_type in groupby(estimates, key=attrgetter("type")):
        while group := list(islice(of_type, GROUP)):
            yield _rows(group, identity.types[place].quantities)


def every_revision(store: Reader) -> Iterator[StoredEstimate]:
    """All that was ever written, in that order."""
    position = 0
    while page := store.estimates(after=position, limit=GROUP):
        yield from page
        position = page[-1].position


def newest_revisions(store: Reader) -> Iterator[StoredEstimate]:
    """The newest revision of every estimate, chapter by chapter, by time; a position has no meaning here."""
    for chapter in store.chapters:
        with Reader.open(store.path, chapter=chapter.number) as reader:
            yield from _of_chapter(reader)


def _of_chapter(store: Reader) -> Iterator[StoredEstimate]:
    first = store.chapter.first
    streams = (store.latest(place=place) for place in range(len(store.identity.types)))
    for record in merge(*streams, key=lambda record: (record.tick + 1) * store.identity.types[record.type].tick):
        known = store.identity.types[record.type]
        time = (record.tick + 1) * known.tick
        columns = (record.rows, record.revision, record.trust, record.reasons)
        for place, (row, revision, trust, bits) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
            twin, reasons = known.twins[row], known.reasons(bits)
            figures = record.figures[place]
            standing = tuple(map(Standing, record.standing[place].tolist()))
            verdict = (Trust(trust), reasons, figures, standing)
            yield StoredEstimate(
                0, record.tick, time, twin, revision, *verdict, first + record.type, valid_until=time + known.validity
            )


def expected(store: Reader) -> int | None:
    """About how many rows the newest revisions have; None for an empty store."""
    first = {estimate.type: estimate for estimate in reversed(store.estimates(limit=GROUP))}
    rows = 0
    for place, known in enumerate(store.identity.types, start=store.chapter.first):
        if place in first:
            ticks = (store.frontier(place - store.chapter.first) or 0) - first[place].tick
            rows += ticks * len(known.twins) * len(known.quantities)
    return rows or None


def _rows(estimates: Sequence[StoredEstimate], quantities: Sequence[Quantity]) -> pa.Table:
    each = len(quantities)
    columns = {
        "time": np.repeat([estimate.time for estimate in estimates], each),
        "twin": _repeated([estimate.twin for estimate in estimates], each),
        "quantity": [quantity.name for quantity in quantities] * len(estimates),
        "unit": [quantity.unit for quantity in quantities] * len(estimates),
        "revision": np.repeat([estimate.revision for estimate in estimates], each),
        "trust": _repeated([estimate.trust.name.lower() for estimate in estimates], each),
        "reasons": _repeated([" ".join(estimate.reasons) for estimate in estimates], each),
        "standing": [standing.name.lower() for estimate in estimates for standing in estimate.standing],
        "quantity_trust": [trust.name.lower() for estimate in estimates for trust in estimate.quantity_trust],
    }
    columns["valid_until"] = np.repeat([estimate.valid_until for estimate in estimates], each)
    figures = np.stack([estimate.figures for estimate in estimates]).reshape(-1, len(FIGURES))
    return pa.table(columns | dict(zip(FIGURES, figures.T, strict=True)), schema=SCHEMA)


def _repeated(words: Sequence[str], times: int) -> npt.NDArray[np.object_]:
    return np.repeat(np.array(words, dtype=np.object_), times)
