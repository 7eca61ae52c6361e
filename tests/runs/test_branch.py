"""Branches from a store's posterior: what will be, and what would be, without disturbing what is."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.ward import TICK, at, recorded, ward
from twin_runtime.core import SECOND, FloatArray
from twin_runtime.errors import ConfigError, StoreError
from twin_runtime.runs.accounting import state_hash
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.branch import FutureInput, Posterior, advanced, posteriors
from twin_runtime.runs.future_inputs import future_input
from twin_runtime.runs.replay import replay_recording
from twin_runtime.testing import MemoryRecording

TICKS = 60
PRESSURE = 0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store of two patients for 60 ticks."""
    path = tmp_path / "ward.db"
    replay_recording(ward(2), MemoryRecording(recorded(TICKS, 2)), store=path)
    return path


def now(store: Path, assembly: Assembly | None = None) -> Posterior:
    [posterior] = posteriors(assembly or ward(2), store)
    return posterior


def pressures(begin: Posterior, ticks: list[int], *inputs: FutureInput) -> FloatArray:
    """The members' pressures ``[lead, twin, member]``."""
    return np.array([members[:, :, PRESSURE] for _, members in advanced(begin, ticks, inputs)])


def test_a_branch_begins_with_the_posterior_of_the_run(store: Path) -> None:
    begin, replayed = now(store), replay_recording(ward(2), MemoryRecording(recorded(TICKS, 2)))
    assert begin.time == at(TICKS)
    assert state_hash(begin.number, begin.state) == replayed["state_hash"]


def test_it_begins_at_an_earlier_time_with_what_was_read_before(store: Path) -> None:
    [begin] = posteriors(ward(2), store, at(30))
    earlier = replay_recording(ward(2), MemoryRecording(recorded(TICKS, 2)), until=at(30))
    assert state_hash(begin.number, begin.state) == earlier["state_hash"]


def test_it_is_the_same_whenever_it_is_made_and_changes_nothing(store: Path) -> None:
    before = hashlib.sha256(store.read_bytes()).hexdigest()
    first, again = (pressures(now(store), [1, 25]) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert hashlib.sha256(store.read_bytes()).hexdigest() == before


def test_lead_times_do_not_change_what_is_expected(store: Path) -> None:
    begin = now(store)
    assert pressures(begin, [25])[0].tobytes() == pressures(begin, [1, 7, 25])[2].tobytes()


def test_inputs_that_stay_are_no_change(store: Path) -> None:
    """The flow is 80 mL/s, and is held."""
    begin = now(store)
    flow = begin.of.channels[1]
    assert flow.name == "flow"
    stays = FutureInput((0, 1), 1, 80.0, 0)
    assert pressures(begin, [10], stays) == pytest.approx(pressures(begin, [10]), rel=1e-12)


def test_another_input_has_its_closed_form_effect(tmp_path: Path) -> None:
    """At once Z dQ; at rest (R + Z) dQ, member by member: the random numbers of both futures are the same.

    After 40 s, twelve times the longest RC, exp(-12) = 6e-6 of it is still to come.
    """
    still, store = ward(2, walk={"resistance": 0.0, "compliance": 0.0, "impedance": 0.0}), tmp_path / "still.db"
    replay_recording(still, MemoryRecording(recorded(TICKS, 2)), store=store)
    begin = now(store, still)
    more = FutureInput((0,), 1, 90.0, 0)
    plain, changed = pressures(begin, [1, 1000]), pressures(begin, [1, 1000], more)
    resistance, impedance = np.exp(begin.state.x[0, :, 1]), np.exp(begin.state.x[0, :, 3])
    assert changed[1, 0] - plain[1, 0] == pytest.approx(10.0 * (resistance + impedance), rel=2e-5)
    assert (changed[0, 0] - plain[0, 0] > 10.0 * impedance).all()
    assert changed[:, 1].tobytes() == plain[:, 1].tobytes()  # the other patient's inputs stay


def test_a_change_acts_from_its_own_time_on(store: Path) -> None:
    begin = now(store)
    later = FutureInput((0, 1), 1, 90.0, 10 * TICK)
    plain, changed = pressures(begin, [10, 12]), pressures(begin, [10, 12], later)
    assert changed[0].tobytes() == plain[0].tobytes()
    assert (changed[1] > plain[1]).all()


def test_what_is_not_known_grows(store: Path) -> None:
    spread = pressures(now(store), [1, 250]).std(axis=2)
    assert (spread[1] > spread[0]).all()


def test_a_store_without_a_tick_has_no_posterior(store: Path) -> None:
    with pytest.raises(StoreError, match="no tick has run by then; remedy: give a later time"):
        posteriors(ward(2), store, at(-10))


def test_a_store_of_another_configuration_is_refused(store: Path) -> None:
    with pytest.raises(StoreError, match="was written by another configuration or model: config_hash"):
        posteriors(ward(2, walk={"resistance": 0.5}), store)


class TestWritten:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("flow=90", FutureInput((0, 1), 1, 90.0, 0)),
            ("flow = 5.4 L/min @ 2 s", FutureInput((0, 1), 1, 90.0, 2 * SECOND)),
            ("patient-1/flow=-1e1", FutureInput((1,), 1, -10.0, 0)),
        ],
    )
    def test_an_input_is_understood(self, written: str, expected: FutureInput) -> None:
        found = future_input(ward(2).types[0], written)
        assert found._replace(value=round(found.value, 9)) == expected

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("flow", "expected a number and a unit such as mL/s for 'flow'"),
            ("flow=fast", "expected a number"),
            ("flow=3 mmHg", "'mmHg' measures pressure"),
            ("flaw=3", r"expected an input, got 'flaw'; remedy: did you mean flow\?"),
            ("abp=3", "expected an input, got 'abp'"),
            ("patient-7/flow=3", "expected a twin, got 'patient-7'"),
            ("flow=3@soon", "expected a duration"),
            ("", "expected INPUT=VALUE"),
        ],
    )
    def test_what_is_not_understood_is_told(self, written: str, expected: str) -> None:
        with pytest.raises(ConfigError, match=expected):
            future_input(ward(2).types[0], written)
