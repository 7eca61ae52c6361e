"""A tick against the bare kernel that only advances its ensembles, and many readings against linear algebra."""

from collections.abc import Iterator

import numpy as np

from tests.benchmarks.timing import Row, interleaved
from twin_models.artery import Artery
from twin_runtime.assimilation import AnalysisInput, Etkf, Inflation
from twin_runtime.core import FleetState, FloatArray, IntArray, Reading, Record
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.engine.forecast import forecast
from twin_runtime.engine.replacement import find_lost
from twin_runtime.engine.tick import compared, correct, judged, laid_out, respond_to_divergence, tick
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.vvuq.checks import CHECKS
from twin_runtime.vvuq.innovation import Comparison, Gate, compare
from twin_runtime.vvuq.memory import Layout

MILLI, MICRO = 1e3, 1e6
FIRST = 10**9
"""The number of the first tick: about four months after the epoch."""


class FineArtery(Artery):
    """The artery with a sub-step of 1 ms: eight in a tick at 125 Hz."""

    step = 1e-3


def rows() -> Iterator[Row]:
    """All lines of this part of the table."""
    yield from many_twins()
    yield one_twin()
    yield many_readings()


def fleet(twins: int) -> Fleet:
    """Artery twins with a reading every tick of 8 ms."""
    return Fleet(
        model=FineArtery(),
        twins=tuple(f"patient-{i}" for i in range(twins)),
        sensors=(Sensor("abp", 0, 1.0),),
        driven=(0,),
        tick=8_000_000,
        seed=1,
        members=64,
        method=Etkf(),
        inflation=Inflation(1.0, 0.3),
        checks=CHECKS,
    )


def readings(fleet: Fleet, number: int) -> list[Reading]:
    """One pressure of every twin, in the middle of the tick."""
    moment = number * fleet.tick + fleet.tick // 2
    return [Reading(i, 0, moment, 75.0 + i % 7, 2.0) for i in range(len(fleet.twins))]


def warmed(fleet: Fleet, rows: IntArray) -> FleetState:
    """A state some ticks after the prior."""
    state = fleet.start()
    for number in range(FIRST - 5, FIRST):
        state, _ = tick(fleet, state, number, readings(fleet, number), rows)
    return state


def judged_tick(fleet: Fleet, state: FleetState, batch: list[Reading], rows: IntArray) -> FloatArray:
    """Forecast, comparison, correction and checks: a tick without the figures of its estimates."""
    memory = state.memory.copy()
    records = fleet.layout.records(memory)
    signals, seen = laid_out(fleet, memory, FIRST, batch, None)
    x, predicted, residual = forecast(fleet, state.x, FIRST, rows, signals, seen.points)
    find_lost(x, predicted, seen.sensor)
    kept = compared(fleet, records, FIRST, predicted, seen)
    x = correct(fleet, memory, AnalysisInput(x, predicted, kept, seen.variance, fleet.keys[rows], FIRST))
    respond_to_divergence(fleet, memory, records, x, FIRST, rows)
    judged(fleet, x, memory, records, FIRST, residual)
    return x


def bare(fleet: Fleet, x: FloatArray) -> None:
    """The kernel that only advances, in place."""
    twins = len(x)
    none = np.full((twins, 1, 1), np.inf)
    empty, residual = np.empty((*x.shape[:2], 0)), np.zeros(twins)
    fleet.model.advance(x, fleet.seconds, InputSignals(none, none, np.ones(twins)), no_points(twins), empty, residual)


def many_twins(twins: int = 1000) -> Iterator[Row]:
    """A fleet; the second line includes the means, deviations and quantiles of all 17 quantities."""
    several, rows = fleet(twins), np.arange(twins)
    state, batch = warmed(several, rows), readings(several, FIRST)
    x = state.x.copy()

    def whole() -> tuple[FleetState, Record]:
        return tick(several, state, FIRST, batch, rows)

    advance, judging, everything = interleaved(
        [lambda: bare(several, x), lambda: judged_tick(several, state, batch, rows), whole], repeats=15
    )
    name = f"{twins} artery twins x 64, tick"
    yield Row(f"{name}: forecast to checks", judging * MILLI, "bare kernel", advance * MILLI, "ms", 1.5)
    yield Row(f"{name}: with all figures", everything * MILLI, "bare kernel", advance * MILLI, "ms", 2.0)


def one_twin() -> Row:
    """What a tick of a single twin costs above its kernel: Python, NumPy and all that is not the advance."""
    alone, row = fleet(1), np.zeros(1, np.int64)
    state, batch = warmed(alone, row), readings(alone, FIRST)
    x = state.x.copy()
    repeated = 200

    def advances() -> None:
        for _ in range(repeated):
            bare(alone, x)

    def ticks() -> None:
        for _ in range(repeated):
            tick(alone, state, FIRST, batch, row)

    advance, everything = interleaved([advances, ticks], repeats=15)
    above = (everything - advance) / repeated * MICRO
    return Row("one artery twin, tick above its kernel", above, "allowance", 150.0, "us", 1.0)


def many_readings(readings: int = 1000, members: int = 32) -> Row:
    """A comparison of far more readings than members with all its diagnostics, and their covariance solved as it is."""
    rng = np.random.default_rng(0)
    predicted, observed = rng.normal(size=(1, members, readings)), rng.normal(size=(1, readings))
    variance, sensor, layout = np.ones((1, readings)), np.arange(readings)[None].copy(), Layout(readings, 0)
    memory, covariance = layout.fresh(1), np.cov(predicted[0].T) + np.eye(readings)
    comparison, gate = Comparison(predicted, observed, variance, sensor), Gate(4.0, 25, np.full(readings, np.inf))
    records = layout.records(memory)
    ours, theirs = interleaved(
        [
            lambda: compare(comparison, 0, 0.9, gate, records),
            lambda: np.linalg.solve(covariance, observed[0]),
        ],
        repeats=15,
    )
    name = f"comparison of {readings} readings by {members} members"
    return Row(name, ours * MILLI, "numpy.linalg.solve", theirs * MILLI, "ms", 0.25)
