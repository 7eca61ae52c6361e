"""What an edge node's messages become, in payloads that pysparkplug has made (``record.py``)."""

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.sparkplug.record_values import NUMBERS, TIME
from twin_adapters.confirmations import Confirmations
from twin_adapters.sparkplug.nodes import EdgeNode, Unresolved
from twin_adapters.sparkplug.payload import decoded, encoded
from twin_adapters.sparkplug.values import number
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.ingest.decode import Refused, decode

RECORDED = {
    name: bytes.fromhex(payload)
    for name, payload in json.loads(Path(__file__).with_name("payloads.json").read_text()).items()
}
ODD = ("Set", "Form", "List", "Good", "Bad", "Stale", "Text", "None")
ARRIVAL = TIME * 1_000_000 + SECOND


def node(confirm: int = 0) -> EdgeNode:
    signals = {("", "Level"): "level"} | {("boiler", name): name for name in (*NUMBERS, *ODD)}
    return EdgeNode("plant/edge-1", signals, Confirmations(confirm, lag=confirm))


def born(confirm: int = 0) -> EdgeNode:
    edge = node(confirm)
    take(edge, "BIRTH", "", RECORDED["NBIRTH"])
    take(edge, "BIRTH", "boiler", RECORDED["DBIRTH"])
    return edge


def take(edge: EdgeNode, kind: str, device: str, payload: bytes) -> list[Message]:
    return list(edge.take(kind, device, decoded(payload), ARRIVAL))


def data(sequence: int, *metrics: dict[str, Any], time: int = TIME) -> bytes:
    return encoded(timestamp=time, seq=sequence, metrics=metrics)


def values(messages: Iterable[Message]) -> dict[str, float]:
    return {m.topic: decode(m.payload)[0].value for m in messages if m.refusal is None}


def refusals(messages: Iterable[Message]) -> dict[str, Code]:
    return {m.topic: m.refusal[0] for m in messages if m.refusal is not None}


def test_numbers_of_every_type_come_by_name_and_by_alias() -> None:
    edge = node()
    assert values(take(edge, "BIRTH", "", RECORDED["NBIRTH"])) == {"level": 2.5}
    assert values(take(edge, "BIRTH", "boiler", RECORDED["DBIRTH"])) == NUMBERS
    later = take(edge, "DATA", "boiler", RECORDED["DDATA"])
    assert values(later) == NUMBERS
    assert {decode(m.payload)[0].time for m in later} == {(TIME + 1000) * 1_000_000}
    assert edge.trouble == ""


@pytest.mark.parametrize(("sent", "read"), [(0xFFFF_FF9C, -100), (0x9C, -100), (100, 100)])
def test_the_sign_of_a_small_number_may_have_been_extended_or_not(sent: int, read: int) -> None:
    (metric,) = decoded(encoded(metrics=[{"int_value": sent}])).metrics
    assert number(metric, 1) == read


def test_what_is_no_reading_is_refused_with_its_reason() -> None:
    edge = born()
    messages = take(edge, "DATA", "boiler", RECORDED["ODD"])
    assert refusals(messages) == {
        "Set": Code.WRONG_SHAPE,
        "Form": Code.WRONG_SHAPE,
        "List": Code.WRONG_SHAPE,
        "Bad": Code.BAD_QUALITY,
        "Stale": Code.BAD_QUALITY,
    }
    assert values(messages) == {"Good": 1.0}
    assert refusals(take(edge, "BIRTH", "boiler", RECORDED["DBIRTH"])) == {
        "Text": Code.WRONG_TYPE,
        "None": Code.NO_VALUE,
    }


def test_a_historical_value_is_a_reading_of_its_own_time_and_not_the_current_one() -> None:
    edge = born(confirm=SECOND)
    (old,) = take(edge, "DATA", "", RECORDED["HISTORY"])
    assert decode(old.payload)[0][:2] == (1.5, (TIME - 60_000) * 1_000_000)
    confirmed = {m.topic: decode(m.payload)[0].value for m in edge.confirmed(ARRIVAL + 10 * SECOND)}
    assert confirmed["level"] == 2.5


def test_an_alias_is_not_guessed_without_a_birth() -> None:
    edge = node()
    with pytest.raises(Unresolved, match="alias 11 is not known without a birth"):
        take(edge, "DATA", "boiler", RECORDED["DDATA"])
    assert edge.trouble


def test_a_name_is_understood_without_a_birth_unless_the_type_matters() -> None:
    edge = node()
    real = {"name": "Level", "double_value": 3.0}
    assert values(take(edge, "DATA", "", data(9, real))) == {"level": 3.0}
    with pytest.raises(Unresolved, match="the data type of 'Level' is not known"):
        take(edge, "DATA", "", data(10, {"name": "Level", "int_value": 3}))


def test_sequence_numbers_wrap_and_may_come_twice() -> None:
    edge = born()
    for sequence in [*range(2, 256), 255, 0, 1]:
        take(edge, "DATA", "", data(sequence, {"alias": 100, "double_value": 1.0}))
    assert edge.trouble == ""


@pytest.mark.parametrize("sequence", [3, 1 + 128, 0])
def test_a_gap_makes_aliases_uncertain_until_the_next_birth(sequence: int) -> None:
    """A birth may be among what was lost, which gave the aliases another meaning."""
    edge = born()
    lost = data(sequence, {"alias": 100, "double_value": 1.0})
    with pytest.raises(Unresolved):
        take(edge, "DATA", "", lost)
    assert "came where 2 was expected" in edge.trouble
    take(edge, "BIRTH", "", RECORDED["NBIRTH"])
    assert edge.trouble == ""


