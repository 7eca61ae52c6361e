"""The files of a recording, each read once."""

from collections.abc import Sequence
from pathlib import Path

from twin_adapters.recordings.formats import open_table
from twin_adapters.recordings.mapping import Stream
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Table
from twin_adapters.recordings.unread import WatchedLayout
from twin_runtime.errors import RecordingError


class Files:
    """The files below a folder, as tables. Streams of one file and one layout share a table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layouts: dict[object, WatchedLayout] = {}
        self._tables: dict[object, Table] = {}

    def layout(self, stream: Stream) -> WatchedLayout:
        """The layout of a stream, which knows what its format has read of it."""
        source = stream.file, stream.format, stream.layout
        return self._layouts.setdefault(source, WatchedLayout.model_construct(**stream.layout.model_dump()))

    def tables(self, stream: Stream) -> Sequence[Table]:
        """The file of a stream, or all files that its pattern matches, by name."""
        layout = self.layout(stream)
        paths = self._paths(stream.file)
        if len(paths) > 1 and stream.period is not None:
            what = f"`period` counts the rows of one file, {stream.file!r} matches {len(paths)}"
            raise RecordingError(what, where=str(self._folder), remedy="name a column of times")
        return [self._table((path, stream.format, stream.layout), path, stream, layout) for path in paths]

    def _table(self, source: object, path: Path, stream: Stream, layout: WatchedLayout) -> Table:
        if source not in self._tables:
            self._tables[source] = open_table(path, stream, layout)
        return self._tables[source]

    def _paths(self, file: str) -> Sequence[Path]:
        path = self._folder / file
        with reading(path, "the name of a file", "name a `file` below --data or beside the mapping"):
            if not ("*" in file or "?" in file) or path.exists():
                return [path]
            pattern = Path(file)
            found = sorted((self._folder / pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
        if not found:
            remedy = "say with --data in which folder the files of the recording lie"
            raise RecordingError(f"no file is called {file!r}", where=str(self._folder.absolute()), remedy=remedy)
        return found
