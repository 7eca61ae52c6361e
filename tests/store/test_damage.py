"""A store that is not as it was written is noticed: by whoever reads it, goes on from it, or writes into it."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.store.making import IDENTITY, accepted, checkpoint, record
from twin_runtime.core import Code, Entry
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

PLACES = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ward.db"
    with Store.create_or_open(path, IDENTITY) as store:
        for number in range(20):
            entries = [accepted(number), Entry(number, Code.NOT_JSON, None, "patient-1/abp", b"\x00" * 900, "no")]
            store.write(entries, [record(number)], [checkpoint(number)], {"influx": number})
        store.conclude([checkpoint(20)])
    return path


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount


def held(path: Path) -> tuple[object, ...]:
    """All that a replay or a resumed run takes from a store."""
    with Reader.open(path) as reader:
        reader.require_intact()
        newest = reader.checkpoint()
        assert newest is not None
        arrays = (newest.state.x, newest.state.memory, newest.state.lagged)
        figures = [(estimate[:7], estimate.figures.tobytes()) for estimate in reader.estimates()]
        readings = list(reader.entries()), list(reader.accepted())
        return readings, figures, reader.frontier(), newest.tick, [array.tobytes() for array in arrays]


def test_every_flipped_bit_is_noticed_or_harmless(path: Path, tmp_path: Path) -> None:
    expected, content, rng = held(path), path.read_bytes(), random.Random(8)
    damaged, noticed, harmless = tmp_path / "damaged.db", 0, 0
    for _ in range(PLACES):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        damaged.write_bytes(flipped)
        try:
            assert held(damaged) == expected
            harmless += 1
        except StoreError as error:
            noticed += error.where == str(damaged)
        for suffix in ("-wal", "-shm"):
            damaged.with_name(damaged.name + suffix).unlink(missing_ok=True)
    assert noticed + harmless == PLACES, "an error that does not name the file"
    assert noticed > PLACES // 4


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE journal SET value = value + 1e-9 WHERE position = 7", "the entries 7 to 8"),
        ("UPDATE estimate SET trust = 2 WHERE position = 3", "estimates 3 to 4"),
        ("UPDATE estimate SET tick = 900 WHERE position = 3", "estimates 3 to 4"),
        ("DELETE FROM journal WHERE position = 40", "the entries 39 to 40"),
        ("INSERT INTO journal SELECT 41, 1, 0, 'accepted', 1, 2, 3, 4, 5, -1, '', '', ''", "end where the journal"),
        ("DELETE FROM chain WHERE number = 4", "are not those that were written"),
        ("UPDATE checkpoint SET tick = 25 WHERE tick = 19", "the checkpoint of tick 25"),
        ("UPDATE tip SET twins = '[]'", "the tip of tick 20"),
        ("UPDATE cursor SET position = 4000", "the cursor of influx"),
        ("UPDATE twin SET name = 'patient-3' WHERE id = 1", "its identity, twins or signals"),
        ("UPDATE signal SET twin = 2 WHERE id = 1", "its identity, twins or signals"),
    ],
)
def test_a_changed_row_is_named(path: Path, statement: str, expected: str) -> None:
    alter(path, statement)
    with pytest.raises(StoreError, match=f"is damaged: .*{expected}.*twin store check"), Reader.open(path) as reader:
        reader.require_intact()


class TestCheckpoints:
    def test_the_one_before_serves_where_the_newest_is_damaged(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        alter(path, "UPDATE checkpoint SET x = zeroblob(length(x)) WHERE tick = 19")
        with Reader.open(path) as reader:
            found = reader.checkpoint()
        assert found is not None
        assert found.tick == 18
        np.testing.assert_array_equal(found.state.x, checkpoint(18).state.x)
        assert "the state of tick 19 is damaged, and not used" in caplog.text

    def test_there_is_none_where_all_are_damaged(self, path: Path) -> None:
        alter(path, "UPDATE checkpoint SET x = zeroblob(length(x))")
        with Reader.open(path) as reader:
            assert reader.checkpoint() is None


class TestGoingOn:
    """What a restart from tick 15 needs."""

    TIME = accepted(15).arrival - 1

    def check(self, path: Path) -> None:
        with Store.create_or_open(path, IDENTITY) as store:
            store.check_recent(15, self.TIME)

    def test_a_store_as_it_was_written_is_gone_on_from(self, path: Path) -> None:
        self.check(path)
        self.check(path)

    @pytest.mark.parametrize("position", [31, 40])
    def test_damage_to_what_it_needs_is_an_error(self, path: Path, position: int) -> None:
        alter(path, f"UPDATE journal SET sd = 3.0 WHERE position = {position}")
        with pytest.raises(StoreError, match=f"is damaged: the entries {position - 1 + position % 2} to"):
            self.check(path)

    def test_what_is_older_is_left_to_a_check_of_all(self, path: Path) -> None:
        alter(path, "UPDATE journal SET sd = 3.0 WHERE position = 3")
        self.check(path)


@pytest.mark.parametrize("table", ["journal", "estimate"])
def test_nothing_is_written_behind_rows_that_are_missing(path: Path, table: str) -> None:
    alter(path, f"DELETE FROM {table} WHERE position = (SELECT max(position) FROM {table})")
    with pytest.raises(StoreError, match="does not end where the journal and the estimates do"):
        Store.create_or_open(path, IDENTITY)


def test_an_index_that_lacks_entries_is_damage(path: Path) -> None:
    """It would hide readings from a restart, though the journal holds them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX accepted")
        connection.execute("CREATE INDEX accepted ON journal (time, signal) WHERE code = 'accepteX'")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'accepteX', 'accepted') WHERE name = 'accepted'"
        )
        connection.commit()
    with Reader.open(path) as reader, pytest.raises(StoreError, match="the index of its journal lacks entries"):
        reader.check_recent(18, 0)


