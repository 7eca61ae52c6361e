"""Delimited text as columns of text, every row as wide as the first."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow

from twin_runtime.errors import RecordingError

BLOCK = 1 << 22
"""Bytes that are parsed at once; no line may be longer."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """The data of a file below its header, in UTF-8. They begin in the line ``first``, counted from 1.

    Lines that begin with ``comment`` are remarks; ``quote`` stands around cells that hold a delimiter. A delimiter that
    is a blank stands for any number of blanks.
    """

    path: Path
    text: bytes
    delimiter: str
    comment: str
    quote: str
    first: int

    def columns(self, names: list[str]) -> tuple[list[str], list[pa.ChunkedArray]]:
        """Names and columns. One without name and values, as a delimiter at the end of every row makes it, is none."""
        width = len(next((record for record, _ in self._records(self.text[:BLOCK]) if record), names)) or 1
        while len(names) > width and not names[-1]:
            names = names[:-1]
        if names and not width - 1 <= len(names) <= width:
            raise self._misnamed(names, width)
        columns = self._parsed(width)
        if names and len(names) < width and pc.any(pc.not_equal(columns.pop(), "")).as_py():
            raise self._misnamed(names, width)
        return names or [""] * width, columns

    def line(self, row: int) -> int:
        """The line of the file in which a row ends, counted from 1."""
        return next(line for place, (_, line) in enumerate(self._records(self.text)) if place == row)

    def _parsed(self, width: int) -> list[pa.ChunkedArray]:
        names = list(map(str, range(width)))
        body = b"".join(line for line, _ in self._lines(self.text)) if self._is_edited else self.text
        if not body:
            return [pa.chunked_array([[]], pa.string())] * width
        quoted = self.quote.encode() in body
        if quoted and body.count(self.quote.encode()) % 2:
            self._refuse_open_quote()
        form = {
            "delimiter": self.delimiter,
            "quote_char": self.quote,
            "ignore_empty_lines": False,
            "newlines_in_values": quoted,
        }
        try:
            table = arrow.read_csv(
                io.BytesIO(body),
                read_options=arrow.ReadOptions(column_names=names, block_size=BLOCK),
                parse_options=arrow.ParseOptions(**form),
                convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
            return list(table.columns)
        except pa.ArrowInvalid:
            self._refuse_ragged(width)
            raise

    def _records(self, text: bytes, *, strict: bool = False) -> Iterator[tuple[list[str], int]]:
        """Each record, and the line in which it ends."""
        line = self.first

        def followed() -> Iterator[str]:
            nonlocal line
            for content, line in self._lines(text):  # noqa: B007  # read where a record is complete
                yield content.decode(errors="replace")

        for record in csv.reader(followed(), delimiter=self.delimiter, quotechar=self.quote, strict=strict):
            yield record, line

    def _lines(self, text: bytes) -> Iterator[tuple[bytes, int]]:
        """Lines but remarks, with their numbers."""
        mark = self.comment.encode()
        for number, line in enumerate(text.splitlines(keepends=True), self.first):
            if not (mark and line.lstrip().startswith(mark)):
                yield b" ".join(line.split()) + b"\n" if self.delimiter == " " else line, number

    @property
    def _is_edited(self) -> bool:
        return bool(self.comment) or self.delimiter == " "

    def _refuse_ragged(self, width: int) -> None:
        for record, line in self._records(self.text):
            if record and len(record) != width:
                raise RecordingError(
                    f"expected {width} columns as in the first row, came {len(record)}: {shortened(record)}",
                    where=f"{self.path}:{line}",
                    remedy="mend that row, or name the `delimiter`, the `header` and what to `skip` in the mapping",
                )

    def _refuse_open_quote(self) -> None:
        begun = self.first
        try:
            for _, line in self._records(self.text, strict=True):
                begun = line + 1
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                what = "a quote is opened and never closed"
                raise RecordingError(
                    what, where=f"{self.path}:{begun}", remedy=f"delete the {self.quote} in that line"
                ) from None

    def _misnamed(self, names: list[str], width: int) -> RecordingError:
        return RecordingError(
            f"there are {len(names)} names of columns, and {width} columns in the rows",
            where=f"{self.path}:{self.first}",
            remedy=f"name all {width} with `columns` in the mapping, and `skip` the lines above the data; or name the "
            f"`delimiter`, which is taken to be {self.delimiter!r}",
        )


def shortened(record: list[str]) -> str:
    """A row as far as a message has room for it."""
    text = ", ".join(map(repr, record))
    return text if len(text) <= 80 else f"{text[:77]}..."
