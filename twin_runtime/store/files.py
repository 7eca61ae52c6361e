"""Whether the files of a store are still those that were opened: what a deleted file takes in is lost."""

from pathlib import Path
from typing import NamedTuple

from twin_runtime.errors import StoreError


class Stamp(NamedTuple):
    """A file by its device and inode."""

    device: int
    inode: int


class OpenFiles:
    """The database, its write-ahead log and the log's index, as they were when they were opened."""

    def __init__(self, path: Path) -> None:
        real = path.resolve()
        self._paths = (path, *(real.with_name(real.name + suffix) for suffix in ("-wal", "-shm")))
        self._opened = [_stamp(each) for each in self._paths]
        self._size = path.stat().st_size

    def require_in_place(self) -> None:
        """Raise :class:`StoreError` if one was deleted or replaced, or the database was cut short."""
        for path, before in zip(self._paths, self._opened, strict=True):
            found = _stamp(path)
            if before is not None and found != before:
                raise _lost(path, "deleted" if found is None else "replaced")
        size = self._paths[0].stat().st_size
        if size < self._size:
            raise _lost(self._paths[0], "cut short")
        self._size = size


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(status.st_dev, status.st_ino)


def _lost(path: Path, how: str) -> StoreError:
    remedy = "put it back, or start again with another file; what was not acknowledged is sent again"
    return StoreError(f"was {how} while it was written: the last readings are not kept", where=str(path), remedy=remedy)
