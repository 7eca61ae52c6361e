"""Which reader reads which file."""

from pathlib import Path
from typing import cast

from twin_adapters.recordings.mapping import Layout, Place
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Reader, Table
from twin_runtime.entry_points import RECORDINGS, found, loaded
from twin_runtime.errors import ConfigError, RecordingError

SUFFIXES = {
    "atr": "wfdb",
    "bdf": "edf",
    "cdf": "netcdf",
    "dat": "csv",
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
SHEETS = {"xls", "xlsx", "xlsm", "ods", "numbers"}
"""Suffixes of spreadsheets, which are not read."""
PACKED = ("gz", "zip", "bz2", "xz")
"""Suffixes of packed files."""


def open_table(path: Path, place: Place, layout: Layout | None = None) -> Table:
    """Open a file with the reader for its format, by the layout of ``place`` unless another is given.

    Raises :class:`RecordingError` where that fails.
    """
    with reading(path, "a file of a known format", "name its `format` in the mapping, or mend the file"):
        return _opened(path, place, layout or place.layout)


def _opened(path: Path, place: Place, layout: Layout) -> Table:
    if path.is_dir():
        remedy = f'name a file in it, or `file = "{place.file.rstrip("/")}/*.csv"` for all of them'
        raise RecordingError("expected a file, came a folder", where=str(path), remedy=remedy)
    if not path.is_file():
        raise RecordingError(
            f"there is no file {path.name!r} in {path.parent.absolute()}",
            where=place.file,
            remedy="say with --data in which folder the files of the recording lie",
        )
    return _reader(place.format or format_of(path), path)(path, layout)


def format_of(path: Path) -> str:
    """The format of a file by its suffix; of a packed one, by the suffix before."""
    suffixes = [suffix.removeprefix(".").lower() for suffix in path.suffixes]
    known = suffixes[:-1] if suffixes and suffixes[-1] in PACKED else suffixes
    suffix = known[-1] if known else "csv" if suffixes else ""
    return SUFFIXES.get(suffix, suffix)


def _reader(name: str, path: Path) -> Reader:
    formats = found(RECORDINGS)
    if name not in formats:
        what = f"there is no format {name!r}; there are {', '.join(formats)}"
        remedy = "save its sheet as CSV" if name in SHEETS else "name one of these as `format` in the mapping"
        raise ConfigError(what, where=str(path), remedy=remedy)
    return cast("Reader", loaded(formats[name]))
