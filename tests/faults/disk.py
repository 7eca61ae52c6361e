"""Faults of the disk: full, torn, flipped."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.faults.live import account, broker, deployed, patient, ready, settled
from tests.faults.row import Outcome
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader

Damage = Callable[[Path, random.Random], None]
"""Changes a store, or its log."""

TEARS = 50
FLIPS = 200
SMALL = 3
"""MiB of the small disk."""


def full(folder: Path) -> Outcome:
    """The disk of the store is full; later there is room again. Needs the right to mount a memory disk."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", str(disk)], check=True)
    try:
        return _full(folder, disk)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _full(folder: Path, disk: Path) -> Outcome:
    with broker(folder) as server:
        deployment = deployed(disk, server)
        with ExitStack() as stack:
            with deployment.run() as run:
                ready(deployment, run)
                sent = stack.enter_context(patient(deployment, 60.0))
                ended = run.process.wait(60)
                reason = " ".join(run.errors.read_text().rpartition("error: ")[2].split())
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            with deployment.run() as run:
                sent.wait()
                figures = account(deployment, settled(deployment, run, sent), sent)
    return Outcome(f"ends with {ended}: {reason[-110:]}", f"then, with room: {figures}")


def torn(folder: Path) -> Outcome:
    """After a kill, the write-ahead log is cut at any byte, or one bit of the store or its log is another."""
    store = _killed_store(folder)
    torn = [_outcome(store, folder / "torn", _cut, seed) for seed in range(TEARS)]
    flipped = [_outcome(store, folder / "flipped", _flip, seed) for seed in range(FLIPS)]
    figures = f"of {TEARS} cuts {_counted(torn)}; of {FLIPS} flipped bits {_counted(flipped)} (all is read as written)"
    return Outcome("the store is refused as damaged, by run, replay, show and `twin store check`", figures)


def _killed_store(folder: Path) -> Path:
    with broker(folder) as server:
        deployment = deployed(folder, server)
        with deployment.run() as run:
            ready(deployment, run)
            with patient(deployment, 10.0):
                time.sleep(9.0)
            run.kill()
    return deployment.store


def _counted(outcomes: list[str]) -> str:
    return ", ".join(f"{outcomes.count(each)} {each}" for each in ("noticed", "harmless", "UNNOTICED"))


def _outcome(store: Path, folder: Path, damage: Damage, seed: int) -> str:
    """What a reader makes of a damaged copy."""
    whole = _content(_copy(store, folder))
    damage(_copy(store, folder), random.Random(seed))
    try:
        return "harmless" if _content(folder / store.name) == whole else "UNNOTICED"
    except StoreError:
        return "noticed"


def _copy(store: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for suffix in ("", "-wal", ".head"):
        shutil.copy(store.with_name(store.name + suffix), folder)
    return folder / store.name


def _content(store: Path) -> list[object]:
    with Reader.open(store) as reader:
        reader.require_intact()
        return [*reader.entries(), *((e.position, e.figures.tobytes()) for e in reader.estimates(0, 10**9))]


def _cut(store: Path, rng: random.Random) -> None:
    log = store.with_name(store.name + "-wal")
    os.truncate(log, rng.randrange(log.stat().st_size))


def _flip(store: Path, rng: random.Random) -> None:
    path = rng.choice([store, store.with_name(store.name + "-wal")])
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