def delete(path: Path) -> None:
    path.unlink()


def replace_it(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def delete_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)


@pytest.mark.parametrize("lose", [delete, replace_it, delete_log, cut])
def test_what_a_lost_file_took_in_is_not_durable(path: Path, lose: Callable[[Path], None]) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(20)])
        lose(path)
        with pytest.raises(StoreError, match=r"ward\.db.*(was deleted|replaced|cut short|cannot be written)"):
            store.write([accepted(21)])


@pytest.fixture
def killed(path: Path) -> Path:
    """The store of a run that was killed: its last groups are in the write-ahead log alone."""
    copy = path.with_name("killed.db")
    with Store.create_or_open(path, IDENTITY) as store:
        for number in range(20, 30):
            store.write([accepted(number)], [record(number)])
        for suffix in ("", "-wal", ".head"):
            shutil.copy(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
    return copy


def cut_log(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 100)


def empty_log(path: Path) -> None:
    path.with_name(path.name + "-wal").write_bytes(b"")


@pytest.mark.parametrize("lose", [cut_log, empty_log, delete_log])
def test_a_store_whose_end_is_missing_is_not_taken_for_whole(killed: Path, lose: Callable[[Path], None]) -> None:
    lose(killed)
    with pytest.raises(StoreError, match=r"is damaged: it ends with group \d+, but group 30 had been written"):
        Store.create_or_open(killed, IDENTITY)
    with Reader.open(killed) as reader, pytest.raises(StoreError, match=r"remove killed\.db\.head to go on"):
        reader.require_intact()
    killed.with_name("killed.db.head").unlink()
    with Store.create_or_open(killed, IDENTITY) as store:
        store.write([accepted(31)])
    assert held(killed)


def test_an_older_copy_is_not_taken_for_the_newest(path: Path) -> None:
    old = path.read_bytes()
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(20)])
    path.write_bytes(old)
    with pytest.raises(StoreError, match="it ends with group 20, but group 21 had been written"):
        Store.create_or_open(path, IDENTITY)


def test_another_store_is_not_taken_for_this_one(path: Path, tmp_path: Path) -> None:
    with Store.create_or_open(path.with_name("other.db"), IDENTITY) as store:
        for number in range(40):
            store.write([accepted(number)])
    shutil.move(path.with_name("other.db"), path)
    with pytest.raises(StoreError, match="has another group 20 than was written"):
        Store.create_or_open(path, IDENTITY)


def test_a_store_killed_before_its_head_was_written_is_whole(path: Path) -> None:
    head = path.with_name("ward.db.head")
    before = head.read_bytes()
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(20)])
    head.write_bytes(before)
    assert held(path)


@pytest.mark.parametrize("content", [b"", b"12", b"\xff" * 53])
def test_a_head_that_cannot_be_read_is_reported(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.with_name("ward.db.head").write_bytes(content)
    Store.create_or_open(path, IDENTITY).close()
    assert "whether the end of the store is missing is not known" in caplog.text
    assert held(path)


def test_a_store_without_a_group_may_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        Store.create_or_open(tmp_path / "new.db", IDENTITY).close()


def test_even_a_single_group_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    Store.create_or_open(path, IDENTITY).close()
    empty = path.read_bytes()
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(0)])
    path.write_bytes(empty)
    with pytest.raises(StoreError, match="it ends with group 0, but group 1 had been written"):
        Store.create_or_open(path, IDENTITY)


def test_a_head_that_cannot_be_written_is_an_error(path: Path) -> None:
    head = path.with_name("ward.db.head")
    head.unlink()
    head.mkdir()
    with pytest.raises(StoreError, match=r"ward\.db\.head: cannot be written: Is a directory; remedy: make room"):
        Store.create_or_open(path, IDENTITY)


def test_a_store_that_was_removed_may_begin_anew(path: Path) -> None:
    path.unlink()
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(0)])
    assert Reader.open(path).sizes() == (1, 0)


def test_without_its_lock_file_only_the_newest_writer_writes(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as first:
        path.with_name(path.name + ".lock").unlink()
        with Store.create_or_open(path, IDENTITY) as second:
            with pytest.raises(StoreError, match="has been opened by another writer since"):
                first.write([accepted(21)])
            with pytest.raises(StoreError, match="has been opened by another writer since"):
                first.conclude([])
            second.write([accepted(22)])
    assert held(path)


def test_a_store_that_is_being_written_is_not_taken_for_damaged(path: Path) -> None:
    """Whatever a reader asks for, a writer may commit between two of its statements."""
    with Store.create_or_open(path, IDENTITY) as store, Reader.open(path) as reader:
        numbers = iter(range(100, 200))
        reader._reading.set_trace_callback(lambda _: store.write([accepted(next(numbers))]))
        before, _ = reader.sizes()
        assert reader.damage() == []
        reader._reading.set_trace_callback(None)
        assert reader.sizes()[0] > before


def test_estimates_that_are_there_already_are_not_sealed_twice(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([accepted(20)], [record(19), record(20)])
        store.write([], [record(19)])
    assert held(path)


@pytest.mark.parametrize("value", [-0.0, float("nan"), float("inf"), 7])
def test_any_number_is_sealed_as_it_comes_back(path: Path, value: float) -> None:
    entry = accepted(20)
    assert entry.reading is not None
    with Store.create_or_open(path, IDENTITY) as store:
        store.write([entry._replace(reading=entry.reading._replace(value=value))])
    assert held(path)


def test_a_store_that_holds_a_run_is_not_fresh(path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds a run already.*name a file that does not exist yet"):
        Store.create_or_open(path, IDENTITY, fresh=True)
    assert held(path)
