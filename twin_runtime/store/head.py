"""The head of a store: a file beside it with the last group that was committed.

It is written after each commit, so it never names a group that was not on the disk. A store that ends before its head
has lost what came last: its write-ahead log was removed or cut, or an older copy was put in its place. No hash inside
the store could show that.
"""

import logging
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from twin_runtime.errors import StoreError
from twin_runtime.store.seals import Link, damaged, last_link

LOG = logging.getLogger(__name__)


class Head(NamedTuple):
    """The number and the seal of the newest link of the chain."""

    number: int
    seal: bytes


def head_path(store: Path) -> Path:
    """The file that belongs to a store: ``ward.db.head``."""
    return store.with_name(f"{store.name}.head")


def read_head(store: Path) -> Head | None:
    """The head of a store; None where there is none, as after a copy of the store alone."""
    path = head_path(store)
    try:
        number, seal = path.read_text("ascii").split()
        return Head(int(number), bytes.fromhex(seal))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        LOG.warning("%s cannot be read: whether the end of the store is missing is not known", path)
        return None


class HeadFile:
    """The head of a store that is being written."""

    def __init__(self, store: Path, last: Link) -> None:
        self._path = head_path(store)
        try:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
        except OSError as error:
            raise self._failed(error) from None
        self.write(last)

    def write(self, last: Link) -> None:
        """Name the newest group; raises :class:`StoreError` where the file cannot be written."""
        try:
            os.pwrite(self._file.fileno(), b"%020d %s\n" % (last.number, last.seal.hex().ljust(32, "0").encode()), 0)
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _failed(self, error: OSError) -> StoreError:
        remedy = "make room, or allow this user to write there"
        return StoreError(f"cannot be written: {error.strerror}", where=str(self._path), remedy=remedy)


def require_end(connection: sqlite3.Connection, store: Path, head: Head | None) -> None:
    """Raise :class:`StoreError` unless a store holds the group that its head names.

    The head must have been read before what ``connection`` sees was written.
    """
    if head is None or head.number == 0:
        return
    last = last_link(connection, str(store)).number
    row = connection.execute("SELECT seal FROM chain WHERE number = ?", (head.number,)).fetchone()
    if row == (head.seal,):
        return
    found = f"ends with group {last}" if last < head.number else f"has another group {head.number} than was written"
    what = f"it {found}, but group {head.number} had been written: the last acknowledged readings are missing"
    raise damaged(str(store), f"{what} (remove {head_path(store).name} to go on without them)")
