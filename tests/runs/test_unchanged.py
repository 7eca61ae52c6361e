"""A value that is only confirmed: its sensor is alive, and nothing is assimilated twice."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

from tests.ward import at, message, messages, ward
from twin_runtime.core import Code, Message
from twin_runtime.ingest.decode import decode
from twin_runtime.runs.fold import Fold
from twin_runtime.vvuq.checks import names

LAST, END = 20, 90
"""The ticks of the last reading, and of the end of the story; a pressure is stale after 50."""


def confirmed(number: float, channel: str = "abp", value: float = 80.0) -> Message:
    payload = json.dumps({"value": value, "time": at(number), "unchanged": True}).encode()
    return Message(f"patient-0/{channel}", payload, at(number))


def flows() -> list[Message]:
    return [message(number + 0.5, 80.0, "flow") for number in range(LAST, END)]


def folded(sent: Sequence[Message], **how: str) -> tuple[Fold, set[str]]:
    """The fold over some messages, and what the checks say of the last tick."""
    assembly = ward(1, assimilation=how)
    fold, router = Fold(assembly), assembly.router()
    fold.take(entry for each in sorted(sent, key=lambda m: m.arrival) for entry in router.read(each))
    records = [*fold.run(), *fold.finish()]
    checks = names(assembly.types[0].fleet.checks)
    return fold, {name for bit, name in enumerate(checks) if records[-1].reasons[0] >> bit & 1}


@pytest.mark.parametrize("how", ["etkf", "ensrf", "particle"])
def test_a_sensor_that_only_confirms_is_alive_and_changes_nothing(how: str) -> None:
    alone, complaints = folded([*messages(LAST), *flows()], method=how)
    assert "age" in complaints
    marks = [confirmed(number + 0.7) for number in range(LAST, END, 20)]
    kept, others = folded([*messages(LAST), *flows(), *marks], method=how)
    assert "age" not in others
    before, after = (fold.fleets[0].timeline.state.x for fold in (alone, kept))
    assert np.array_equal(before, after)


def test_confirmations_are_accounted_for() -> None:
    fold, _ = folded([*messages(LAST), *flows(), *(confirmed(number + 0.7) for number in range(LAST, END))])
    account = fold.accounting()
    assert account["accepted"] == account["assimilated"] == 2 * LAST + 2 * (END - LAST)
    assert account["pending"] == 0


def test_an_input_keeps_its_value() -> None:
    """A flow that is confirmed is the same as one that is measured again; without it, it would be old."""
    measured, _ = folded([*messages(LAST), *flows()])
    again = [confirmed(number + 0.5, "flow") for number in range(LAST, END)]
    kept, _ = folded([*messages(LAST), *again])
    assert kept.state_hash == measured.state_hash


def test_it_is_journalled_as_a_reading_without_weight() -> None:
    (entry,) = ward().router().read(confirmed(1.0))
    assert entry.code is Code.ACCEPTED
    assert entry.reading is not None
    assert entry.reading.sd == math.inf


def test_a_batch_may_be_confirmed() -> None:
    samples = decode(b'{"values":[1.0,1.0],"time":1700000000.0,"period":1.0,"unchanged":true}')
    assert [sample.unchanged for sample in samples] == [True, True]
