"""A long silence is jumped over: a twin pauses, and begins again with its next reading; nothing else changes."""

import random
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tank import DIPSTICK, GAUGE, PUMP, START, TICK, gauge, tanks
from tests.timeline.timelines import LATENESS, Run, in_order
from twin_runtime.core import Reading, Trust
from twin_runtime.engine.beginning import SILENCE_CHECKED, is_running
from twin_runtime.engine.fleet import Fleet
from twin_runtime.vvuq.memory import by_twin

PAUSE_AFTER = 100
"""Ticks of silence after which the twins of these stories pause."""
LONGEST = PAUSE_AFTER + SILENCE_CHECKED + 1
"""Ticks that run after a reading at the most."""
FLEETS = {count: replace(tanks(count, members=6), pause_after=PAUSE_AFTER) for count in (1, 2, 3)}


def read(tick: float, twin: int = 0, channel: int = GAUGE, value: float = 0.5) -> Reading:
    return Reading(twin, channel, round((START + tick) * TICK), value, 0.1 if channel < PUMP else 0.0)


def ticks(run: Run, row: int = 0) -> list[int]:
    return [tick - START for tick, of in sorted(run.history.estimates) if of == row]


class TestPause:
    def test_after_long_silence_no_tick_runs_until_the_next_reading(self) -> None:
        run = Run.of(FLEETS[1]).offer(read(0)).to(100_000)
        assert PAUSE_AFTER < len(ticks(run)) <= LONGEST
        assert run.timeline.is_paused
        assert not run.timeline.is_due(START + 10**9)
        run.offer(read(90_000)).to(90_001)
        assert not run.timeline.is_paused
        assert ticks(run)[-2:] == [ticks(run)[-2], 90_000]
        assert run.timeline.frontier == START + 90_001

    def test_without_a_limit_it_never_pauses(self) -> None:
        run = Run.of(replace(FLEETS[1], pause_after=0)).offer(read(0)).to(1000)
        assert len(ticks(run)) == 1000

    def test_an_input_alone_keeps_it_running(self) -> None:
        run = Run.of(FLEETS[1]).offer(*(read(tick, channel=PUMP) for tick in range(0, 1000, 90))).to(1000)
        assert len(ticks(run)) == 1000

    def test_a_pause_of_a_year_costs_nothing(self) -> None:
        """Neither the run, nor what is asked of it afterwards: it never walks through the ticks."""
        year, few = 365 * 86_400 * 25, range(0, 30, 10)
        readings = [read(first + tick, value=0.5) for first in (0, year) for tick in few]
        run = in_order(FLEETS[1], readings, year + 30)
        assert len(ticks(run)) <= 30 + LONGEST + 30
        assert len(run.timeline.window(0)[1]) <= len(ticks(run))
        late = run.offer(read(year + 25)).to(year + 31)
        assert late.bits == in_order(FLEETS[1], [*readings, read(year + 25)], year + 31).bits
        ahead = Run.of(FLEETS[1]).offer(*readings).timeline
        assert len(list(ahead.ahead(0))) == ahead.ticks_ahead(0) == 21 + PAUSE_AFTER + 21

    def test_the_window_is_that_of_the_twin_and_not_of_those_that_run_meanwhile(self) -> None:
        others = [read(tick, twin=1) for tick in range(0, 400, 20)]
        run = in_order(FLEETS[2], [read(0), *others, read(395)], 400)
        assert len(run.timeline.window(0)[1]) == 5
        assert len(run.timeline.window(1)[1]) > 10


