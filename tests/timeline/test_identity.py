"""What makes two readings the same: signal and time, and their number where the sender counts."""

import random
from pathlib import Path

import pytest

from tests.tank import GAUGE, PUMP, START, TICK, busy_tick
from tests.timeline.timelines import FLEETS, Run, in_order
from tests.ward import at, messages, pressure, ward
from twin_runtime.core import Code, Message, Reading
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.replay import replay_store
from twin_runtime.store.store import Store


def read(value: float, number: int = -1, time: int = 0, channel: int = GAUGE) -> Reading:
    return Reading(0, channel, START * TICK + time, value, 0.1 if channel < PUMP else 0.0, number)


@pytest.mark.parametrize("number", [-1, 7])
def test_the_same_twice_counts_once_and_another_value_is_a_conflict(number: int) -> None:
    codes = Run.of(FLEETS[1]).offer(read(0.5, number), read(0.5, number), read(0.6, number)).codes
    assert codes == [Code.ACCEPTED, Code.DUPLICATE, Code.CONFLICT]


@pytest.mark.parametrize("value", [0.5, 0.6])
def test_readings_of_one_time_with_different_numbers_all_count(value: float) -> None:
    """A sender whose clock is coarser than its readings are dense."""
    assert Run.of(FLEETS[1]).offer(read(0.5, 1), read(value, 2), read(value, 2)).codes == [
        Code.ACCEPTED,
        Code.ACCEPTED,
        Code.DUPLICATE,
    ]


def test_a_number_that_comes_again_at_another_time_counts() -> None:
    """A sender that counts from zero again."""
    sent = [read(0.5, number, time) for time, number in enumerate([0, 1, 2, 0, 1, 2])]
    assert set(Run.of(FLEETS[1]).offer(*sent).codes) == {Code.ACCEPTED}


@pytest.mark.parametrize("channel", [GAUGE, PUMP])
def test_in_any_order_they_come_to_the_same_states(channel: int) -> None:
    same_time = [read(0.1 * number, number, time=TICK * 5 + 3, channel=channel) for number in range(6)]
    readings = [*same_time, *(r for n in range(10) for r in busy_tick(n, 1))]
    shuffled = [random.Random(k).sample(readings, len(readings)) for k in range(5)]
    expected = in_order(FLEETS[1], readings, 12).bits
    assert {Run.of(FLEETS[1]).offer(*order).to(12).bits for order in shuffled} == {expected}
    late = Run.of(FLEETS[1]).offer(*readings[6:]).to(9).offer(*same_time[::-1]).to(12)
    assert late.bits == expected


def test_a_replay_of_the_store_comes_to_them_too(tmp_path: Path) -> None:
    assembly = ward()
    fold, router = Fold(assembly), assembly.router()
    coarse = [f'{{"value": {pressure(k)}, "time": {at(20)}, "seq": {k}}}'.encode() for k in (3, 1, 2, 3)]
    sent = [*messages(20), *(Message("patient-0/abp", payload, at(20)) for payload in coarse), *messages(20, first=20)]
    with Store.create_or_open(tmp_path / "ward.db", assembly.identity) as store:
        entries = fold.take(entry for message in sent for entry in router.read(message))
        store.write(entries, [*fold.run(), *fold.finish()])
    assert fold.counts[Code.DUPLICATE] == 1
    again = replay_store(assembly, tmp_path / "ward.db")
    assert (again["state_hash"], again["readings"]) == (fold.state_hash, fold.accounting())
