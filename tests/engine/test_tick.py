"""The tick: forecast, compare, correct, judge."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.tank import DIPSTICK, GAUGE, START, TICK, busy_tick, gauge, tanks
from twin_runtime.core import FleetState, FloatArray, Reading, Record, Trust
from twin_runtime.engine.fleet import Fleet, held
from twin_runtime.engine.forecast import forecast
from twin_runtime.engine.inputs import no_samples
from twin_runtime.engine.tick import laid_out, tick, warm_up
from twin_runtime.modelling.signals import no_points
from twin_runtime.vvuq.checks import complaining
from twin_runtime.vvuq.memory import TWIN_WIDTH, by_twin

LEVEL, LEAK, SILL = range(3)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tanks(3)


def bits(state: FleetState) -> tuple[bytes, ...]:
    return state.x.tobytes(), state.memory.tobytes(), state.lagged.tobytes()


def run(
    fleet: Fleet, state: FleetState, readings: Sequence[Sequence[Reading]], rows: Sequence[int], first: int = 0
) -> tuple[FleetState, list[Record]]:
    """Some ticks in a row."""
    records = []
    for number, batch in enumerate(readings, START + first):
        state, record = tick(fleet, state, number, batch, np.array(rows))
        records.append(record)
    return state, records


def busy(ticks: int, count: int) -> list[list[Reading]]:
    return [busy_tick(number, count) for number in range(ticks)]


class TestPurity:
    def test_the_same_arguments_give_the_same_bits_and_stay_as_they_were(self, fleet: Fleet) -> None:
        state, rows = fleet.start(), np.arange(3)
        before, after = bits(state), no_samples(3, 4)
        after.time[1, 0], after.value[1, 0] = 0.07, 0.5
        readings = busy_tick(0, 3)
        first, record = tick(fleet, state, START, readings, rows, after)
        again, same = tick(fleet, state, START, readings[::-1], rows, after)
        assert bits(first) == bits(again) != before
        assert record.figures.tobytes() == same.figures.tobytes()
        assert bits(state) == before
        assert (readings, rows.tolist()) == (busy_tick(0, 3), [0, 1, 2])
        assert (after.time[1, 0], after.value[1, 0]) == (0.07, 0.5)
        assert np.isinf(after).sum() == 2 * after.time.size - 2

    def test_a_twin_of_a_fleet_has_the_bits_that_it_has_alone(self, fleet: Fleet) -> None:
        quiet = [[r for r in batch if r.twin != 1 or r.channel > 1] for batch in busy(30, 3)]
        together, records = run(fleet, fleet.start(), quiet, range(3))
        for row in range(3):
            own = [[r._replace(twin=0) for r in batch if r.twin == row] for batch in quiet]
            alone, reported = run(fleet, fleet.start().rows(np.array([row])), own, [row])
            assert bits(alone) == bits(together.rows(np.array([row])))
            for ours, theirs in zip(reported, records, strict=True):
                assert ours.figures.tobytes() == theirs.figures[row].tobytes()
                assert (ours.trust[0], ours.reasons[0]) == (theirs.trust[row], theirs.reasons[row])

    def test_a_twin_alone_has_the_bits_that_it_has_among_nineteen_others(self) -> None:
        shrinking = replace(tanks(20), discount=np.array([1.0, 0.9, 1.0]))
        together, _ = run(shrinking, shrinking.start(), busy(20, 20), range(20))
        for row in (0, 11, 19):
            own = [[r._replace(twin=0) for r in batch if r.twin == row] for batch in busy(20, 20)]
            only = replace(shrinking, twins=shrinking.twins[row : row + 1])
            alone, _ = run(only, only.start(), own, [0])
            assert bits(alone) == bits(together.rows(np.array([row])))

    def test_another_seed_or_tick_or_row_is_another_draw(self, fleet: Fleet) -> None:
        state = tanks(1).start()
        one = np.array([0])
        drawn = {tick(fleet, state, START + n, (), one + row)[0].x.tobytes() for n in range(2) for row in range(2)}
        assert len(drawn) == 4

    def test_a_warm_up_leaves_nothing_behind(self) -> None:
        fleet = tanks(2)
        cold = bits(run(fleet, fleet.start(), busy(3, 2), range(2))[0])
        warm_up(fleet)
        assert bits(fleet.start()) == bits(tanks(2).start())
        assert bits(run(fleet, fleet.start(), busy(3, 2), range(2))[0]) == cold


class TestCorrection:
    def test_a_tick_without_readings_is_a_forecast(self, fleet: Fleet) -> None:
        state, _ = run(fleet, fleet.start(), busy(5, 3), range(3))
        rows, number = np.arange(3), START + 5
        signals, _ = laid_out(fleet, state.memory.copy(), number, (), None)
        ahead, _, _ = forecast(fleet, state.x, number, rows, signals, no_points(3))
        quiet, _ = tick(fleet, state, number, (), rows)
        assert quiet.x.tobytes() == ahead.tobytes()
        assert by_twin(quiet.memory)["sum_assimilated"].tolist() == by_twin(state.memory)["sum_assimilated"].tolist()

    def test_readings_pull_the_ensemble_and_narrow_it(self, fleet: Fleet) -> None:
        rows = np.arange(3)
        deep = [gauge(0, 1.6, twin=2, offset=k * 10**6) for k in range(10)]
        corrected, _ = tick(fleet, fleet.start(), START, deep, rows)
        free, _ = tick(fleet, fleet.start(), START, (), rows)
        assert abs(corrected.x[2, :, LEVEL].mean() - 1.6) < 0.5 * abs(free.x[2, :, LEVEL].mean() - 1.6)
        assert corrected.x[2, :, LEVEL].std() < free.x[2, :, LEVEL].std()
        assert corrected.x[:2].tobytes() == free.x[:2].tobytes()

    def test_a_considered_variable_is_never_changed_by_readings(self, fleet: Fleet) -> None:
        state, _ = run(fleet, fleet.start(), busy(40, 3), range(3))
        assert state.x[:, :, SILL].tobytes() == fleet.start().x[:, :, SILL].tobytes()
        assert not np.array_equal(state.x[:, :, LEAK], fleet.start().x[:, :, LEAK])

    def test_a_reading_is_compared_at_its_own_time(self) -> None:
        """The bucket comes in the middle of the tick: a reading before it and one after it differ by its 0.1 m."""
        fleet = tanks(1)
        start = START * TICK
        bucket = Reading(0, 4, start + TICK // 2, 1.0, 0.0)
        readings = [gauge(0, 1.0, offset=TICK // 2 - 1), gauge(0, 1.0, offset=TICK // 2 + 1)]
        state = fleet.start()
        signals, seen = laid_out(fleet, state.memory.copy(), START, [bucket, *readings], None)
        _, predicted, _ = forecast(fleet, state.x, START, np.array([0]), signals, seen.points)
        np.testing.assert_allclose(predicted[0, :, 1] - predicted[0, :, 0], 0.1, atol=1e-6)


class TestGate:
    """A spike is refused; what stays away for long is no spike."""

    REOPEN = 5

    def settled(self) -> tuple[Fleet, FleetState]:
        fleet = tanks(1, reopen=self.REOPEN)
        state, _ = run(fleet, fleet.start(), [[gauge(n, 1.0)] for n in range(50)], [0])
        return fleet, state

    def test_a_spike_is_refused_and_changes_nothing(self) -> None:
        fleet, state = self.settled()
        number = START + 50
        spiked, _ = tick(fleet, state, number, [gauge(50, 9.0)], np.array([0]))
        silent, _ = tick(fleet, state, number, (), np.array([0]))
        assert spiked.x.tobytes() == silent.x.tobytes()
        assert by_twin(spiked.memory)[0].sum_outliers == by_twin(state.memory)[0].sum_outliers + 1
        assert fleet.layout.records(spiked.memory).sensors[0, 0].refused == 1

    def test_a_good_reading_between_closes_the_row_of_refusals(self) -> None:
        fleet, state = self.settled()
        values = [9.0] * (self.REOPEN - 1) + [1.0] + [9.0] * self.REOPEN
        state, _ = run(fleet, state, [[gauge(50 + k, value)] for k, value in enumerate(values)], [0], 50)
        assert by_twin(state.memory)[0].sum_outliers == 2 * self.REOPEN - 1
        assert abs(state.x[0, :, LEVEL].mean() - 1.0) < 0.5

    def test_after_so_many_in_a_row_the_gate_opens_until_twin_and_sensor_agree(self) -> None:
        fleet, state = self.settled()
        step = [[gauge(50 + k, 3.0)] for k in range(40)]
        state, _ = run(fleet, state, step[: self.REOPEN], [0], 50)
        assert by_twin(state.memory)[0].sum_outliers == self.REOPEN
        assert abs(state.x[0, :, LEVEL].mean() - 1.0) < 0.5
        state, _ = run(fleet, state, step[self.REOPEN :], [0], 50 + self.REOPEN)
        assert by_twin(state.memory)[0].sum_outliers == self.REOPEN
        assert abs(state.x[0, :, LEVEL].mean() - 3.0) < 0.5

    def test_a_sensor_has_no_say_over_the_gate_of_another(self) -> None:
        fleet, state = self.settled()
        both = [[gauge(50 + k, 1.0), gauge(50 + k, 9.0)._replace(channel=1)] for k in range(self.REOPEN)]
        state, _ = run(fleet, state, both, [0], 50)
        refused = fleet.layout.records(state.memory).sensors["refused"][0]
        assert refused.tolist() == [0.0, self.REOPEN]


def test_a_member_that_is_not_finite_is_replaced_and_leaves_the_other_twins_alone(fleet: Fleet) -> None:
    healthy = fleet.start()
    sick = healthy.copy()
    sick.x[1, 3, LEVEL] = np.nan
    well, _ = run(fleet, healthy, busy(20, 3), range(3))
    ill, records = run(fleet, sick, busy(20, 3), range(3))
    others = np.array([0, 2])
    assert bits(ill.rows(others)) == bits(well.rows(others))
    assert all(record.trust[1] >= Trust.DEGRADED for record in records)
    for record in records:
        assert complaining(fleet.checks, record.reasons, "replaced").tolist() == [False, True, False]
    assert by_twin(ill.memory)["sum_replaced"].tolist() == [0.0, 1.0, 0.0]
    assert by_twin(ill.memory)[1].sum_assimilated > 20
    assert np.isfinite(ill.memory[1, :TWIN_WIDTH]).all()


class TestPast:
    LAG = 3

    @pytest.fixture
    def looking_back(self) -> Fleet:
        return replace(tanks(2), lag=self.LAG)

    def ends(self, fleet: Fleet, state: FleetState) -> list[FloatArray]:
        """The quantities at every end of a tick that is kept, the oldest first."""
        return np.split(state.lagged, self.LAG + 1, axis=2) if fleet.lagged_ticks else []

    def test_without_a_use_for_it_there_is_none(self, fleet: Fleet) -> None:
        state, _ = run(fleet, fleet.start(), busy(2, 3), range(3))
        assert state.lagged.shape == fleet.start().lagged.shape == (3, 12, 0)

    def test_before_the_first_tick_it_is_the_prior(self, looking_back: Fleet) -> None:
        state = looking_back.start()
        expected = looking_back.model.observe(state.x, 0.0, held(looking_back, state.memory))
        for end in self.ends(looking_back, state):
            np.testing.assert_array_equal(end, expected)

    def test_without_readings_it_is_what_the_members_were(self, looking_back: Fleet) -> None:
        state, seen = looking_back.start(), list[FloatArray]()
        for number in range(6):
            state, [record] = run(looking_back, state, [[]], range(2), number)
            newest = self.ends(looking_back, state)[-1]
            np.testing.assert_allclose(newest.mean(1), record.figures[:, :, 0], rtol=0.0, atol=1e-12)
            seen.append(newest)
        np.testing.assert_array_equal(self.ends(looking_back, state), seen[-self.LAG - 1 :])

    def test_readings_narrow_it_too_but_for_what_they_leave_as_it_is(self, looking_back: Fleet) -> None:
        before, _ = run(looking_back, looking_back.start(), [[], [], []], range(2))
        after, _ = run(looking_back, before, [[gauge(3, 1.5, offset=k * 10**6) for k in range(10)]], range(2), 3)
        depth, sill = 0, [q.name for q in looking_back.model.quantities].index("sill")
        for old, new in zip(self.ends(looking_back, before)[1:], self.ends(looking_back, after)[:-1], strict=True):
            assert new[0, :, depth].std() < old[0, :, depth].std()
            np.testing.assert_array_equal(new[0, :, sill], old[0, :, sill])
            np.testing.assert_array_equal(new[1], old[1])

    def test_a_late_reading_is_compared_with_the_past(self) -> None:
        """Much water comes: what was read before it is as expected where it is of then, not where it is of now."""
        fleet = replace(tanks(1), asynchronous=3)
        level = [[gauge(n, 1.0)] for n in range(50)]
        state, _ = run(fleet, fleet.start(), level, [0])
        state, _ = run(fleet, state, [[Reading(0, 4, (START + 50) * TICK + n, 1.0, 0.0) for n in range(20)]], [0], 50)
        late, now = (gauge(number, 1.0) for number in (50, 51))
        after = [run(fleet, state, [[reading]], [0], 51)[0] for reading in (late, now)]
        assert [by_twin(state.memory)[0].sum_outliers for state in after] == [0, 1]


@pytest.mark.parametrize(("late", "old"), [(0, False), (9, False), (15, True)])
def test_a_late_reading_is_as_old_as_its_own_time(late: int, old: bool) -> None:
    """The gauge is stale after 10 ticks; readings come in every tick, the dipstick's in time."""
    fleet = replace(tanks(1), asynchronous=20)
    batches = [[gauge(n - late, 1.0), gauge(n, 1.0)._replace(channel=DIPSTICK)] for n in range(40)]
    start, _ = run(fleet, fleet.start(), [batches[0][1:]], [0])
    state, records = run(fleet, start, batches[20:], [0], 20)
    assert complaining(fleet.checks, records[-1].reasons, "age").tolist() == [old]
    newest = fleet.layout.records(state.memory).sensors["newest"][0]
    assert newest.tolist() == [START + 39 - late, START + 39]


