"""Compiled kernels of sources that have changed are forgotten.

Numba keeps compiled code beside a source file and takes it for current as long as that one file is unchanged. A kernel
that calls a kernel of another file, or holds a constant of it, would go on with the old one. So a package whose kernels
are cached says so when it is imported, and where any source has changed since, its cache is emptied.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

STAMP = "sources.sha256"


def forget_stale_kernels(package: Iterable[str]) -> None:
    """Empty the cache of a package (its ``__path__``) if it was made from other sources, of it or of the runtime."""
    folders = [Path(folder) for folder in package]
    current = _fingerprint([*folders, Path(__file__).parents[1]])
    for folder in folders:
        with suppress(OSError):  # a folder that cannot be written holds no cache either
            _forget(folder, current)


def _forget(folder: Path, current: str) -> None:
    stamp = folder / "__pycache__" / STAMP
    if stamp.exists() and stamp.read_text() == current:
        return
    for kind in ("*.nbi", "*.nbc"):
        for compiled in folder.rglob(f"__pycache__/{kind}"):
            compiled.unlink(missing_ok=True)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(current)


def _fingerprint(folders: Iterable[Path]) -> str:
    files = sorted(file for folder in set(folders) for file in folder.rglob("*.py"))
    states = ((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    return hashlib.sha256(repr(list(states)).encode()).hexdigest()