class TestBeginningAgain:
    def test_trust_has_to_be_earned_again_and_the_pause_is_counted(self) -> None:
        fleet = replace(FLEETS[1], hysteresis=FLEETS[1].hysteresis._replace(better=5))
        run = Run.of(fleet)
        for first in (0, 5000):
            run.offer(*(read(first + tick, channel=of) for tick in range(50) for of in (GAUGE, DIPSTICK)))
        run.to(5050)
        trust = {tick - START: estimates[-1][1] for (tick, _), estimates in run.history.estimates.items()}
        assert [trust[tick] for tick in (5000, 5003)] == [Trust.UNTRUSTED] * 2
        assert trust[5049] < Trust.UNTRUSTED
        assert by_twin(run.timeline.state.memory)["sum_pauses"].tolist() == [1.0]

    def test_states_are_drawn_from_the_prior_and_parameters_kept(self) -> None:
        level, sill = 0, 2
        before = in_order(FLEETS[1], [*(read(tick, value=0.2) for tick in range(80)), read(5000, value=1.6)], 5000)
        x = before.timeline.state.x
        after = before.to(5001).timeline.state.x
        assert np.array_equal(after[..., sill], x[..., sill])
        assert x[..., level].mean() < 0.6
        assert after[..., level].mean() > 1.2  # by the narrow state before, a reading of 1.6 would have been an outlier

    def test_a_twin_does_not_depend_on_whether_others_are_silent(self) -> None:
        """Sensors that differ in silence: the same bits alone as with others that are never silent."""
        own = [read(tick) for tick in (0, 5, 700, 710)]
        others = [read(tick, twin=1) for tick in range(0, 1000, 20)]
        alone, together = in_order(FLEETS[1], own, 1000), in_order(FLEETS[2], [*own, *others], 1000)
        assert ticks(alone) == ticks(together)
        for name in ("x", "memory", "lagged"):
            assert (
                getattr(alone.timeline.state, name)[0].tobytes() == getattr(together.timeline.state, name)[0].tobytes()
            )
        assert is_running(together.timeline.state.memory).tolist() == [False, True]
        assert len(ticks(together, 1)) == 1000


@st.composite
def logs(draw: st.DrawFn) -> tuple[Fleet, list[Reading], list[tuple[int, Reading]]]:
    """A fleet, readings in bursts with long silences between them, and the same in some order of arrival."""
    count = draw(st.integers(1, 3))
    begins = np.cumsum(draw(st.lists(st.integers(20, 900), min_size=1, max_size=4)))
    moments = st.tuples(
        st.integers(0, count - 1),
        st.sampled_from([GAUGE, DIPSTICK, PUMP]),
        st.sampled_from([int(begin) for begin in begins]),
        st.integers(0, 15 * TICK),
    )
    keys = draw(
        st.lists(moments, min_size=1, max_size=25, unique_by=lambda key: (key[0], key[1], key[2] * TICK + key[3]))
    )
    readings = [Reading(t, c, (START + b) * TICK + o, 0.7, 0.1 if c < PUMP else 0.0) for t, c, b, o in keys]
    delays = draw(st.lists(st.integers(0, LATENESS * TICK), min_size=len(keys), max_size=len(keys)))
    arrivals = sorted(zip((r.time + d for r, d in zip(readings, delays, strict=True)), readings, strict=True))
    return FLEETS[count], readings, [(time // TICK - START, reading) for time, reading in arrivals]


@settings(max_examples=30, deadline=None)
@given(log=logs(), often=st.integers(2, 6), lag=st.sampled_from([0, 10]), rng=st.randoms(use_true_random=False))
def test_any_order_within_the_lateness_ends_like_the_sorted_log(
    log: tuple[Fleet, list[Reading], list[tuple[int, Reading]]], often: int, lag: int, rng: random.Random
) -> None:
    fleet, readings, arrivals = log
    fleet = replace(fleet, lag=lag)
    run = Run.of(fleet)
    for now, reading in arrivals:
        if rng.random() < 1 / often:
            run.to(now, revise=rng.random() < 0.6)
        run.offer(reading)
    expected = in_order(fleet, readings, 5000)
    assert run.to(5000).bits == expected.bits
    assert run.history.newest == expected.history.newest
    assert len(ticks(run)) <= len(readings) * LONGEST


def test_recovery_from_a_checkpoint_before_the_pause_ends_the_same() -> None:
    readings = [*(read(tick) for tick in range(40)), *(read(3000 + tick) for tick in range(3))]
    whole = in_order(FLEETS[1], readings, 3003)
    checkpoint = whole.timeline.settled()
    assert checkpoint is not None
    assert checkpoint.tick < START + 3000
    resumed = Run.of(FLEETS[1])
    since = [reading for reading in readings if reading.time >= checkpoint.tick * TICK]
    resumed.timeline.resume(checkpoint, since, [], whole.timeline.frontier)
    resumed.timeline.revise()
    assert resumed.bits == whole.bits


def test_the_first_reading_ends_a_pause_only_for_its_own_twin() -> None:
    run = Run.of(FLEETS[2]).offer(gauge(0, 0.5), read(0, twin=1)).to(1000).offer(read(2000, twin=1)).to(2001)
    assert is_running(run.timeline.state.memory).tolist() == [False, True]