def test_a_late_reading_behind_a_newer_one_does_not_make_the_sensor_older() -> None:
    fleet = replace(tanks(1), asynchronous=20)
    state, _ = run(fleet, fleet.start(), [[gauge(n, 1.0)] for n in range(20)], [0])
    state, _ = run(fleet, state, [[gauge(5, 1.0, offset=1)]], [0], 20)
    assert fleet.layout.records(state.memory).sensors["newest"][0, GAUGE] == START + 19


@pytest.mark.parametrize("wrong", [np.inf, -np.inf])
def test_an_infinite_member_is_replaced_like_one_that_is_not_a_number(fleet: Fleet, wrong: float) -> None:
    state = fleet.start()
    state.x[0, 0, SILL] = wrong
    state, [record] = run(fleet, state, [busy_tick(0, 3)], range(3))
    assert complaining(fleet.checks, record.reasons, "replaced").tolist() == [True, False, False]
    assert by_twin(state.memory)[0].sum_assimilated == 2


def test_every_reading_and_every_verdict_is_counted_once(fleet: Fleet) -> None:
    ticks = 60
    readings = busy(ticks, 3)
    readings[30] = [r._replace(value=50.0) if r.channel == 0 else r for r in readings[30]]
    readings[31] = []
    state, records = run(fleet, fleet.start(), readings, range(3))
    memory = by_twin(state.memory)
    assert (memory["sum_assimilated"] + memory["sum_outliers"]).tolist() == [2 * (ticks - 1)] * 3
    assert memory["sum_compared"].tolist() == [2 * (ticks - 1)] * 3
    assert memory["sum_inputs"].tolist() == [4 * (ticks - 1)] * 3
    assert memory["sum_degrees"].tolist() == memory["sum_assimilated"].tolist()
    assert (memory["sum_outliers"] >= 1).all()
    assert (memory["sum_covered"] <= memory["sum_compared"]).all()
    for level in Trust:
        reported = sum(record.trust == level for record in records)
        assert memory["sum_verdicts"][:, level].tolist() == np.asarray(reported).tolist()


