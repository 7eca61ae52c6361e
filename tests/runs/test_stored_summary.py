"""What another process is told of a run that goes on."""

from itertools import count
from pathlib import Path

from tests.ward import messages, ward
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.stored_summary import stored_summary
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store


def test_all_of_it_is_of_one_moment(tmp_path: Path) -> None:
    """Though the writer commits between any two statements of the reader."""
    assembly = ward()
    fold, router, numbers = Fold(assembly), assembly.router(), count()
    with Store.create_or_open(tmp_path / "ward.db", assembly.identity) as store:

        def write() -> None:
            come = messages(1, first=next(numbers))
            entries = fold.take(entry for message in come for entry in router.read(message))
            store.write(entries, list(fold.run()), fold.settled())

        for _ in range(60):
            write()
        with Reader.open(store.path) as reader:
            reader._reading.set_trace_callback(lambda _: write())
            summary = stored_summary(reader)
            reader._reading.set_trace_callback(None)
            now = stored_summary(reader)
    assert now["ticks"] > summary["ticks"] >= 50
    first = now["frontier"] - now["ticks"]
    assert summary["frontier"] == first + summary["ticks"]
    assert summary["readings"]["accepted"] < now["readings"]["accepted"]
