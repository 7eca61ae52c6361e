"""Payloads that nobody meant to send: whatever comes, the door answers with coded entries and keeps its size."""

import math
import random
import tracemalloc
from collections import Counter
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_runtime.core import Code, Message
from twin_runtime.ingest.channel import Channel
from twin_runtime.ingest.intake import Intake
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.units import conversion

NOW = 1_700_000_000_000_000_000
SEEDS = [
    b"87.5",
    b'{"value": 87.5, "time": 1700000000000000000, "seq": 17, "sd": 1.2, "unit": "mmHg"}',
    b'{"value": 87.5, "time": "2023-11-14T22:13:20Z", "unit": "kPa"}',
    b'{"values": [80, 81.5, 82e0], "time": 1700000000.0, "period": 0.008, "seq": 100}',
    b'{"values": [80, 81], "times": [1700000000000000000, 1700000000000000001]}',
]
TOPICS = ["patient-1/abp"] * 8 + ["patient-1/spo2", "patient-1/+", "elsewhere", "\udc80"]
PIECES = [
    b"1e400",
    b"NaN",
    b"-",
    b'"',
    b"{",
    b"[",
    b"]",
    b"}",
    b"null",
    b"true",
    b"9" * 25,
    b"\xff",
    b"\\ud800",
    b",",
    b"0",
]


def door() -> Intake:
    channel = Channel("abp", unit="mmHg", scale=133.3, sd=266.6, convert=partial(conversion, to_unit="mmHg"))
    return Intake([channel], ["patient-1"], Plausibility.wall())


def mutated(source: random.Random) -> bytes:
    payload = bytearray(source.choice(SEEDS))
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(payload) + 1)
        until = at + source.choice((0, 0, 1, 1, 5))
        payload[at:until] = source.choice(PIECES) if source.random() < 0.5 else source.randbytes(source.randint(0, 2))
    return bytes(payload)


def read(intake: Intake, topic: str, payload: bytes) -> list[Code]:
    entries = intake.read(Message(topic, payload, NOW))
    for entry in entries:
        entry.topic.encode(), entry.detail.encode()
        if entry.code is Code.ACCEPTED:
            assert entry.reading is not None
            assert math.isfinite(entry.reading.value**2)
            assert 0 < entry.reading.sd**2 < math.inf
            assert 0 <= entry.reading.time < 2**63
            assert -1 <= entry.reading.sequence < 2**63
        else:
            assert entry.code.is_rejection or entry.code is Code.DUPLICATE
            assert entry.code is not Code.FAULT
            assert (entry.reading is None) == entry.code.is_rejection == bool(entry.detail)
    return [entry.code for entry in entries]


def bombard(intake: Intake, source: random.Random, count: int) -> Counter[Code]:
    fates: Counter[Code] = Counter()
    for _ in range(count):
        codes = read(intake, source.choice(TOPICS), mutated(source))
        assert codes
        fates.update(codes)
    return fates


def test_mutated_payloads_all_end_in_coded_entries() -> None:
    fates = bombard(door(), random.Random(1), 20_000)
    assert fates[Code.ACCEPTED] > 100
    assert len(fates) >= 10


@settings(deadline=None)
@given(
    topic=st.sampled_from(TOPICS) | st.text(),
    payload=st.binary() | st.text().map(lambda text: text.encode(errors="replace")),
)
def test_so_does_anything_else(topic: str, payload: bytes) -> None:
    assert read(door(), topic, payload)


@pytest.mark.slow
def test_a_hundred_thousand_of_them_leave_no_trace_in_memory() -> None:
    intake, source = door(), random.Random(2)
    bombard(intake, source, 20_000)
    tracemalloc.start()
    try:
        bombard(intake, source, 10_000)
        before, _ = tracemalloc.get_traced_memory()
        bombard(intake, source, 70_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
