"""A table of columns of text; what a column says is found when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from twin_adapters.recordings.cells import Cells
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.texts import objects, present, typed


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns as their file spells them. A place is in it where its column holds date-times without an offset."""

    columns: Sequence[pa.ChunkedArray]
    decimal: str
    known: dict[int, tuple[Cells, bool]] = field(default_factory=dict)

    def typed(self, place: int) -> tuple[Cells, bool]:
        if place not in self.known:
            self.known[place] = typed(self.columns[place], self.decimal)
        return self.known[place]

    def cells(self, place: int) -> Cells:
        return self.typed(place)[0]

    def texts(self, place: int) -> Cells:
        return objects(present(self.columns[place]))

    def __contains__(self, place: object) -> bool:
        return isinstance(place, int) and self.typed(place)[1]


def text_table(
    path: Path,
    names: Sequence[str],
    columns: Sequence[pa.ChunkedArray],
    *,
    decimal: str,
    line: Callable[[int], int],
    units: Mapping[int, str] | None = None,
) -> Table:
    """A table of columns of text; ``line`` tells in which line of the file a row is."""
    held = _Columns(columns, decimal)
    rows = len(columns[0]) if columns else 0
    return Table(path, rows, names, held.cells, units or {}, local=held, texts=held.texts, decimal=decimal, line=line)
