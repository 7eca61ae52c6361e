"""Recordings in delimited text: as spreadsheets, loggers and databases export them."""

from pathlib import Path

from twin_adapters.recordings import actigraph, annotated
from twin_adapters.recordings.content import content
from twin_adapters.recordings.delimited import Delimited
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.preamble import preamble
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.text_table import text_table
from twin_runtime.errors import RecordingError


def read(path: Path, layout: Layout) -> Table:
    """Read a whole file. Empty cells, ``NA``, ``NaN`` and the like are missing; a blank line is a row of them."""
    with reading(path, "a text file", "name its `format`, or its `encoding`"):
        text = content(path, layout)
        if not text.strip():
            raise RecordingError(
                "there is nothing in it", where=str(path), remedy="take the file from its source again"
            )
        if text[:200].split(b"\n", 1)[0].strip() == b"#1":
            remedy = 'say `format = "mos"` in the mapping'
            raise RecordingError("this is a Modelica table", where=str(path), remedy=remedy)
    with reading(path, "a delimited table", "name the `delimiter` and what its `header` holds in the mapping"):
        if annotated.is_annotated(text):
            return annotated.read(path, text, layout)
        above = preamble(path, text, layout)
        data = Delimited(path, text[above.start :], above.delimiter, layout.comment, layout.quote, above.line)
        names, columns = actigraph.timed(text[: above.start], *data.columns(list(layout.columns or above.names)))
        return text_table(path, names, columns, decimal=layout.decimal, line=data.line, units=above.units)
