"""Estimates that a sink refused for good, or always failed on: a list beside the store, a line of JSON each.

The estimates themselves stay in the store, at ``position``. After a crash a line may be there twice.
"""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec

from twin_runtime.core import StoredEstimate
from twin_runtime.errors import StoreError


def refused_path(store: Path) -> Path:
    """The list that belongs to a store: ``ward.db.refused.jsonl``."""
    return store.with_name(f"{store.name}.refused.jsonl")


def keep_aside(store: Path, sink: str, estimate: StoredEstimate, error: str) -> None:
    """Add an estimate to the list with what the sink said, durably. Raises :class:`StoreError`."""
    line = {
        "sink": sink,
        "position": estimate.position,
        "twin": estimate.twin,
        "time": estimate.time,
        "revision": estimate.revision,
        "error": error,
    }
    path = refused_path(store)
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as failure:
        remedy = "make room, or allow this user to write there"
        raise StoreError(f"cannot be written: {failure.strerror}", where=str(path), remedy=remedy) from None


class _Refused(msgspec.Struct):
    """What a line of the list says of whom it is about."""

    sink: str
    position: int


def refused_counts(store: Path) -> Counter[str]:
    """How many estimates each sink has refused, by the list beside a store."""
    try:
        lines = refused_path(store).read_bytes().splitlines()
    except FileNotFoundError:
        return Counter()
    refused = set[tuple[str, int]]()
    for line in lines:
        with suppress(msgspec.MsgspecError):  # a line that a crash has cut off: it was not acted upon
            one = msgspec.json.decode(line, type=_Refused)
            refused.add((one.sink, one.position))
    return Counter(sink for sink, _ in refused)