def test_a_new_birth_changes_the_meaning_of_an_alias() -> None:
    edge = born()
    births = [{"name": "Double", "alias": 100, "datatype": 10, "double_value": 9.0}]
    take(edge, "BIRTH", "", data(0, {"name": "Level", "alias": 101, "datatype": 10, "double_value": 8.0}))
    take(edge, "BIRTH", "boiler", data(1, *births))
    assert values(take(edge, "DATA", "boiler", data(2, {"alias": 100, "double_value": 7.0}))) == {"Double": 7.0}


def test_a_broker_may_deliver_the_birth_of_a_device_before_that_of_its_node() -> None:
    edge = node()
    take(edge, "BIRTH", "boiler", RECORDED["DBIRTH"])
    take(edge, "BIRTH", "", RECORDED["NBIRTH"])
    assert values(take(edge, "DATA", "boiler", RECORDED["DDATA"])) == NUMBERS
    assert edge.trouble == ""


def test_a_birth_of_an_earlier_session_does_not_count() -> None:
    edge = node()
    take(edge, "BIRTH", "boiler", data(77, {"name": "Double", "alias": 1, "datatype": 10, "double_value": 9.0}))
    take(edge, "BIRTH", "", RECORDED["NBIRTH"])
    with pytest.raises(Unresolved):
        take(edge, "DATA", "boiler", data(1, {"alias": 1, "double_value": 7.0}))


def test_a_death_makes_what_is_known_stale() -> None:
    edge = born(confirm=SECOND)
    ended = take(edge, "DEATH", "", RECORDED["NDEATH"])
    assert refusals(ended) == dict.fromkeys(("level", *NUMBERS), Code.BAD_QUALITY)
    assert edge.confirmed(ARRIVAL + 10 * SECOND) == []
    assert edge.trouble == "", "a dead node is not asked for births"


def test_the_death_of_an_earlier_session_says_nothing_of_this_one() -> None:
    edge = born(confirm=SECOND)
    assert take(edge, "DEATH", "", encoded(metrics=[{"name": "bdSeq", "long_value": 6}])) == []
    assert edge.confirmed(ARRIVAL + 10 * SECOND)


def test_the_death_of_a_device_leaves_its_node_alive() -> None:
    edge = born(confirm=SECOND)
    assert refusals(take(edge, "DEATH", "boiler", data(2))).keys() == NUMBERS.keys()
    assert [m.topic for m in edge.confirmed(ARRIVAL + 10 * SECOND)] == ["level"]


def test_a_value_that_has_not_changed_is_confirmed_by_the_clock_of_its_node() -> None:
    edge = born(confirm=SECOND)
    confirmed = []
    for tenths in range(100):
        confirmed += [m for m in edge.confirmed(ARRIVAL + tenths * SECOND // 10) if m.topic == "level"]
    samples = [decode(m.payload)[0] for m in confirmed]
    assert [s.unchanged for s in samples] == [False] + [True] * (len(samples) - 1), "the first is a reading, once"
    times = [s.time or 0 for s in samples]
    assert {later - earlier for earlier, later in pairwise(times)} == {SECOND}
    assert times[0] == TIME * 1_000_000 + SECOND, "one interval before that moment, by the node's own clock"


@pytest.mark.parametrize("kind", ["BIRTH", "DATA"])
def test_a_change_that_comes_after_a_confirmation_of_a_later_moment_counts(kind: str) -> None:
    """It was on its way longer than confirmations wait: the value of before must not be confirmed again."""
    edge = born(confirm=SECOND)
    assert edge.confirmed(ARRIVAL + 10 * SECOND)
    metric = {"name": "Level", "alias": 100, "datatype": 10, "double_value": 9.0, "timestamp": TIME + 5000}
    take(edge, kind, "", data(2, metric, time=TIME + 11_000))
    confirmed = [m for m in edge.confirmed(ARRIVAL + 20 * SECOND) if m.topic == "level"]
    assert [decode(m.payload)[0].value for m in confirmed] == [9.0]


def test_a_payload_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="not a Sparkplug B payload"):
        decoded(b'{"value": 1}')
    with pytest.raises(Refused, match="compressed"):
        decoded(encoded(uuid="SPBV1.0_COMPRESSED", body=b"\x1f\x8b"))
    with pytest.raises(Refused, match="at most"):
        decoded(bytes(2**21))


@given(
    name=st.sampled_from(sorted(RECORDED)),
    kind=st.sampled_from(["BIRTH", "DATA", "DEATH"]),
    device=st.sampled_from(["", "boiler"]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_damaged_payloads_become_readings_or_refusals(
    name: str, kind: str, device: str, changes: list[tuple[int, int]]
) -> None:
    payload, edge = bytearray(RECORDED[name]), born(SECOND)
    for place, byte in changes:
        payload[place % len(payload)] = byte
    try:
        messages = take(edge, kind, device, bytes(payload))
    except (Refused, UnicodeDecodeError):
        return
    for message in [*messages, *edge.confirmed(ARRIVAL + 10 * SECOND)]:
        if message.refusal is None:
            with suppress(Refused):
                assert math.isfinite(decode(message.payload)[0].value)
