"""Recordings in Modelica's text tables: ``#1``, ``double name(rows, columns)``, then the numbers.

Numbers are separated by blanks, commas or semicolons and may be spread over lines at will; ``#`` begins a comment.
"""

import re
from pathlib import Path

import numpy as np

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Table
from twin_runtime.core import FloatArray
from twin_runtime.errors import RecordingError

_DECLARATION = re.compile(r"^\s*(?:double|float)\s+(\w+)\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)", re.MULTILINE)
_COMMENT = re.compile(r"#.*")
_SEPARATORS = str.maketrans(",;", "  ")


def read(path: Path, layout: Layout) -> Table:
    """Read one table of the file. A comment with a word a column, just above the numbers, names the columns."""
    with reading(path, "a Modelica table", "mend the declaration of the table"):
        return _read(path, layout)


def _read(path: Path, layout: Layout) -> Table:
    text = path.read_text(encoding="utf-8", errors="replace")
    declaration = _declaration(text, layout.table, path)
    shape = int(declaration[2]), int(declaration[3])
    body = text[declaration.end() :].lstrip("\r\n\t ")
    names = layout.columns or _names(body, shape[1])
    numbers = _numbers(body, shape, path)
    return Table(path, shape[0], names[: shape[1]], lambda place: numbers[:, place])


def _declaration(text: str, table: str, path: Path) -> re.Match[str]:
    found = {match[1]: match for match in reversed(list(_DECLARATION.finditer(text)))}
    if found and not table:
        return found[next(reversed(found))]
    if table not in found:
        raise RecordingError(
            f"expected a table {table!r}, came {', '.join(map(repr, reversed(found)))}"
            if found
            else "expected a line such as `double data(100, 4)`",
            where=str(path),
            remedy="name one of its tables in `table`" if found else "name the `format` of the file",
        )
    return found[table]


def _names(body: str, columns: int) -> list[str]:
    """The words of a comment on the first line, where there is one a column."""
    words = body.partition("\n")[0][1:].split() if body.startswith("#") else []
    return words if len(words) == columns else [""] * columns


def _numbers(body: str, shape: tuple[int, int], path: Path) -> FloatArray:
    following = _DECLARATION.search(body)
    words = _COMMENT.sub("", body[: following.start() if following else None]).translate(_SEPARATORS).split()
    try:
        return np.array(words, dtype=np.float64).reshape(shape)
    except ValueError as error:
        raise RecordingError(
            f"expected {shape[0]} rows of {shape[1]} numbers, came {len(words)} words: {error}",
            where=str(path),
            remedy="mend the numbers or the declaration above them",
        ) from error