def test_without_sensors_a_twin_is_a_model_that_runs_on_its_inputs(fleet: Fleet) -> None:
    blind = replace(fleet, sensors=())
    driven = [[r._replace(channel=r.channel - 2) for r in batch if r.channel > 1] for batch in busy(10, 3)]
    state, records = run(blind, blind.start(), driven, range(3))
    with_silent_sensors, _ = run(fleet, fleet.start(), [[r for r in b if r.channel > 1] for b in busy(10, 3)], range(3))
    assert state.x.tobytes() == with_silent_sensors.x.tobytes()
    assert all((record.trust == Trust.TRUSTED).all() for record in records)


class TestStaleInputs:
    """An input older than it may be is a reason in the verdict; the forecast goes on with its last value."""

    def reasons(self, stale: tuple[float, ...], ages: Sequence[int]) -> list[bool]:
        """Whether the age of an input is a reason, so many ticks after the only sample of all inputs."""
        fleet = replace(tanks(1), stale=stale)
        samples = [r for r in busy_tick(0, 1) if r.channel > 1]
        readings = [[*samples, gauge(0, 1.0)], *([gauge(number, 1.0)] for number in range(1, max(ages) + 1))]
        _, records = run(fleet, fleet.start(), readings, [0])
        return [bool(complaining(fleet.checks, records[age].reasons, "input_age")[0]) for age in ages]

    def test_it_is_told_from_its_age_on(self) -> None:
        assert self.reasons((math.inf, 0.4, math.inf, math.inf), (0, 9, 11)) == [False, False, True]
        assert self.reasons((math.inf,) * 4, (0, 11)) == [False, False]
        assert self.reasons((), (0, 11)) == [False, False]

    def test_one_that_has_had_no_sample_is_as_old_as_its_twin(self) -> None:
        fleet = replace(tanks(1), stale=(math.inf, 0.4, math.inf, math.inf))
        _, records = run(fleet, fleet.start(), [[gauge(number, 1.0)] for number in range(120)], [0])
        complains = [bool(complaining(fleet.checks, record.reasons, "input_age")[0]) for record in records]
        assert complains == [False] * 10 + [True] * 110
        assert records[-1].trust[0] == Trust.UNTRUSTED

    def test_the_states_are_those_of_an_input_that_may_be_of_any_age(self) -> None:
        readings = [busy_tick(0, 1), *([gauge(number, 1.0)] for number in range(1, 20))]
        stale = replace(tanks(1), stale=(0.4,) * 4)
        states = [run(fleet, fleet.start(), readings, [0])[0].x.tobytes() for fleet in (stale, tanks(1))]
        assert states[0] == states[1]
