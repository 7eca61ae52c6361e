"""The text of a file, whatever it is packed in and however its letters are encoded."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from twin_adapters.recordings.mapping import Layout
from twin_runtime.errors import RecordingError

UNPACK: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
}
"""How to unpack a file, by its first bytes."""

ENOUGH = 8
"""Letters that show an encoding."""

EXCEL = ("an Excel workbook", "save its sheet as CSV")
OTHERS: Mapping[bytes, tuple[str, str]] = {
    b"PAR1": ("a Parquet file", 'say `format = "parquet"` in the mapping'),
    b"\xd0\xcf\x11\xe0": EXCEL,
    b"\x89HDF": ("an HDF5 file, as NetCDF 4 and MATLAB 7.3 write them", "name its `format` in the mapping"),
    b"CDF": ("a NetCDF file", "name its `format` in the mapping"),
    b"MATLAB 5": ("a MATLAB file", "name its `format` in the mapping"),
    b"SQLite format 3": ("a database of SQLite", "export the table as CSV"),
    b"ARROW1": ("an Arrow file", "write it as Parquet"),
    b"%PDF": ("a PDF document", "get the data behind it"),
    b'"TOB1"': ("binary data of a Campbell logger (TOB1)", "convert it to TOA5 with CardConvert"),
    b'"TOB3"': ("binary data of a Campbell logger (TOB3)", "convert it to TOA5 with CardConvert"),
}
"""What a file is that begins with these bytes, and what to do with it."""

MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by their byte order mark; the longer mark comes first."""


def content(path: Path, layout: Layout) -> bytes:
    """The text of a file in UTF-8: unpacked, and decoded.

    Without an `encoding` it is that of its byte order mark, else UTF-16 where every second byte is zero, UTF-8, or
    Windows-1252. Of a zip archive it is the file called `table`, or the only one.

    Raises :class:`RecordingError` for what is no text.
    """
    data = _unpacked(path, path.read_bytes(), layout)
    what, remedy = next((other for mark, other in OTHERS.items() if data.startswith(mark)), ("", ""))
    if not what and data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        what, remedy = "a web page", "download the file itself; a page often means that a sign-in is needed"
    if what:
        raise RecordingError(f"expected text, came {what}", where=str(path), remedy=remedy)
    return _utf8(path, data, layout.encoding)


def _unpacked(path: Path, data: bytes, layout: Layout) -> bytes:
    if data.startswith(b"PK\x03\x04"):
        return _zipped(path, data, layout.table)
    for mark, unpack in UNPACK.items():
        if data.startswith(mark):
            return unpack(data)
    return data


def _zipped(path: Path, data: bytes, member: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise RecordingError(f"expected text, came {EXCEL[0]}", where=str(path), remedy=EXCEL[1])
        if member in names or (not member and len(names) == 1):
            return archive.read(member or names[0])
    held = ", ".join(map(repr, names[:20])) or "nothing"
    what = f"expected a file {member!r} in it, came {held}" if member else f"expected one file in it, came {held}"
    raise RecordingError(what, where=str(path), remedy="name one of its files in `table`")


def _utf8(path: Path, data: bytes, encoding: str) -> bytes:
    encoding = encoding or next((name for mark, name in MARKS.items() if data.startswith(mark)), "") or _wide(data)
    try:
        return data.decode(encoding or "utf-8").encode()
    except UnicodeDecodeError as error:
        if encoding:
            what = f"expected text in {encoding}, came {error.object[error.start : error.start + 4]!r}"
            line = data.count(b"\n", 0, error.start) + 1
            raise RecordingError(what, where=f"{path}:{line}", remedy="name its `encoding` in the mapping") from None
    return data.decode("cp1252", errors="replace").encode()


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, by the zeros in every second byte; empty where it is not."""
    high, low = data[0:400:2], data[1:400:2]
    if len(low) < ENOUGH:
        return ""
    if low.count(0) > 0.9 * len(low) and not high.count(0):
        return "utf-16-le"
    return "utf-16-be" if high.count(0) > 0.9 * len(high) and not low.count(0) else ""
