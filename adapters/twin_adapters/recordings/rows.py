"""Which rows of a table a stream takes, and of which twin each is."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from twin_adapters.recordings.hints import hint_at_unplaced
from twin_adapters.recordings.mapping import Stream
from twin_adapters.recordings.notation import Cell
from twin_adapters.recordings.table import NO_WORDS, Table
from twin_adapters.recordings.texts import numbers
from twin_runtime.core import IntArray
from twin_runtime.errors import RecordingError

Mask = npt.NDArray[np.bool_]

_NAME = re.compile(r"\w[\w.-]*")
SHOWN = 20
"""How many values an error lists."""


def chosen_rows(stream: Stream, table: Table) -> IntArray:
    """The rows that hold what ``where`` and ``quality`` ask for."""
    chosen = np.ones(table.rows, dtype=np.bool_)
    criteria: list[tuple[str, str | int, Sequence[Cell]]] = [("where", *each) for each in stream.where.items()]
    if stream.quality is not None:
        criteria.append(("good", stream.quality, stream.good))
    for name, column, wanted in criteria:
        chosen &= _holds(table, column, wanted)
        if table.rows and not chosen.any():
            held = list(dict.fromkeys(map(repr, table.column(column).tolist())))
            raise RecordingError(
                f"no row left with {column} = {' or '.join(map(repr, wanted))}",
                where=f"{table.path}: `{name}` of channel {stream.channel}",
                remedy=f"that column holds {', '.join(held[:SHOWN])}",
            )
    return np.flatnonzero(chosen)


def twins_of(stream: Stream, table: Table, rows: IntArray, there: Mask) -> Iterator[tuple[str, IntArray]]:
    """The twins of a stream in the order of the file, and which of the rows that are ``there`` are of each."""
    if stream.twin_column is None:
        yield stream.twin, np.flatnonzero(there)
        return
    names = table.spelled(stream.twin_column)[rows]
    named = there & np.array([name is not None for name in names], dtype=np.bool_)
    hint_at_unplaced(f"{table.path}: channel {stream.channel}", int(np.count_nonzero(there & ~named)), "name of a twin")
    known, first, which, counts = np.unique(
        names[named].astype(str), return_index=True, return_inverse=True, return_counts=True
    )
    by_twin = np.split(np.flatnonzero(named)[np.argsort(which, kind="stable")], np.cumsum(counts)[:-1])
    for twin in np.argsort(first):
        yield _checked(str(known[twin]), stream, table), by_twin[twin]


def _checked(name: str, stream: Stream, table: Table) -> str:
    if _NAME.fullmatch(name):
        return name
    what = f"expected names of twins (letters, digits, '_', '-', '.') in column {stream.twin_column!r}, came {name!r}"
    raise RecordingError(what, where=str(table.path), remedy="write a stream for each twin, with `twin` and `where`")


def _holds(table: Table, column: str | int, wanted: Sequence[Cell]) -> Mask:
    """Which rows hold one of several values: texts as the file spells them, numbers by what they are worth."""
    cells = table.column(column)
    texts = [value for value in wanted if isinstance(value, str)]
    figures = [value for value in wanted if not isinstance(value, str)]
    holds = np.zeros(table.rows, dtype=np.bool_)
    spelled = table.spelled(column) if texts and cells.dtype.kind != "O" else cells
    if len(texts) == 1:
        holds |= spelled == texts[0]
    elif texts:
        holds |= np.fromiter(map(set(texts).__contains__, spelled), np.bool_, table.rows)
    if figures and cells.dtype.kind == "O":
        holds |= np.isin(numbers(cells, table.decimal, NO_WORDS)[0], figures)
    elif figures:
        holds |= np.isin(cells, figures)
    return holds
