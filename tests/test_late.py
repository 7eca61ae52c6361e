"""The past stays open for a while: whatever the order of arrival, the end is that of the sorted log."""

import random
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tank import BUCKET, DIPSTICK, GAUGE, PUMP, RAIN, START, STEAM, TICK, busy_tick, gauge, tanks
from twin_models.artery import Artery
from twin_runtime.core import Checkpoint, Code, Reading, Record, State
from twin_runtime.fleet import Fleet, Sensor
from twin_runtime.late import Timeline

LATENESS = 12
"""Ticks for which the past stays open in these stories."""
LAG = 10
"""Ticks by which the smoother looks back in some of them."""
FLEETS = {count: tanks(count, members=6) for count in (1, 2, 3)}
SMOOTHED = {count: replace(fleet, lag=LAG) for count, fleet in FLEETS.items()}
EITHER = pytest.mark.parametrize("fleets", [FLEETS, SMOOTHED], ids=["filtered", "smoothed"])

Estimate = tuple[bytes, int, int]
"""Figures, trust and reasons of one twin."""


@dataclass
class History:
    """The estimates of every (tick, row) in the order of their revisions, as a store would keep them."""

    estimates: defaultdict[tuple[int, int], list[Estimate]] = field(default_factory=lambda: defaultdict(list))

    def add(self, records: Iterable[Record]) -> None:
        """Note new records; every revision must be the next of its estimate, and differ from the last."""
        for record in records:
            for i, row in enumerate(record.rows.tolist()):
                known = self.estimates[record.tick, row]
                estimate = (record.figures[i].tobytes(), int(record.trust[i]), int(record.reasons[i]))
                assert record.revision[i] == len(known)
                assert not known or estimate != known[-1]
                known.append(estimate)

    @property
    def newest(self) -> dict[tuple[int, int], Estimate]:
        return {key: known[-1] for key, known in self.estimates.items()}


@dataclass
class Run:
    """A timeline with all that it ever said."""

    timeline: Timeline
    history: History = field(default_factory=History)
    codes: list[Code] = field(default_factory=list)

    @classmethod
    def of(cls, fleet: Fleet, lateness: int = LATENESS) -> "Run":
        return cls(Timeline(fleet, lateness * TICK))

    def offer(self, *readings: Reading) -> "Run":
        self.codes += [self.timeline.offer(reading) for reading in readings]
        return self

    def to(self, frontier: int, *, revise: bool = True) -> "Run":
        """Fold what came late, or leave it for later, and run every tick before the one so far from the beginning."""
        if revise:
            self.history.add(self.timeline.revise())
        self.history.add(self.timeline.advance(START + frontier - 1))
        return self

    def concluded(self) -> "Run":
        """Come to its own end."""
        self.history.add(self.timeline.conclude())
        return self

    @property
    def bits(self) -> tuple[int | None, bytes, bytes, bytes]:
        state = self.timeline.state
        return self.timeline.frontier, state.x.tobytes(), state.memory.tobytes(), state.past.tobytes()


def in_order(fleet: Fleet, readings: Iterable[Reading], frontier: int) -> Run:
    """The sorted log, folded at once."""
    return Run.of(fleet).offer(*sorted(readings, key=lambda r: (r.time, r.twin, r.channel))).to(frontier)


def log(ticks: int, count: int, seed: int = 0) -> list[Reading]:
    """Readings of all channels, with holes in which only some are heard."""
    rng = random.Random(seed)
    return [r for n in range(ticks) for r in busy_tick(n, count, seed) if rng.random() < 0.6]


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
    @EITHER
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
        run.offer(*(r._replace(value=r.value + 1.0) for r in readings if r.time >= (START + 30 - LATENESS) * TICK)).to(
            30
        )
        assert set(run.codes[len(readings) :]) == {Code.DUPLICATE}
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
        settled: dict[int, tuple[Checkpoint, State]] = {}
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
                assert (state.x.tobytes(), state.memory.tobytes(), state.past.tobytes()) == expected.bits[1:]

    def test_it_lies_behind_all_that_is_open_but_not_far(self) -> None:
        run = Run.of(FLEETS[1]).offer(*log(200, 1)).to(200)
        checkpoint = run.timeline.settled()
        assert checkpoint is not None
        reach = 8  # ticks across which the pump's readings are interpolated
        behind = START + 200 - checkpoint.tick
        assert LATENESS + reach <= behind < 1.25 * (LATENESS + reach)


