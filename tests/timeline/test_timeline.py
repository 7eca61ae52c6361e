"""The past stays open for a while: whatever the order of arrival, the end is that of the sorted log."""

import gc
import random
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tank import BUCKET, DIPSTICK, GAUGE, PUMP, RAIN, START, STEAM, TICK, busy_tick, gauge
from tests.timeline.timelines import EITHER, FLEETS, LATENESS, SMOOTHED, WITHHELD, Run, in_order, log
from twin_models.artery import Artery
from twin_runtime.core import Checkpoint, Code, FleetState, Reading
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.timeline.timeline import Timeline


@st.composite
def logs(draw: st.DrawFn) -> tuple[int, list[Reading], list[tuple[int, Reading]]]:
    """The size of a fleet, a log, and the same in some order of arrival: (the frontier at arrival, reading)."""
    count = draw(st.integers(1, 3))
    signals = st.tuples(
        st.integers(0, count - 1),
        st.sampled_from([GAUGE, DIPSTICK, PUMP, RAIN, BUCKET, STEAM]),
        st.integers(0, 35 * TICK),
    )
    keys = draw(st.lists(signals, min_size=1, max_size=40, unique=True))
    values = st.floats(-0.5, 1.5)
    readings = [Reading(t, c, START * TICK + time, draw(values), 0.1 if c < PUMP else 0.0) for t, c, time in keys]
    delays = draw(st.lists(st.integers(0, LATENESS * TICK), min_size=len(keys), max_size=len(keys)))
    arrivals = sorted(zip((r.time + d for r, d in zip(readings, delays, strict=True)), readings, strict=True))
    return count, readings, [(time // TICK - START, reading) for time, reading in arrivals]


class TestOrder:
    @pytest.mark.parametrize("fleets", [FLEETS, SMOOTHED, WITHHELD], ids=["filtered", "smoothed", "withheld"])
    @settings(max_examples=30)
    @given(log=logs(), often=st.integers(3, 12), rng=st.randoms(use_true_random=False))
    def test_any_order_within_the_lateness_ends_like_the_sorted_log(
        self,
        fleets: dict[int, Fleet],
        log: tuple[int, list[Reading], list[tuple[int, Reading]]],
        often: int,
        rng: random.Random,
    ) -> None:
        count, readings, arrivals = log
        run = Run.of(fleets[count])
        for now, reading in arrivals:
            if rng.random() < 1 / often:
                run.to(now, revise=rng.random() < 0.6)
            run.offer(reading)
        assert set(run.codes) == {Code.ACCEPTED}
        expected = in_order(fleets[count], readings, 50)
        assert run.to(50).bits == expected.bits
        assert run.history.newest == expected.history.newest
        assert run.concluded().history.newest == expected.concluded().history.newest

    @pytest.mark.parametrize("before", [None, 0], ids=["the first of all", "the first for a long time"])
    def test_a_sample_at_the_very_end_of_a_tick_says_nothing_of_it(self, before: int | None) -> None:
        """It belongs to the next tick, and cannot be interpolated from what came before."""
        earlier = [] if before is None else [Reading(0, STEAM, START * TICK, 0.2, 0.0)]
        readings = [*earlier, Reading(0, DIPSTICK, START * TICK + 3, 0.5, 0.1)]
        on_the_edge = Reading(0, STEAM, (START + 5) * TICK, 1.5, 0.0)
        late = Run.of(FLEETS[1]).offer(*readings).to(5).offer(on_the_edge).to(10)
        assert late.bits == in_order(FLEETS[1], [*readings, on_the_edge], 10).bits

    def test_every_order_of_a_few_readings_of_one_tick_is_the_same(self) -> None:
        readings = busy_tick(3, 2)
        shuffled = [random.Random(k).sample(readings, len(readings)) for k in range(10)]
        assert len({Run.of(FLEETS[2]).offer(*order).to(8).bits for order in shuffled}) == 1

    def test_a_late_reading_of_one_twin_revises_no_other(self) -> None:
        readings = log(30, 3)
        late = gauge(24, 1.3, twin=1, offset=7)
        run = Run.of(FLEETS[3]).offer(*readings).to(30)
        run.offer(late).to(30)
        assert run.bits == in_order(FLEETS[3], [*readings, late], 30).bits
        revised = {key for key, known in run.history.estimates.items() if len(known) > 1}
        assert revised == {(START + n, 1) for n in range(24, 30)}

    @EITHER
    def test_late_readings_may_wait_while_the_present_goes_on(self, fleets: dict[int, Fleet]) -> None:
        """Even for longer than the past stays open: what they need to be folded is kept for them."""
        readings, late = log(100, 2), gauge(24, 1.3, twin=1, offset=7)
        run = Run.of(fleets[2]).offer(*readings[:150]).to(30).offer(late, *readings[150:])
        assert run.timeline.is_dirty
        run.to(100, revise=False)
        settled = run.timeline.settled()
        assert settled is None or settled.tick <= START + 24
        run.to(100)
        assert not run.timeline.is_dirty
        expected = in_order(fleets[2], [*readings, late], 100)
        assert run.bits == expected.bits
        assert run.history.newest == expected.history.newest
        revised = {key for key, known in run.history.estimates.items() if len(known) > 1}
        assert {(START + n, 1) for n in range(24, 34)} <= revised

    def test_a_burst_that_ends_before_a_tick_is_smoothed_leaves_no_twin_without_it(self) -> None:
        """Between the two a late reading of another twin may be folded."""
        readings, late = log(20, 2), gauge(18, 1.3, twin=1, offset=7)
        run = Run.of(SMOOTHED[2]).offer(*readings).to(19)
        run.history.add([next(run.timeline.advance(START + 19))])
        run.offer(late).to(20)
        assert run.history.newest == in_order(SMOOTHED[2], [*readings, late], 20).history.newest

    def test_many_late_readings_are_folded_in_one_pass(self) -> None:
        readings = log(30, 2)
        late = [gauge(n, 1.2, twin=n % 2, offset=7) for n in range(20, 30)]
        run = Run.of(FLEETS[2]).offer(*readings).to(30)
        run.offer(*late).to(30)
        assert run.bits == in_order(FLEETS[2], [*readings, *late], 30).bits
        assert {len(run.history.estimates[START + 29, row]) for row in (0, 1)} == {2}

    @pytest.mark.parametrize(
        ("channel", "gap", "first"), [(PUMP, 300, 12), (STEAM, 100, 17), (RAIN, 300, 20), (BUCKET, 300, 20)]
    )
    def test_a_sample_of_an_input_changes_the_past_as_far_as_it_is_interpolated(
        self, channel: int, gap: int, first: int
    ) -> None:
        """It bends the line since the last sample, if that is not too long ago; what is held acts from then on."""
        late = Reading(0, channel, (START + 20) * TICK, 0.9, 0.0)
        last = late._replace(time=late.time - gap * 1_000_000, value=0.1)
        run = Run.of(FLEETS[1]).offer(*(gauge(n, 1.0) for n in range(30)), last).to(30)
        run.offer(late).to(30)
        revised = [key[0] - START for key, known in run.history.estimates.items() if len(known) > 1]
        assert sorted(revised) == list(range(first, 30))


class TestOrigin:
    def test_an_early_reading_moves_the_origin_back(self) -> None:
        readings = log(10, 2)
        early = gauge(-3, 1.1)
        run = Run.of(FLEETS[2]).offer(*readings).to(8)
        run.offer(early).to(10)
        assert run.codes[-1] is Code.ACCEPTED
        assert run.bits == in_order(FLEETS[2], [early, *readings], 10).bits
        assert len(run.history.estimates[START - 3, 0]) == 1

    def test_nothing_runs_before_the_first_reading(self) -> None:
        run = Run.of(FLEETS[1]).to(50)
        assert (run.timeline.frontier, run.timeline.newest(), run.timeline.settled()) == (None, None, None)
        assert not run.history.estimates
        assert run.timeline.state.x.tobytes() == FLEETS[1].start().x.tobytes()
        assert run.offer(gauge(7, 1.0)).to(8).timeline.frontier == START + 8
        assert list(run.history.estimates) == [(START + 7, 0)]


class TestAcceptance:
    def test_a_reading_later_than_the_lateness_is_late_and_changes_nothing(self) -> None:
        run = Run.of(FLEETS[1]).offer(*log(40, 1)).to(40)
        before, pending = run.bits, run.timeline.pending()
        oldest = gauge(40 - LATENESS, 3.0, offset=5)
        too_old = gauge(40 - LATENESS - 1, 3.0, offset=TICK - 1)
        run.offer(too_old).to(40)
        assert (run.bits, run.timeline.pending()) == (before, pending)
        run.offer(oldest).to(40)
        assert run.codes[-2:] == [Code.LATE, Code.ACCEPTED]
        assert run.bits != before

    def test_a_reading_that_comes_twice_counts_once(self) -> None:
        readings = log(30, 2)
        run = Run.of(FLEETS[2]).offer(*readings).to(30)
        before = run.bits
        again = [r for r in readings if r.time >= (START + 30 - LATENESS) * TICK]
        run.offer(*again).to(30)
        assert set(run.codes[len(readings) :]) == {Code.DUPLICATE}
        run.offer(*(r._replace(value=r.value + 1.0) for r in again)).to(30)
        assert set(run.codes[len(readings) + len(again) :]) == {Code.CONFLICT}
        assert run.bits == before
        waiting = gauge(33, 1.0)
        run.offer(waiting, waiting)
        assert run.codes[-2:] == [Code.ACCEPTED, Code.DUPLICATE]
        assert run.timeline.pending() == 1

    def test_readings_wait_for_their_tick(self) -> None:
        run = Run.of(FLEETS[1]).offer(*(gauge(n, 1.0) for n in range(20)))
        assert run.timeline.pending() == 20
        assert run.to(15).timeline.pending() == 5
        assert run.timeline.newest() == START + 19

    def test_without_lateness_nothing_is_revised_and_the_newest_record_is_kept(self) -> None:
        """An artery, whose input is events: nothing keeps the past open."""
        fleet = replace(FLEETS[1], model=Artery(), sensors=(Sensor("abp", 0, 1.0),), driven=(0,))
        run = Run.of(fleet, lateness=0).offer(*(gauge(n, 80.0) for n in range(20))).to(15)
        run.offer(gauge(0, 90.0)).to(20)
        assert run.codes[-1] is Code.LATE
        record = run.timeline.newest_record
        assert record is not None
        assert record.tick == START + 19


class TestRevisions:
    def test_revisions_count_up_by_one_and_only_where_something_changed(self) -> None:
        """The history checks it for every record: here many revisions of the same ticks."""
        rng = random.Random(4)
        run, readings = Run.of(FLEETS[2]).offer(*log(20, 2)).to(20), log(20, 2)
        for k in range(8):
            late = gauge(20 - rng.randint(1, LATENESS), 1.0 + k / 10, twin=k % 2, offset=1000 + k)
            readings.append(late)
            run.offer(late).to(20)
        assert max(len(known) for known in run.history.estimates.values()) == 5
        assert run.bits == in_order(FLEETS[2], readings, 20).bits

    def test_a_late_reading_that_says_nothing_new_gives_no_record(self) -> None:
        """Rain that goes on as it was: the same numbers, and so no revision."""
        rain = [Reading(0, RAIN, (START + n) * TICK, 0.2, 0.0) for n in (0, 5)]
        run = Run.of(FLEETS[1]).offer(rain[0], *(gauge(n, 1.0) for n in range(10))).to(10)
        run.offer(rain[1]).to(10)
        assert run.codes[-1] is Code.ACCEPTED
        assert {len(known) for known in run.history.estimates.values()} == {1}
        assert run.timeline.revise() == []


class TestSettled:
    @EITHER
    def test_what_is_settled_is_never_changed_later(self, fleets: dict[int, Fleet]) -> None:
        rng, fleet = random.Random(5), fleets[2]
        readings = log(80, 2)
        arrivals = sorted(readings, key=lambda r: r.time + rng.randint(0, LATENESS * TICK))
        run = Run.of(fleet)
        settled: dict[int, tuple[Checkpoint, FleetState]] = {}
        for k, reading in enumerate(arrivals):
            run.offer(reading)
            if k % 5 == 0:
                run.to(reading.time // TICK - START, revise=k % 3 > 0)
                checkpoint = run.timeline.settled()
                if checkpoint is not None:
                    settled.setdefault(checkpoint.tick, (checkpoint, checkpoint.state.copy()))
        assert set(run.codes) == {Code.ACCEPTED}
        assert len(settled) > 10
        for number, (checkpoint, copy) in settled.items():
            expected = in_order(fleet, readings, number - START)
            for state in (checkpoint.state, copy):
                assert (state.x.tobytes(), state.memory.tobytes(), state.lagged.tobytes()) == expected.bits[1:]

    def test_it_lies_behind_all_that_is_open_but_not_far(self) -> None:
        run = Run.of(FLEETS[1]).offer(*log(200, 1)).to(200)
        checkpoint = run.timeline.settled()
        assert checkpoint is not None
        reach = 8  # ticks across which the pump's readings are interpolated
        behind = START + 200 - checkpoint.tick
        assert LATENESS + reach <= behind < 1.25 * (LATENESS + reach)


def test_memory_stays_bounded_however_long_it_runs() -> None:
    """Of 500 ticks as much is kept as of 2500: the readings, records and checkpoints of the time that is open.

    Whatever is kept takes a block of the interpreter's memory at least; one in ten ticks is what its own caches take.
    """
    run = Timeline(FLEETS[1], LATENESS * TICK)

    def blocks_after(ticks: range) -> int:
        for number in ticks:
            run.offer(gauge(number, 1.0))
            if number % 50 == 0:
                run.offer(gauge(number - 5, 1.1, offset=9))
            run.revise()
            for _ in run.advance(START + number):
                pass
        gc.collect()
        return sys.getallocatedblocks()

    first, last = blocks_after(range(500)), blocks_after(range(500, 2500))
    assert last < first + 200
