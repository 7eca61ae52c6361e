"""The past of an ensemble: corrected along with it, it is a smoother; recalled, it makes use of late readings."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_models.advection import Advection
from twin_runtime.assimilation import Etkf, Inflation
from twin_runtime.core import SECOND, Code, FloatArray, Reading, Record
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.engine.lagged_states import at_earlier_times
from twin_runtime.runs.accounting import state_hash
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import CHECKS

START = 1_700_000_000
"""The tick with which stories begin; ticks last a second, in which a profile moves on by one cell."""


class Story(NamedTuple):
    """A ring that is followed for some ticks, and when each of its readings comes: (tick that is then next, reading).

    Every reading is of the very beginning of its tick.
    """

    cells: int
    ticks: int
    arrivals: list[tuple[int, Reading]]


@st.composite
def stories(draw: st.DrawFn, latest: int = 0) -> Story:
    """The first reading comes in time, the others up to ``latest`` ticks late."""
    cells, ticks = draw(st.integers(1, 6)), draw(st.integers(6, 14))
    places = st.tuples(st.integers(1, ticks - 1), st.integers(0, cells - 1))
    arrivals = [(0, read(0, 0, draw(st.floats(-2.0, 2.0))))]
    for number, cell in sorted(draw(st.sets(places, min_size=3, max_size=2 * ticks))):
        delay = draw(st.integers(0, min(latest, ticks - 1 - number)))
        arrivals.append((number + delay, read(number, cell, draw(st.floats(-2.0, 2.0)))))
    return Story(cells, ticks, sorted(arrivals, key=lambda arrival: arrival[0]))


def read(number: int, cell: int, value: float, twin: int = 0) -> Reading:
    return Reading(twin, cell, (START + number) * SECOND, value, 0.5 + 0.1 * cell)


def ring(cells: int, lag: int = 0, asynchronous: int = 0) -> Fleet:
    """A ring whose every cell has a sensor; nothing is random but the prior, nothing is inflated or refused."""
    return Fleet(
        model=Advection(cells),
        twins=("ring",),
        sensors=tuple(Sensor(f"c{k}", k, 1.0) for k in range(cells)),
        driven=(),
        tick=SECOND,
        seed=5,
        members=16,
        method=Etkf(),
        inflation=Inflation(),
        checks=CHECKS,
        gate=0.0,
        lag=lag,
        asynchronous=asynchronous,
    )


def lived(fleet: Fleet, story: Story, lateness: int = 4) -> dict[int, Record]:
    """What was said last of every tick."""
    timeline, last = Timeline(fleet, lateness * SECOND), dict[int, Record]()
    for number in range(story.ticks):
        for arrival, reading in story.arrivals:
            if arrival == number:
                assert timeline.offer(timeline.placed(reading)) is Code.ACCEPTED
        last |= {record.tick - START: record for record in (*timeline.revise(), *timeline.advance(START + number))}
    return last


def batch_kalman(prior: FloatArray, readings: Iterable[Reading], after: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the ring at the end of tick ``after``, by all readings at once.

    Bayes' rule for the sample covariance of the prior ``[member, cell]``; a reading is of the state at the start of its
    tick, and in so many ticks the profile moves on by as many cells.
    """
    there, cells = list(readings), prior.shape[1]
    operator = np.array([np.roll(np.eye(cells), START - r.time // SECOND, axis=1)[r.channel] for r in there])
    values, noise = np.array([r.value for r in there]), np.diag([r.sd**2 for r in there])
    mean, covariance = prior.mean(0), np.atleast_2d(np.cov(prior.T))
    gain = np.linalg.solve(operator @ covariance @ operator.T + noise, operator @ covariance).T
    moved = np.roll(np.eye(cells), after + 1, axis=0)
    variance = np.diag(moved @ (covariance - gain @ operator @ covariance) @ moved.T)
    return moved @ (mean + gain @ (values - operator @ mean)), np.sqrt(np.maximum(variance, 0.0))


def assert_known(fleet: Fleet, record: Record, readings: Iterable[Reading]) -> None:
    """A record has mean and standard deviation of Bayes' rule for some readings, to 1e-10."""
    mean, sd = batch_kalman(fleet.start().x[0], readings, record.tick - START)
    np.testing.assert_allclose(record.figures[0, :, 0], mean, rtol=0.0, atol=1e-10)
    np.testing.assert_allclose(record.figures[0, :, 1], sd, rtol=0.0, atol=1e-10)


def rauch_tung_striebel(values: FloatArray, walk: float, noise: float) -> tuple[FloatArray, FloatArray]:
    """Means and variances of a random walk at all its steps, given all readings of it; by filterpy."""
    kf = KalmanFilter(dim_x=1, dim_z=1)
    kf.F, kf.H, kf.R, kf.Q = np.eye(1), np.eye(1), np.array([[noise]]), np.array([[walk]])
    kf.x, kf.P = np.zeros((1, 1)), np.eye(1)
    means, covariances, _, _ = kf.batch_filter(values)
    smoothed, variances, _, _ = kf.rts_smoother(means, covariances)
    return smoothed[:, 0, 0], variances[:, 0, 0]


class TestSmoother:
    def test_with_model_errors_it_is_the_rauch_tung_striebel_smoother_of_filterpy(self) -> None:
        """A random walk that is read at every tick, by ensembles of 400 in 32 replicates.

        Mean and variance, each averaged over the replicates, stay within five of their standard errors at all 17 ticks
        (chance exceeds that in 2 of 100 000 runs) and within what an ensemble of 400 is biased by, 1 in 400.
        """
        lag, replicates, members, walk = 3, 32, 400, 0.6
        fleet = replace(
            ring(1, lag=lag),
            model=Advection(1, walk={"c1": walk}),
            twins=tuple(f"replicate-{i}" for i in range(replicates)),
            members=members,
        )
        values = np.random.default_rng(9).normal(0.0, 1.5, 20)
        timeline = Timeline(fleet, 0)
        for number, value in enumerate(values):
            for twin in range(replicates):
                timeline.offer(read(number, 0, float(value), twin))
        said = [record for record in timeline.advance(START + len(values) - 1) if record.revision.all()]
        assert len(said) == len(values) - lag
        for record in said:
            number = record.tick - START
            mean, variance = rauch_tung_striebel(values[: number + lag + 1], walk**2, 0.25)
            for ours, theirs, size in (
                (record.figures[:, 0, 0], mean[number], np.sqrt(variance[number])),
                (record.figures[:, 0, 1] ** 2, variance[number], variance[number]),
            ):
                error = ours.std(ddof=1) / np.sqrt(replicates)
                assert abs(ours.mean() - theirs) < 5.0 * error + size / members

    @settings(max_examples=30, deadline=None)
    @given(stories(), st.integers(1, 5))
    def test_once_its_lag_is_over_a_tick_is_known_by_all_that_came_in_the_lag(self, story: Story, lag: int) -> None:
        fleet = ring(story.cells, lag=lag)
        for number, record in lived(fleet, story).items():
            known_to = number + lag if number + lag < story.ticks else number
            assert_known(fleet, record, [r for arrival, r in story.arrivals if arrival <= known_to])

    @settings(max_examples=30, deadline=None)
    @given(stories(latest=4), st.integers(1, 5))
    def test_late_readings_are_folded_into_what_was_smoothed(self, story: Story, lag: int) -> None:
        fleet = ring(story.cells, lag=lag)
        for number, record in lived(fleet, story).items():
            known_to = number + lag if number + lag < story.ticks else number
            assert_known(fleet, record, [r for _, r in story.arrivals if r.time // SECOND - START <= known_to])


class TestHash:
    def test_the_past_is_part_of_what_two_runs_must_agree_on(self) -> None:
        state = ring(3, lag=2).start()
        other = state.copy()
        other.lagged[0, 0, 0] += 1e-12
        assert state_hash(START, other) != state_hash(START, state)

    def test_it_is_the_hash_of_the_tick_and_of_all_arrays_with_their_shapes(self) -> None:
        state = ring(3).start()
        arrays = (state.x, state.memory, state.lagged)
        content = str(START).encode() + b"".join(f"<f8{a.shape}".encode() + a.tobytes() for a in arrays)
        assert state_hash(START, state) == hashlib.sha256(content).hexdigest()


class TestRecall:
    @given(st.integers(2, 6), st.integers(1, 3), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5))
    def test_between_two_ends_of_ticks_it_is_linear_in_time(
        self, ends: int, quantities: int, places: list[float]
    ) -> None:
        """Members that move at a constant rate are recalled exactly, at any age that the past has."""
        rng = np.random.default_rng(ends)
        start, rate = rng.normal(size=(2, 2, 4, quantities))
        past = np.concatenate([start + rate * end for end in range(ends)], axis=2)
        ages = np.tile((ends - 1) * np.array(places), (2, 1))
        outputs = np.tile(np.arange(len(places)) % quantities, (2, 1))
        outputs[1, -1] = -1
        reported = at_earlier_times(past, quantities, ages, outputs)
        for k, output in enumerate(outputs[0]):
            expected = start[..., output] + rate[..., output] * (ends - 1 - ages[0, k])
            np.testing.assert_allclose(reported[0, :, k], expected[0], rtol=0.0, atol=1e-12)
        assert np.isnan(reported[1, :, -1]).all()

    @settings(max_examples=30, deadline=None)
    @given(stories(latest=4))
    def test_the_present_is_known_by_all_that_has_come_however_late(self, story: Story) -> None:
        fleet = ring(story.cells, asynchronous=4)
        for number, record in lived(fleet, story).items():
            assert_known(fleet, record, [r for arrival, r in story.arrivals if arrival <= number])

    @settings(max_examples=30, deadline=None)
    @given(stories(latest=4), st.integers(1, 5))
    def test_what_comes_late_smooths_the_past_too(self, story: Story, lag: int) -> None:
        fleet = ring(story.cells, asynchronous=4, lag=lag)
        for number, record in lived(fleet, story).items():
            known_to = number + lag if number + lag < story.ticks else number
            assert_known(fleet, record, [r for arrival, r in story.arrivals if arrival <= known_to])

    @settings(max_examples=20, deadline=None)
    @given(stories())
    def test_where_nothing_is_late_it_is_the_synchronous_filter(self, story: Story) -> None:
        alike = zip(*(lived(ring(story.cells, asynchronous=recall), story).values() for recall in (0, 4)), strict=True)
        for synchronous, asynchronous in alike:
            np.testing.assert_allclose(asynchronous.figures, synchronous.figures, rtol=0.0, atol=1e-10)
