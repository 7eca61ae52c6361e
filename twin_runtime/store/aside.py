"""A store that is kept aside, so that a run can begin anew under its name."""

from itertools import count
from pathlib import Path

from twin_runtime.errors import StoreError
from twin_runtime.store.head import head_path
from twin_runtime.store.refused import refused_path
from twin_runtime.store.schema import connect
from twin_runtime.store.store import locked

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database."""


def keep_store_aside(path: Path) -> Path | None:
    """Move a store, with all that belongs to it, to the first free name such as ``ward.1.db``; None if there is none.

    The store itself goes last: whoever is cut off in between begins again, and nothing is lost. Raises
    :class:`StoreError` where it is being written, or is something else.
    """
    if not path.exists():
        return None
    with locked(path):
        connection = connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        aside = next(free for k in count(1) if not (free := path.with_name(f"{path.stem}.{k}{path.suffix}")).exists())
        pairs = [(of(path), of(aside)) for of in (head_path, refused_path)]
        pairs += [(path.with_name(path.name + suffix), aside.with_name(aside.name + suffix)) for suffix in BESIDE]
        try:
            for before, after in [pair for pair in pairs if pair[0].exists()] + [(path, aside)]:
                before.replace(after)
        except OSError as error:
            what, remedy = f"cannot be kept aside: {error.strerror}", "allow this user to write in its folder"
            raise StoreError(what, where=str(path), remedy=remedy) from None
    return aside
