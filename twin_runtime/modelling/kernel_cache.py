"""Compiled kernels that are stale or broken are discarded.

Numba keeps compiled code beside a source file and takes it for current as long as that one file is unchanged. A kernel
that calls a kernel of another file, or holds a constant of it, would go on with the old one. So a package whose kernels
are cached has this checked when it is imported, and where any source has changed since, its cache is emptied.

Numba ends with an error where a file of its cache is not whole, as a loss of power can leave it. Its files are pickles.
"""

import hashlib
import os
import pickle
import pickletools
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

STAMP = "sources.sha256"
INDEX, CODE = ".nbi", ".nbc"
PICKLES = {INDEX: 2, CODE: 1}
"""How many pickles a file of Numba's cache holds."""


def discard_stale_kernels(package: Iterable[str]) -> None:
    """Empty the cache of a package (its ``__path__``) if it was made from other sources, of it or of the runtime.

    Files whose end is missing are discarded too.
    """
    folders = [Path(folder) for folder in package]
    current = _fingerprint([*folders, Path(__file__).parents[1]])
    for folder in folders:
        with suppress(OSError):  # a folder that cannot be written holds no cache either
            _discard(folder, current)


def discard_broken_kernels(files: Iterable[Path]) -> None:
    """Delete those of some files of Numba's cache that are not whole."""
    for file in files:
        with suppress(FileNotFoundError):  # another process may have deleted it
            with file.open("rb") as content:
                whole = _is_whole(content, PICKLES[file.suffix])
            if not whole:
                file.unlink()


def _discard(folder: Path, current: str) -> None:
    stamp = folder / "__pycache__" / STAMP
    is_current = stamp.exists() and stamp.read_text() == current
    for kind in PICKLES:
        for compiled in folder.rglob(f"__pycache__/*{kind}"):
            if not is_current or not _has_its_end(compiled):
                compiled.unlink(missing_ok=True)
    if not is_current:
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(current)


def _has_its_end(file: Path) -> bool:
    """Whether a file ends as a pickle does: a quick look, for there are hundreds of files at every start."""
    with file.open("rb") as content:
        end = content.seek(0, os.SEEK_END)
        content.seek(max(0, end - 1))
        return content.read() == pickle.STOP


def _is_whole(content: BinaryIO, pickles: int) -> bool:
    """Whether a file holds so many pickles, from its beginning to its end."""
    try:
        for _ in range(pickles):
            for _operation in pickletools.genops(content):
                pass
    except ValueError:
        return False
    return not content.read(1)


def _fingerprint(folders: Iterable[Path]) -> str:
    files = sorted(file for folder in set(folders) for file in folder.rglob("*.py"))
    states = ((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    return hashlib.sha256(repr(list(states)).encode()).hexdigest()
