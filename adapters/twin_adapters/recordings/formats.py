"""Which reader reads which file."""

from pathlib import Path
from typing import cast

from twin_adapters.recordings.mapping import Place
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Reader, Table
from twin_runtime.entry_points import RECORDINGS, found, loaded
from twin_runtime.errors import ConfigError, RecordingError

SUFFIXES = {
    "atr": "wfdb",
    "bdf": "edf",
    "cdf": "netcdf",
    "hea": "wfdb",
    "json": "fhir",
    "nc": "netcdf",
    "nc4": "netcdf",
    "qrs": "wfdb",
    "ndjson": "fhir",
    "toml": "historian",
    "tsv": "csv",
    "txt": "csv",
}
"""Formats of files whose suffix is not the format's name; the names are those of the entry points."""


def open_table(path: Path, place: Place) -> Table:
    """Open a file with the reader for its format. Raises :class:`RecordingError` where that fails."""
    with reading(path, "a file of a known format", "name its `format` in the mapping, or mend the file"):
        return _opened(path, place)


def _opened(path: Path, place: Place) -> Table:
    if not path.is_file():
        raise RecordingError(
            f"there is no file {path.name!r} in {path.parent.absolute()}",
            where=place.file,
            remedy="say with --data in which folder the files of the recording lie",
        )
    suffix = path.suffix.removeprefix(".").lower()
    return _reader(place.format or SUFFIXES.get(suffix, suffix), path)(path, place.layout)


def _reader(name: str, path: Path) -> Reader:
    formats = found(RECORDINGS)
    if name not in formats:
        what = f"there is no format {name!r}; there are {', '.join(formats)}"
        raise ConfigError(what, where=str(path), remedy="name one of these as `format` in the mapping")
    return cast("Reader", loaded(formats[name]))
