"""A store on a disk that fails, fills up, tears what it writes, and loses power."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from twin_runtime.store.store import Identity, Store

Fate = Literal["commits", "fails", "full", "dies before", "dies after", "without power"]

SUFFIXES = ("", "-wal", ".head")
SYNCHRONOUS_FULL = 2


class DiskStore(Store):
    """A store whose commits have a ``fate``; ``die`` is called where the process dies of one."""

    fate: Callable[[], Fate]
    die: Callable[[], None]

    def __init__(self, path: Path, identity: Identity, writing: sqlite3.Connection, lock: IO[str]) -> None:
        super().__init__(path, identity, writing, lock)
        [level] = writing.execute("PRAGMA synchronous").fetchone()
        self.is_synchronous = level >= SYNCHRONOUS_FULL
        """Whether what was committed is on the disk, and not only on its way there."""

    def _commit(self) -> None:
        fate = self.fate()
        if fate == "commits":
            return super()._commit()
        if fate == "dies after":
            self._writing.execute("COMMIT")
        if fate in ("dies before", "dies after"):
            self.die()
        raise sqlite3.OperationalError("database or disk is full" if fate == "full" else "disk I/O error")


def left_by_power_cut(store: DiskStore, rng: random.Random) -> dict[str, bytes]:
    """The files of a store after its machine lost power in the middle of writing.

    The end of the write-ahead log is torn: behind what was synchronised there may be anything. The head is not
    synchronised; it may be gone.
    """
    files = {suffix: file.read_bytes() for suffix in SUFFIXES if (file := _file(store.path, suffix)).exists()}
    log = files.get("-wal", b"")
    if not store.is_synchronous:
        log = log[: rng.randint(0, len(log))]
    files["-wal"] = log + rng.choice([b"", rng.randbytes(rng.randint(1, 9000)), log[-rng.randint(1, 6000) :]])
    if rng.random() < 0.2:
        files[".head"] = b""
    return files


def restore(path: Path, files: dict[str, bytes]) -> None:
    """Put the files where they were."""
    for suffix in (*SUFFIXES, "-shm"):
        _file(path, suffix).unlink(missing_ok=True)
    for suffix, content in files.items():
        _file(path, suffix).write_bytes(content)


def _file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
