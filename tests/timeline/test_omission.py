"""What is left out of a tick is left out whatever the order of arrival, and every reading in it is accounted for."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tank import BUCKET, DIPSTICK, GAUGE, PUMP, RAIN, START, TICK
from tests.timeline.timelines import FLEETS, LATENESS, Run
from twin_runtime.core import Reading, Trust
from twin_runtime.engine.beginning import is_running
from twin_runtime.engine.omission import Span
from twin_runtime.vvuq.memory import by_twin


def read(tick: float, twin: int = 0, channel: int = GAUGE, value: float = 0.9) -> Reading:
    return Reading(twin, channel, round((START + tick) * TICK), value, 0.1 if channel < PUMP else 0.0)


def without(first: int, last: int, rows: tuple[int, ...] | None = None) -> Span:
    return Span(START + first, START + last, None if rows is None else np.array(rows, np.int64))


def run_of(twins: int, *spans: Span) -> Run:
    run = Run.of(FLEETS[twins])
    for span in spans:
        run.timeline.omissions.add(span)
    return run


def column(run: Run, name: str) -> list[float]:
    return [float(value) for value in by_twin(run.timeline.state.memory)[name]]


def ticks(run: Run, row: int) -> list[int]:
    return [tick - START for tick, of in sorted(run.history.estimates) if of == row]


class TestWithoutReadings:
    def test_sensors_are_not_used_inputs_are(self) -> None:
        readings = [read(tick, channel=channel) for tick in range(10) for channel in (GAUGE, RAIN)]
        unused = [r for r in readings if 3 <= r.time // TICK - START <= 5 and r.channel == GAUGE]
        run = run_of(1, without(3, 5)).offer(*readings).to(10)
        expected = Run.of(FLEETS[1]).offer(*(r for r in readings if r not in unused)).to(10)
        assert run.timeline.state.x.tobytes() == expected.timeline.state.x.tobytes()
        assert ticks(run, 0) == list(range(10))
        assert column(run, "sum_omitted") == [len(unused)] == [3.0]
        assert column(run, "sum_assimilated")[0] + column(run, "sum_inputs")[0] == 17
        assert run.timeline.pending() == 0

    def test_a_tick_before_and_after_is_as_ever(self) -> None:
        readings = [read(tick) for tick in range(10)]
        run = run_of(1, without(20, 25)).offer(*readings).to(10)
        assert run.bits == Run.of(FLEETS[1]).offer(*readings).to(10).bits


class TestWithoutTwins:
    def test_it_stands_still_and_begins_again_untrusted_as_after_a_silence(self) -> None:
        readings = [read(tick, twin) for tick in range(30) for twin in (0, 1)]
        run = run_of(2, without(10, 19, (1,))).offer(*readings).to(30)
        assert ticks(run, 0) == list(range(30))
        assert ticks(run, 1) == [*range(10), *range(20, 30)]
        assert column(run, "sum_omitted") == [0.0, 10.0]
        assert column(run, "sum_gaps") == [0.0, 1.0]
        assert run.history.newest[START + 20, 1][1] == Trust.UNTRUSTED
        assert run.timeline.pending() == 0

    def test_the_others_do_not_notice(self) -> None:
        readings = [read(tick, twin) for tick in range(30) for twin in (0, 1)]
        run, whole = run_of(2, without(10, 19, (1,))).offer(*readings).to(30), run_of(2).offer(*readings).to(30)
        for name in ("x", "memory", "lagged"):
            one, other = getattr(run.timeline.state, name), getattr(whole.timeline.state, name)
            assert one[0].tobytes() == other[0].tobytes()

    def test_a_valve_that_moved_meanwhile_has_moved(self) -> None:
        """The newest value of a held input counts when the twin begins again, though its tick was left out."""
        moved = read(12, 1, RAIN, 0.5)
        run = run_of(2, without(10, 19, (1,))).offer(*(read(t, k) for t in (0, 25) for k in (0, 1)), moved).to(26)
        last = run.timeline.fleet.layout.by_input(run.timeline.state.memory)
        assert last.value[1, 1] == 0.5

    def test_while_it_is_shed_no_reading_makes_it_run(self) -> None:
        run = run_of(2, without(10, 10**6, (1,))).offer(*(read(t, k) for t in range(0, 60, 5) for k in (0, 1))).to(60)
        assert is_running(run.timeline.state.memory).tolist() == [True, False]

    def test_one_that_has_not_begun_begins_after_it(self) -> None:
        run = run_of(2, without(0, 9, (1,))).offer(*(read(tick, k) for tick in (0, 5, 12) for k in (0, 1))).to(13)
        assert ticks(run, 1) == [12]
        assert column(run, "sum_gaps") == [0.0, 0.0]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), often=st.integers(2, 6))
def test_any_order_within_the_lateness_ends_like_the_sorted_log(seed: int, often: int) -> None:
    rng = random.Random(seed)
    starts = [rng.randrange(60) for _ in range(3)]
    spans = [without(s, s + rng.randrange(12), rng.choice([None, (0,), (1, 2)])) for s in starts]
    places = {
        (rng.randrange(3), rng.choice([GAUGE, DIPSTICK, PUMP, RAIN, BUCKET]), rng.randrange(80)) for _ in range(90)
    }
    readings = [read(tick + 0.3, twin, channel) for twin, channel, tick in sorted(places)]
    arrivals = sorted((tick.time // TICK - START + rng.randint(0, LATENESS - 1), tick) for tick in readings)
    run = run_of(3, *spans)
    for now, reading in arrivals:
        if rng.random() < 1 / often:
            run.to(now, revise=rng.random() < 0.6)
        run.offer(reading)
    expected = run_of(3, *spans).offer(*sorted(readings, key=lambda r: (r.time, r.twin, r.channel))).to(100)
    assert run.to(100).bits == expected.bits
    assert run.history.newest == expected.history.newest
    used = sum(sum(column(run, name)) for name in ("sum_assimilated", "sum_inputs", "sum_outliers", "sum_omitted"))
    assert used == len(readings)


def test_recovery_amid_a_span_ends_the_same() -> None:
    readings = [read(tick, twin, channel) for tick in range(60) for twin in (0, 1) for channel in (GAUGE, RAIN)]
    spans = without(15, 40, (1,)), without(30, 35)
    whole = run_of(2, *spans).offer(*readings).to(60)
    part = run_of(2, *spans).offer(*(r for r in readings if r.time < (START + 38) * TICK)).to(38)
    checkpoint = part.timeline.settled()
    assert checkpoint is not None
    assert START + 15 < checkpoint.tick < START + 38
    resumed = run_of(2, *spans)
    since = [r for r in readings if checkpoint.tick * TICK <= r.time]
    resumed.timeline.resume(checkpoint, since, [], part.timeline.frontier)
    resumed.timeline.revise()
    assert resumed.to(60).bits == whole.bits
