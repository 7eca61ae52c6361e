"""A process that is killed at a boundary leaves exactly the transactions that were committed before it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.store.making import IDENTITY, accepted, checkpoint, reading, record
from twin_runtime.crash import POINTS
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

SCRIPT = Path(__file__).with_name("dying.py")
ROOT = SCRIPT.parents[2]


def die(path: Path, target: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "TWIN_CRASH": target, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("point", ["append", "store", "checkpoint"])
@pytest.mark.parametrize("passage", [1, 5])
def test_of_the_transaction_it_died_in_there_is_nothing(tmp_path: Path, point: str, passage: int) -> None:
    died = die(tmp_path / "ward.db", f"{point}:{passage}")
    durable = passage - 1
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert died.stdout.split() == [str(number) for number in range(durable)]
    assert_holds_exactly(tmp_path / "ward.db", durable)


@pytest.mark.parametrize("transaction", [1, 4])
def test_a_commit_that_was_not_reached_never_happened(tmp_path: Path, transaction: int) -> None:
    """Every second commit is that of a cursor."""
    died = die(tmp_path / "ward.db", f"commit:{2 * transaction - 1}")
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert_holds_exactly(tmp_path / "ward.db", transaction - 1)


def test_what_was_sent_before_the_cursor_moved_is_sent_again(tmp_path: Path) -> None:
    died = die(tmp_path / "ward.db", "outbox:3")
    assert died.returncode == -signal.SIGKILL, died.stderr
    with Reader.open(tmp_path / "ward.db") as reader:
        assert reader.frontier() == 3
        assert [estimate.tick for estimate in reader.estimates(reader.cursor("memory"))] == [2, 2]


def test_the_next_process_takes_up_the_store_and_finishes(tmp_path: Path) -> None:
    path = tmp_path / "ward.db"
    die(path, "commit:8")
    with Store.create_or_open(path, IDENTITY) as store:
        before = list(store.accepted())
        store.write([accepted(1000)])
        assert list(store.accepted()) == [*before, reading(1000)]


def test_without_a_target_nobody_dies(tmp_path: Path) -> None:
    died = die(tmp_path / "ward.db", "")
    assert died.returncode == 0, died.stderr
    assert_holds_exactly(tmp_path / "ward.db", 20)


@pytest.mark.parametrize("target", ["nowhere", "commit:x", "commit:-1"])
def test_a_target_that_does_not_exist_is_refused_before_anything_starts(tmp_path: Path, target: str) -> None:
    died = die(tmp_path / "ward.db", target)
    assert died.returncode == 1
    assert f"unknown crash point {target!r}; remedy: use one of {', '.join(POINTS)}" in died.stderr
    assert not (tmp_path / "ward.db").exists()


def assert_holds_exactly(path: Path, transactions: int) -> None:
    with Reader.open(path) as reader:
        assert [entry for _, entry in reader.entries()] == [accepted(number) for number in range(3 * transactions)]
        assert [latest.tick for latest in reader.latest()] == list(range(transactions))
        assert reader.cursor("other") == max(transactions - 1, 0)
        found = reader.checkpoint()
        if transactions == 0:
            assert found is None
            return
        newest = transactions - 1
        assert found is not None
        assert found.tick == newest
        np.testing.assert_array_equal(found.state.x, checkpoint(newest).state.x)
        np.testing.assert_array_equal([e.figures for e in reader.estimates(2 * newest)], record(newest).figures)