def interrupted(fleet: Fleet, readings: Sequence[Reading], frontier: int) -> tuple[Run, Timeline, History]:
    """A run of two tanks, and a fresh timeline that takes it up from what a store would hold of it."""
    run = Run.of(fleet).offer(*readings).to(frontier)
    checkpoint = run.timeline.settled()
    since = 0 if checkpoint is None else checkpoint.tick
    stored = None if checkpoint is None else Checkpoint(checkpoint.tick, checkpoint.state.copy())
    again, history = Timeline(fleet, LATENESS * TICK), History()
    history.estimates.update({key: list(known) for key, known in run.history.estimates.items()})
    kept = [reading for reading in readings if reading.time >= since * TICK]
    again.resume(stored, kept, records_of(run, since), run.timeline.frontier)
    return run, again, history


def records_of(run: Run, since: int) -> Iterator[Record]:
    """The newest revision of every record, as a store gives them back."""
    for number in sorted({number for number, _ in run.history.estimates if number >= since}):
        known = [run.history.estimates[number, row] for row in (0, 1)]
        figures, trust, reasons = zip(*(estimates[-1] for estimates in known), strict=True)
        yield Record(
            number,
            np.arange(2),
            np.frombuffer(b"".join(figures)).reshape(2, -1, 5).copy(),
            np.array(trust),
            np.array(reasons),
            np.array([len(estimates) - 1 for estimates in known]),
        )


class TestResuming:
    @pytest.mark.parametrize("frontier", [5, 60], ids=["before the first checkpoint", "after many"])
    @EITHER
    def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(
        self, fleets: dict[int, Fleet], frontier: int
    ) -> None:
        readings = log(frontier, 2)
        run, again, history = interrupted(fleets[2], readings, frontier)
        assert again.revise() == []
        resumed = Run(again, history)
        assert resumed.bits == run.bits
        more = [r for n in range(frontier, frontier + 30) for r in busy_tick(n, 2)]
        late = gauge(frontier - 2, 1.4, twin=1, offset=3)
        for each in (run, resumed):
            each.offer(late, *more).to(frontier + 30)
        assert resumed.bits == run.bits
        assert resumed.history.newest == run.history.newest

    def test_a_reading_stored_before_its_revisions_yields_just_those(self) -> None:
        readings, late = log(60, 2), gauge(55, 1.1, twin=1, offset=3)
        run, again, history = interrupted(FLEETS[2], readings, 60)
        checkpoint = run.timeline.settled()
        assert checkpoint is not None
        again = Timeline(FLEETS[2], LATENESS * TICK)
        kept = [reading for reading in (*readings, late) if reading.time >= checkpoint.tick * TICK]
        again.resume(checkpoint, kept, records_of(run, checkpoint.tick), run.timeline.frontier)
        revised = again.revise()
        history.add(revised)
        assert {(record.tick, *record.rows) for record in revised} == {(START + n, 1) for n in range(55, 60)}
        assert Run(again).bits == in_order(FLEETS[2], [*readings, late], 60).bits

    def test_it_still_knows_what_it_has_taken(self) -> None:
        readings = log(60, 2)
        _, again, _ = interrupted(FLEETS[2], readings, 60)
        codes = {again.offer(reading) for reading in readings}
        assert codes == {Code.DUPLICATE, Code.LATE}
        assert again.revise() == []

    def test_a_run_cut_off_before_its_first_tick_has_its_readings(self) -> None:
        again = Timeline(FLEETS[2], LATENESS * TICK)
        again.resume(None, log(4, 2), (), None)
        assert again.revise() == []
        assert Run(again).to(4).bits == in_order(FLEETS[2], log(4, 2), 4).bits


