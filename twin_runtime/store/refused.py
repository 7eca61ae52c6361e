"""Estimates that a sink refused for good: a list beside the store, a line of JSON each.

The estimates themselves stay in the store, at ``position``. After a crash a line may be there twice.
"""

import os
from pathlib import Path

import msgspec

from twin_runtime.core import StoredEstimate
from twin_runtime.errors import EstimatesRefused, StoreError


def refused_path(store: Path) -> Path:
    """The list that belongs to a store: ``ward.db.refused.jsonl``."""
    return store.with_name(f"{store.name}.refused.jsonl")


def keep_aside(store: Path, sink: str, estimate: StoredEstimate, refusal: EstimatesRefused) -> None:
    """Add a refused estimate to the list, durably. Raises :class:`StoreError`."""
    line = {
        "sink": sink,
        "position": estimate.position,
        "twin": estimate.twin,
        "time": estimate.time,
        "revision": estimate.revision,
        "error": str(refusal),
    }
    path = refused_path(store)
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        remedy = "make room, or allow this user to write there"
        raise StoreError(f"cannot be written: {error.strerror}", where=str(path), remedy=remedy) from None
