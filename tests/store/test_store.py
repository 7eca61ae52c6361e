import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.store.making import IDENTITY, START, TICK, WARD, accepted, checkpoint, reading, record
from twin_runtime.core import Code, Entry, Quantity, Trust
from twin_runtime.errors import StoreError
from twin_runtime.store.identity import Identity
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.create_or_open(path, IDENTITY) as store:
        yield store


class TestTheJournal:
    def test_everything_that_came_in_is_there_in_the_order_in_which_it_came(self, store: Store) -> None:
        came = [
            accepted(2),
            Entry(5, Code.NOT_JSON, None, "patient-1/abp", b"\x00\xff", "not JSON"),
            accepted(1),
            Entry(7, Code.DUPLICATE, reading(1)),
            Entry(8, Code.LATE, reading(0, 1, 1)),
            Entry(9, Code.ACCEPTED, reading(3)._replace(tick=START // TICK + 5)),
        ]
        store.write(came[:2])
        store.write(came[2:])
        assert [entry for _, entry in store.entries()] == came
        positions = [position for position, _ in store.entries()]
        assert [entry for _, entry in store.entries(positions[2])] == came[3:]

    def test_accepted_readings_come_back_in_the_order_of_event_time(self, store: Store) -> None:
        store.write([accepted(3), accepted(1, twin=1), accepted(1, channel=1), accepted(1), accepted(0)])
        store.write([Entry(7, Code.DUPLICATE, reading(1)), Entry(8, Code.LATE, reading(0))])
        expected = [reading(0), reading(1), reading(1, 0, 1), reading(1, 1), reading(3)]
        assert list(store.accepted()) == expected
        assert list(store.accepted(reading(1).time)) == expected[1:]
        assert list(store.accepted(reading(3).time + 1)) == []

    def test_values_come_back_to_the_last_bit(self, store: Store) -> None:
        values = np.random.default_rng(1).normal(size=500).tolist()
        entries = [
            Entry(i, Code.ACCEPTED, reading(i)._replace(value=value, sd=abs(value))) for i, value in enumerate(values)
        ]
        store.write(entries)
        assert [entry for _, entry in store.entries()] == entries

    def test_the_codes_are_counted(self, store: Store) -> None:
        assert store.counts() == {}
        store.write([accepted(0), accepted(1), Entry(5, Code.EMPTY, None), Entry(5, Code.LATE, reading(0))])
        assert store.counts() == {(0, Code.ACCEPTED): 2, (0, Code.EMPTY): 1, (0, Code.LATE): 1}

    def test_any_sql_tool_can_read_it(self, store: Store, path: Path) -> None:
        store.write([accepted(0, twin=1)])
        connection = sqlite3.connect(path)
        query = "SELECT name, channel, value FROM journal JOIN signal ON signal.id = signal JOIN twin ON twin.id = twin"
        assert connection.execute(query).fetchall() == [("patient-2", "abp", 80.0)]
        connection.close()


class TestEstimates:
    def test_an_estimate_comes_back_with_its_names_and_its_valid_time(self, store: Store) -> None:
        made = record(7, reasons=0b101)
        store.write(records=[made])
        first, second = store.estimates()
        assert (first.position, first.tick, first.time, first.twin, first.revision) == (1, 7, 8 * TICK, "patient-1", 0)
        assert (first.trust, first.reasons) == (Trust.DEGRADED, ("age", "innovation"))
        assert second.twin == "patient-2"
        np.testing.assert_array_equal([first.figures, second.figures], made.figures)

    def test_they_are_read_from_a_position_on_some_at_a_time(self, store: Store) -> None:
        store.write(records=[record(tick) for tick in range(5)])
        assert [estimate.position for estimate in store.estimates(after=3, limit=4)] == [4, 5, 6, 7]
        assert store.estimates(after=10) == []

    def test_a_revision_is_another_estimate_and_the_latest_is_the_one_that_holds(self, store: Store) -> None:
        revised = record(1, revision=1, rows=(1,))
        store.write(records=[record(0), record(1), record(2)])
        store.write(records=[revised])
        assert [(e.tick, e.twin, e.revision) for e in store.estimates(after=6)] == [(1, "patient-2", 1)]
        ticks = list(store.latest(1))
        assert [latest.tick for latest in ticks] == [1, 2]
        assert ticks[0].rows.tolist() == [0, 1]
        assert ticks[0].revision.tolist() == [0, 1]
        np.testing.assert_array_equal(ticks[0].figures, [record(1).figures[0], revised.figures[0]])

    def test_the_same_estimate_written_again_is_not_there_twice(self, store: Store) -> None:
        store.write(records=[record(0)])
        before = store.estimates()
        store.write(records=[replace(record(0), figures=record(1).figures)])
        after = store.estimates()
        assert len(after) == 2
        np.testing.assert_array_equal(after[0].figures, before[0].figures)

    def test_figures_that_are_not_numbers_come_back_as_they_were(self, store: Store) -> None:
        made = record(0)
        made.figures[0, 0, 0] = np.nan
        store.write(records=[made])
        np.testing.assert_array_equal(next(store.latest()).figures, made.figures)

    def test_the_frontier_lies_behind_the_newest_tick(self, store: Store) -> None:
        assert store.frontier() is None
        store.write(records=[record(START // TICK), record(START // TICK - 1)])
        assert store.frontier() == START // TICK + 1


class TestCheckpoints:
    def test_a_state_comes_back_to_the_last_bit_and_may_be_changed(self, store: Store) -> None:
        store.write(checkpoints=[checkpoint(7)])
        found = store.checkpoint()
        assert found is not None
        assert found.tick == 7
        np.testing.assert_array_equal(found.state.x, checkpoint(7).state.x)
        np.testing.assert_array_equal(found.state.memory, checkpoint(7).state.memory)
        np.testing.assert_array_equal(found.state.lagged, checkpoint(7).state.lagged)
        found.state.x[:] = 0.0

    def test_the_newest_counts_and_two_are_kept(self, store: Store, path: Path) -> None:
        assert store.checkpoint() is None
        for tick in (1, 5, 9):
            store.write(checkpoints=[checkpoint(tick)])
        found = store.checkpoint()
        assert found is not None
        assert found.tick == 9
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT tick FROM checkpoint").fetchall() == [(5,), (9,)]
        connection.close()


def test_a_cursor_says_how_far_a_sink_has_come(store: Store) -> None:
    assert store.cursor("influx") == 0
    store.write(cursors={"influx": 5, "mqtt": 7})
    store.write(cursors={"influx": 6})
    assert (store.cursor("influx"), store.cursor("mqtt")) == (6, 7)


def test_all_of_a_transaction_is_written_or_nothing(store: Store) -> None:
    wrong = replace(record(1), figures=np.array(["wrong"]))
    with pytest.raises(ValueError, match="could not convert"):
        store.write([accepted(0)], [record(0), wrong], [checkpoint(1)], {"influx": 1})
    assert (store.counts(), store.estimates(), store.checkpoint(), store.cursor("influx")) == ({}, [], None, 0)
    store.write([accepted(0)])
    assert store.counts() == {(0, Code.ACCEPTED): 1}


class TestOpening:
    def test_what_was_written_is_there_when_the_store_is_opened_again(self, path: Path) -> None:
        for number in range(3):
            with Store.create_or_open(path, IDENTITY) as store:
                store.write([accepted(number)])
        with Reader.open(path) as reader:
            assert list(reader.accepted()) == [reading(0), reading(1), reading(2)]
            assert reader.identity == IDENTITY
            assert "created" in reader.meta

    def test_a_reader_sees_each_transaction_while_the_writer_goes_on(self, store: Store, path: Path) -> None:
        with Reader.open(path) as reader:
            for number in range(3):
                store.write([accepted(number)])
                assert len(list(reader.accepted())) == number + 1
            beginning = reader.accepted()
            next(beginning)
            store.write([accepted(3)])
            assert len(list(beginning)) == 2

    def test_a_store_has_one_writer(self, store: Store, path: Path) -> None:
        with pytest.raises(StoreError, match=r"being written by another process.*stop that process"):
            Store.create_or_open(path, IDENTITY)
        store.close()
        Store.create_or_open(path, IDENTITY).close()

    def test_the_store_of_another_configuration_is_refused_with_every_difference(self, path: Path) -> None:
        Store.create_or_open(path, IDENTITY).close()
        other = Identity("ward", (replace(WARD, config_hash="c0c0a", quantities=(Quantity("pressure", "kPa"),)),))
        with pytest.raises(StoreError) as refused:
            Store.create_or_open(path, other)
        assert "config_hash 'c0ffee' in the store, 'c0c0a' now" in refused.value.what
        assert "quantities" in refused.value.what
        assert "twins" not in refused.value.what
        assert refused.value.where == str(path)
        assert "[store] path" in refused.value.remedy
        Store.create_or_open(path, IDENTITY).close()

    def test_a_file_that_is_something_else_is_left_alone(self, path: Path) -> None:
        path.write_text("precious notes, long enough to be mistaken for a header of a database file" * 3)
        with pytest.raises(StoreError, match="not a store"):
            Store.create_or_open(path, IDENTITY)
        assert path.read_text().startswith("precious")

    def test_a_database_of_someone_else_is_left_alone(self, path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE precious (notes)")
        connection.close()
        with pytest.raises(StoreError, match="is a database, but not a store"):
            Store.create_or_open(path, IDENTITY)
        with pytest.raises(StoreError, match="is a database, but not a store"):
            Reader.open(path)

    def test_a_store_of_another_format_says_so(self, path: Path) -> None:
        Store.create_or_open(path, IDENTITY).close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        with pytest.raises(StoreError, match="has format 99"):
            Reader.open(path)

    def test_a_store_that_is_not_there_cannot_be_read(self, path: Path) -> None:
        with pytest.raises(StoreError, match="check the path"):
            Reader.open(path)
        assert not path.exists()

    def test_an_empty_file_is_no_store_yet(self, path: Path) -> None:
        path.touch()
        with pytest.raises(StoreError, match="is empty"):
            Reader.open(path)
        Store.create_or_open(path, IDENTITY).close()

    def test_a_folder_that_is_not_there_is_named(self, path: Path) -> None:
        with pytest.raises(StoreError, match=r"missing.ward\.db.*folder exists"):
            Store.create_or_open(path.parent / "missing" / "ward.db", IDENTITY)