class TestSmoothing:
    READINGS = tuple(r for n in range(60) for r in busy_tick(n, 2))

    def test_every_tick_is_said_when_it_has_run_and_again_when_its_lag_is_over(self) -> None:
        told = in_order(replace(SMOOTHED[2], gate=0.0), self.READINGS, 60)
        for last_smoothed in (60 - LAG, 59):  # behind the last tick nothing comes
            said = {key: len(known) for key, known in told.history.estimates.items()}
            assert said == {(START + n, row): 2 if n < last_smoothed else 1 for n in range(60) for row in (0, 1)}
            told.concluded()

    def test_the_latest_reading_that_is_taken_changes_what_was_smoothed_a_lag_before_it(self) -> None:
        late = gauge(60 - LATENESS, 1.3, twin=1, offset=7)
        run = Run.of(SMOOTHED[2]).offer(*self.READINGS).to(60).offer(late).to(60)
        expected = in_order(SMOOTHED[2], [*self.READINGS, late], 60)
        assert run.history.newest == expected.history.newest
        again = {number for (number, row), known in run.history.estimates.items() if row == 1 and len(known) > 2}
        assert min(again) == START + 60 - LATENESS - LAG

    def test_the_verdict_stays_what_it_was(self) -> None:
        told = in_order(SMOOTHED[2], self.READINGS, 60)
        assert all(len({known[1:] for known in revisions}) == 1 for revisions in told.history.estimates.values())

    def test_what_it_says_of_the_present_is_what_it_says_without(self) -> None:
        first = [in_order(fleets[2], self.READINGS, 60).history.estimates for fleets in (FLEETS, SMOOTHED)]
        for key, known in first[0].items():
            with_smoothing, without = (np.frombuffer(told[0]) for told in (first[1][key][0], known[0]))
            np.testing.assert_allclose(with_smoothing, without, rtol=0.0, atol=1e-10)

    def test_what_nobody_waits_for_is_said_the_next_time(self) -> None:
        """A caller that takes a few records at a time, and never asks for the rest, misses none."""
        run, expected = Run.of(SMOOTHED[2]).offer(*self.READINGS), in_order(SMOOTHED[2], self.READINGS, 60)
        for count in (1, 2, 3, 5, 8, 13, 21, 34, 55):
            run.history.add(islice(run.timeline.advance(START + 59), count))
        assert run.bits == expected.bits
        run.history.add(run.timeline.revise())
        assert run.history.newest == expected.history.newest

    def test_records_do_not_change_once_they_are_said(self) -> None:
        run, history = Run.of(SMOOTHED[2]).offer(*self.READINGS), History()
        history.add(list(run.timeline.advance(START + 59)))
        assert history.estimates == in_order(SMOOTHED[2], self.READINGS, 60).history.estimates

    def test_a_run_taken_up_after_its_end_smooths_the_rest_in_its_time(self) -> None:
        run, _, _ = interrupted(SMOOTHED[2], self.READINGS, 60)
        run.concluded()
        checkpoint = run.timeline.settled()
        assert checkpoint is not None
        again = Run(Timeline(SMOOTHED[2], LATENESS * TICK), run.history)
        kept = [r for r in self.READINGS if r.time >= checkpoint.tick * TICK]
        again.timeline.resume(checkpoint, kept, records_of(run, checkpoint.tick), run.timeline.frontier)
        more = [r for n in range(60, 90) for r in busy_tick(n, 2)]
        expected = in_order(SMOOTHED[2], [*self.READINGS, *more], 90)
        assert again.to(60).offer(*more).to(90).bits == expected.bits
        assert again.history.newest == expected.history.newest


def test_memory_stays_bounded_however_long_it_runs() -> None:
    """Of 500 ticks as much is kept as of 2500: the readings, records and checkpoints of the time that is open."""
    run = Timeline(FLEETS[1], LATENESS * TICK)

    def grow(ticks: range) -> int:
        for number in ticks:
            run.offer(gauge(number, 1.0))
            if number % 50 == 0:
                run.offer(gauge(number - 5, 1.1, offset=9))
            run.revise()
            for _ in run.advance(START + number):
                pass
        return tracemalloc.get_traced_memory()[0]

    grow(range(250))
    tracemalloc.start()
    try:
        first, last = grow(range(250, 500)), grow(range(500, 2500))
    finally:
        tracemalloc.stop()
    assert last < 1.1 * first + 20_000
