"""How long a tick waits: until every signal has passed it, or the wait has run out."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.making import START, TICK
from twin_runtime.core import Reading
from twin_runtime.ingest.watermark import Watermarks

WAIT = 100_000_000
FIRST = START // TICK
"""The tick with which the stories begin."""


def at(number: float) -> int:
    return FIRST * TICK + round(number * TICK)


def heard(number: float, twin: int = 0, channel: int = 0) -> Reading:
    return Reading(twin, channel, at(number), 80.0, 2.0)


def watermarks(*readings: Reading, clock: str = "wall", twins: int = 1) -> Watermarks:
    """Watermarks of two channels a twin after some readings."""
    made = Watermarks(twins, 2, TICK, WAIT, "wall" if clock == "wall" else "stream")
    for reading in readings:
        made.advance(reading)
    return made


@pytest.mark.parametrize("clock", ["wall", "stream"])
def test_before_the_first_reading_nothing_may_run(clock: str) -> None:
    assert watermarks(clock=clock).through(at(1000)) is None


@pytest.mark.parametrize("clock", ["wall", "stream"])
def test_a_tick_runs_as_soon_as_every_signal_has_passed_its_end(clock: str) -> None:
    marks = watermarks(heard(5.0), heard(4.9, channel=1), clock=clock)
    assert marks.through(at(5)) == FIRST + 3
    marks.advance(heard(5.0, channel=1))
    assert marks.through(at(5)) == FIRST + 4


def test_every_twin_of_a_fleet_must_have_passed_it() -> None:
    marks = watermarks(*(heard(number, *of) for number in (2.0, 9.0) for of in ((0, 0), (0, 1), (1, 0))), twins=2)
    assert marks.through(at(4)) == FIRST + 1  # what has not been heard yet is waited for, from the first reading on
    marks.advance(heard(7.5, 1, 1))
    assert marks.through(at(4)) == FIRST + 6


class TestIdleSignals:
    def test_one_that_is_never_heard_holds_nobody_back_once_the_wait_has_run_out(self) -> None:
        marks = watermarks(heard(2.0), heard(9.0))
        assert marks.through(at(4.5)) == FIRST + 1
        assert marks.through(at(4.6)) == FIRST + 8

    def test_one_that_dies_is_waited_for_by_its_own_interval_and_then_no_more(self) -> None:
        marks = watermarks(*(heard(number, channel=1) for number in range(0, 21, 4)), *map(heard, range(40)))
        last = 20 + 2.5 + 2 * 4
        assert marks.through(at(last)) == FIRST + 27  # by waiting: 2.5 ticks
        assert marks.through(at(last + 0.1)) == FIRST + 38

    def test_when_it_is_heard_again_it_is_waited_for_again(self) -> None:
        marks = watermarks(heard(2.0), heard(9.0))
        assert marks.through(at(9)) == FIRST + 8
        marks.advance(heard(9.5, channel=1))
        marks.advance(heard(12.0))
        assert marks.through(at(10)) == FIRST + 8
        assert marks.through(at(13.0)) == FIRST + 11


class TestFleets:
    """Twenty twins of which one is slow, or has a sensor that dies: the others are not waited for any longer."""

    TWINS, WAIT, EVERY = 20, 500_000_000, 5_000_000

    def latencies(self, slow: float = 0.0, dies: int | None = None, clock: str = "wall") -> list[float]:
        """How long (ticks) after its end each of some ticks may run; readings come a quarter of a tick after theirs.

        The last twin is ``slow`` by so many ticks more, or one of its sensors ``dies``.
        """
        marks = Watermarks(self.TWINS, 2, TICK, self.WAIT, "wall" if clock == "wall" else "stream")
        arrivals = [
            (at(n + twin / self.TWINS + 0.25 + (slow if twin == self.TWINS - 1 else 0.0)), n, twin, channel)
            for n in range(60)
            for twin in range(self.TWINS)
            for channel in range(2)
            if dies is None or (twin, channel) != (self.TWINS - 1, 1) or n < dies
        ]
        ran, last = dict[int, float](), FIRST - 1
        for now, n, twin, channel in sorted(arrivals):
            marks.advance(heard(n + twin / self.TWINS, twin, channel), now)
            through = marks.through(now)
            assert through is not None
            for number in range(last + 1, through + 1):
                ran[number - FIRST] = (now - at(number + 1 - FIRST)) / TICK
            last = max(last, through)
        return [ran[number] for number in range(50)]

    @pytest.mark.parametrize("clock", ["wall", "stream"])
    def test_a_slow_twin_delays_the_others_in_a_few_ticks_only(self, clock: str) -> None:
        healthy = self.latencies(clock=clock)
        assert max(healthy) < 1.3
        slow = self.latencies(slow=6.0, clock=clock)
        assert max(slow[:10]) > 3
        assert max(slow[10:]) <= max(healthy)

    @pytest.mark.parametrize("clock", ["wall", "stream"])
    def test_a_sensor_that_dies_delays_the_others_by_a_few_ticks_once(self, clock: str) -> None:
        healthy, died = self.latencies(clock=clock), self.latencies(dies=20, clock=clock)
        assert died[:19] == healthy[:19]
        assert max(died) < 5  # of a wait of 12.5
        assert max(died[22:]) <= max(healthy)

    def test_half_of_the_twins_are_waited_for_whatever_they_do(self) -> None:
        marks = Watermarks(4, 1, TICK, self.WAIT, "wall")
        for n in range(10):
            for twin in range(4):
                marks.advance(heard(n - (4 if twin < 2 else 0), twin))
            assert marks.through(at(n)) == FIRST + n - 5

    def test_a_slow_twin_that_has_caught_up_is_waited_for_again(self) -> None:
        marks = Watermarks(3, 1, TICK, self.WAIT, "wall")
        behind = [0, 0, 0, 4, 4, 4, 4, 4, 0, 0, 0, 0]
        through = []
        for n, late in enumerate(behind):
            for twin in range(3):
                marks.advance(heard(n - (late if twin == 2 else 0), twin))
            through.append(marks.through(at(n)))
        assert through[6:8] == [FIRST + 5, FIRST + 6]
        marks.advance(heard(12, 0))
        marks.advance(heard(12, 1))
        assert marks.through(at(12)) == FIRST + 10


class TestFarAhead:
    def test_one_reading_far_ahead_of_all_others_moves_no_tick(self) -> None:
        marks = watermarks(heard(5.0), heard(5.0, channel=1), heard(75_000), heard(6.0), clock="stream")
        assert marks.stream == at(6.0)
        assert marks.through(0) == FIRST + 4

    def test_after_a_restart_the_clock_goes_on_without_readings(self) -> None:
        marks = watermarks()
        marks.resume(at(5))
        assert marks.through(at(100)) == FIRST + 96


class TestWaiting:
    def test_by_the_wall_clock_silence_holds_a_tick_back_for_the_wait_only(self) -> None:
        marks = watermarks(heard(5.5))
        due = marks.due(FIRST + 5)
        assert due == at(6) + WAIT
        assert marks.through(due - 1) == FIRST + 4
        assert marks.through(due) == FIRST + 5
        assert marks.through(at(100)) == FIRST + 96  # 100 less 2.5 ticks

    def test_by_the_stream_clock_the_newest_event_time_of_all_counts(self) -> None:
        marks = watermarks(heard(5.5), clock="stream")
        assert marks.through(at(1000)) == FIRST + 4
        marks.advance(heard(7.5, channel=1))
        assert marks.through(at(1000)) == FIRST + 4
        marks.advance(heard(8.5, channel=1))
        assert marks.through(at(1000)) == FIRST + 7
        assert marks.stream == at(8.5)

    def test_a_reading_that_comes_late_holds_nothing_up(self) -> None:
        marks = watermarks(heard(9.0), heard(9.0, channel=1), heard(3.0))
        assert marks.through(at(9)) == FIRST + 8
        assert marks.stream == at(9.0)

    def test_signals_that_are_ahead_of_the_wall_clock_are_believed(self) -> None:
        assert watermarks(heard(9.0), heard(9.0, channel=1)).through(at(2)) == FIRST + 8


events = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.floats(0, 50)), min_size=1)


@given(events, st.sampled_from(["wall", "stream"]), st.lists(st.floats(0, 60), min_size=2, max_size=2).map(sorted))
def test_what_may_run_only_grows(events: list[tuple[int, int, float]], clock: str, walls: tuple[float, float]) -> None:
    marks, before = watermarks(clock=clock, twins=2), -1
    for twin, channel, number in events:
        marks.advance(heard(number, twin, channel))
        through = marks.through(at(walls[0]))
        assert through is not None
        assert through >= before
        before = through
    later = marks.through(at(walls[1]))
    assert later is not None
    assert later >= before


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_the_readings_does_not_matter(events: list[tuple[int, int, float]], rng: random.Random) -> None:
    readings = [heard(number, twin, channel) for twin, channel, number in events]
    shuffled = rng.sample(readings, len(readings))
    assert watermarks(*readings, clock="stream", twins=2).through(0) == watermarks(
        *shuffled, clock="stream", twins=2
    ).through(0)
