"""A timeline that was cut off is taken up where it was, and one that looks back says every tick again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from tests.tank import START, TICK, busy_tick, gauge
from tests.timeline.timelines import EITHER, FLEETS, LAG, LATENESS, SMOOTHED, History, Run, in_order, log
from twin_runtime.core import Code, Reading, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.timeline.timeline import Timeline


def interrupted(fleet: Fleet, readings: Sequence[Reading], frontier: int) -> tuple[Run, Timeline, History]:
    """A run of two tanks, and a fresh timeline that takes it up from what a store would hold of it."""
    run = Run.of(fleet).offer(*readings).to(frontier)
    checkpoint = run.timeline.settled()
    since = 0 if checkpoint is None else checkpoint.tick
    stored = None if checkpoint is None else replace(checkpoint, state=checkpoint.state.copy())
    again, history = Timeline(fleet, LATENESS * TICK), History()
    history.estimates.update({key: list(known) for key, known in run.history.estimates.items()})
    kept = [reading for reading in readings if reading.time >= since * TICK]
    again.resume(stored, kept, records_of(run, since), run.timeline.frontier)
    return run, again, history


def records_of(run: Run, since: int) -> Iterator[Record]:
    """The newest revision of every record, as a store gives them back."""
    for number in sorted({number for number, _ in run.history.estimates if number >= since}):
        known = [run.history.estimates[number, row] for row in (0, 1)]
        figures, trust, reasons, standing = zip(*(estimates[-1] for estimates in known), strict=True)
        yield Record(
            number,
            np.arange(2),
            np.frombuffer(b"".join(figures)).reshape(2, -1, 5).copy(),
            np.array(trust),
            np.array(reasons),
            np.array([len(estimates) - 1 for estimates in known]),
            np.frombuffer(b"".join(standing), np.int64).reshape(2, -1).copy(),
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
        reported = in_order(replace(SMOOTHED[2], gate=0.0), self.READINGS, 60)
        for last_smoothed in (60 - LAG, 59):  # behind the last tick nothing comes
            said = {key: len(known) for key, known in reported.history.estimates.items()}
            assert said == {(START + n, row): 2 if n < last_smoothed else 1 for n in range(60) for row in (0, 1)}
            reported.concluded()

    def test_the_latest_reading_that_is_taken_changes_what_was_smoothed_a_lag_before_it(self) -> None:
        late = gauge(60 - LATENESS, 1.3, twin=1, offset=7)
        run = Run.of(SMOOTHED[2]).offer(*self.READINGS).to(60).offer(late).to(60)
        expected = in_order(SMOOTHED[2], [*self.READINGS, late], 60)
        assert run.history.newest == expected.history.newest
        again = {number for (number, row), known in run.history.estimates.items() if row == 1 and len(known) > 2}
        assert min(again) == START + 60 - LATENESS - LAG

    def test_the_verdict_stays_what_it_was(self) -> None:
        reported = in_order(SMOOTHED[2], self.READINGS, 60)
        assert all(len({known[1:] for known in revisions}) == 1 for revisions in reported.history.estimates.values())

    def test_what_it_says_of_the_present_is_what_it_says_without(self) -> None:
        first = [in_order(fleets[2], self.READINGS, 60).history.estimates for fleets in (FLEETS, SMOOTHED)]
        for key, known in first[0].items():
            with_smoothing, without = (np.frombuffer(reported[0]) for reported in (first[1][key][0], known[0]))
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
