"""The tick: forecast, compare, correct, recover, judge. A pure function of the state, the readings and the inputs."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from twin_runtime.assimilation import AnalysisInput
from twin_runtime.assimilation.correlated import independent
from twin_runtime.core import FleetState, FloatArray, IntArray, Reading, Record
from twin_runtime.engine.fleet import Fleet, held
from twin_runtime.engine.inputs import input_signals, newest, nothing_after
from twin_runtime.engine.lagged_states import beside, onwards, recalled
from twin_runtime.engine.observations import Observations, columns, observations
from twin_runtime.modelling.signals import InputSignals, Points, no_points
from twin_runtime.vvuq.checks import judge
from twin_runtime.vvuq.divergence import Response, find, inflate_again
from twin_runtime.vvuq.figures import beside_prior, summarise
from twin_runtime.vvuq.innovation import compare
from twin_runtime.vvuq.memory import VERDICTS, Slot


def tick(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: FloatArray | None = None,
) -> tuple[FleetState, Record]:
    """Advance some twins of a fleet through tick ``number``.

    ``state`` holds the twins ``rows``, and ``Reading.twin`` is a place in ``rows``. ``after[twin, input, 2]`` is the
    first sample of each input behind the tick, where it is known (see
    :func:`twin_runtime.engine.inputs.input_signals`).
    """
    memory = state.memory.copy()
    signals, seen = laid_out(fleet, memory, number, readings, after)
    x, predicted, residual = forecast(fleet, state.x, number, rows, signals, seen.points)
    if fleet.recall:
        predicted, seen = with_late(fleet, state.past, number, readings, predicted, seen)
    kept = compared(fleet, memory, number, predicted, seen)
    joint = beside(x, state.past, len(fleet.model.quantities))
    independent = uncorrelated(fleet, predicted, kept, seen)
    given = AnalysisInput(joint, *independent, fleet.keys[rows], number, seen.points.outputs, x.shape[2])
    joint = correct(fleet, memory, given)
    x = np.ascontiguousarray(joint[:, :, : x.shape[2]])
    recover(fleet, memory, x, number, rows)
    trust, reasons = judged(fleet, x, memory, number, residual)
    now = fleet.model.observe(x, fleet.seconds, signals)
    past = onwards(joint, x.shape[2], now, state.past)
    record = Record(number, rows, summarise(now), trust, reasons, np.zeros(rows.size, np.int64))
    return FleetState(x, memory, past), record


def laid_out(
    fleet: Fleet, memory: FloatArray, number: int, readings: Sequence[Reading], after: FloatArray | None
) -> tuple[InputSignals, Observations]:
    """The inputs over a tick, and the sensors' readings in it; ``memory`` takes note of the newest inputs, in place."""
    start = number * fleet.tick
    batch = columns(readings, start)
    sensed = batch.channel < len(fleet.sensors)
    samples = batch.where(~sensed)
    sensed &= batch.offset >= 0
    samples = samples._replace(channel=fleet.inputs_of_channels[samples.channel])
    last = fleet.layout.by_input(memory)
    behind = nothing_after(*last.shape[:2]) if after is None else after
    signals = input_signals(fleet.input_rules, last, samples, behind, start)
    if samples.twin.size:
        newest(last, samples, start)
        memory[:, Slot.SUM_DRIVEN] += np.bincount(samples.twin, minlength=memory.shape[0])
    return signals, observations(batch.where(sensed), memory.shape[0], fleet.outputs)


def with_late(
    fleet: Fleet, past: FloatArray, number: int, readings: Sequence[Reading], predicted: FloatArray, seen: Observations
) -> tuple[FloatArray, Observations]:
    """The predictions and the readings of a tick with those that belong to earlier ticks before them."""
    batch = columns(readings, number * fleet.tick)
    late = batch.where(batch.offset < 0)
    if late.twin.size == 0:
        return predicted, seen
    earlier = observations(late, len(past), fleet.outputs)
    ages = -earlier.points.times / fleet.seconds
    of_past = recalled(past, len(fleet.model.quantities), ages, earlier.points.outputs)
    return np.concatenate([of_past, predicted], axis=2), seen.after(earlier)


def warm_up(fleet: Fleet) -> None:
    """Run a tick of one twin for nothing, so that every kernel is compiled before the first reading comes.

    Its readings are so uncertain that none is refused as an outlier: the correction must run, too.
    """
    row = np.zeros(1, np.int64)
    readings = [Reading(0, channel, 0, 0.0, 1e9) for channel in range(len(fleet.inputs_of_channels))]
    if fleet.recall:
        readings += [reading._replace(time=-1) for reading in readings[: len(fleet.sensors)]]
    tick(fleet, fleet.start(row), 0, readings, row)


def forecast(
    fleet: Fleet, x: FloatArray, number: int, rows: IntArray, signals: InputSignals, points: Points
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The ensemble at the tick's end, its predictions ``[twin, member, reading]``, and the residual of the balance."""
    ahead = fleet.walked(x, number, rows)
    predicted = np.empty((*x.shape[:2], points.times.shape[1]))
    residual = np.zeros(rows.size)
    fleet.model.advance(ahead, fleet.seconds, signals, points, predicted, residual)
    return ahead, predicted, residual


def compared(fleet: Fleet, memory: FloatArray, number: int, predicted: FloatArray, seen: Observations) -> FloatArray:
    """The readings ``[twin, reading]`` that passed the gate, NaN for the others; ``memory`` takes note, in place."""
    fading = float(np.exp(-fleet.seconds / fleet.window))
    return compare(
        predicted,
        seen.value,
        seen.variance,
        seen.sensor,
        number,
        fading,
        fleet.gate,
        fleet.reopen,
        fleet.patience[:, 1],
        memory,
        fleet.layout.by_sensor(memory),
        None if fleet.correlation is None else seen.points.times,
        fleet.correlation,
    )


def uncorrelated(
    fleet: Fleet, predicted: FloatArray, kept: FloatArray, seen: Observations
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predictions, readings and variances whose errors are independent: as they are, unless told otherwise."""
    if fleet.correlation is None:
        return predicted, kept, seen.variance
    return independent(predicted, kept, seen.variance, seen.sensor, seen.points.times, fleet.correlation)


def correct(fleet: Fleet, memory: FloatArray, given: AnalysisInput) -> FloatArray:
    """The analysis: the ensemble corrected by the readings that were kept, and inflated.

    ``memory`` is changed in place.
    """
    if np.isnan(given.observed).all():
        return given.x
    analysis = fleet.method.update(given)
    fleet.inflation(given.without_past(), analysis[:, :, : given.states], fleet.layout.by_variable(memory))
    _keep(given.x, analysis, fleet.considered)
    return analysis


@njit(cache=True)
def _keep(forecast: FloatArray, analysis: FloatArray, columns: IntArray) -> None:
    for i in range(analysis.shape[0]):
        for member in range(analysis.shape[1]):
            for j in columns:
                analysis[i, member, j] = forecast[i, member, j]


def recover(fleet: Fleet, memory: FloatArray, x: FloatArray, number: int, rows: IntArray) -> None:
    """Find the twins that have lost their assets, and respond as declared; both arrays are changed in place."""
    factors = find(fleet.divergence, memory, fleet.layout.by_sensor(memory))
    for i in np.flatnonzero(factors):
        if fleet.divergence.response is Response.REDRAW:
            x[i] = fleet.drawn(rows[i : i + 1], number)[0]
        else:
            inflate_again(x[i], factors[i], fleet.prior_sd, fleet.corrected)
        fleet.layout.forget(memory, int(i))


def judged(
    fleet: Fleet, x: FloatArray, memory: FloatArray, number: int, residual: FloatArray
) -> tuple[IntArray, IntArray]:
    """Trust in every twin and the reasons, one bit a check; ``memory`` keeps the trust, in place."""
    spread, strayed = beside_prior(x, fleet.prior, memory[:, VERDICTS].sum(axis=1))
    by_sensor = fleet.layout.by_sensor(memory)
    return judge(*fleet.judgement, memory, by_sensor, number, fleet.patience, spread, strayed, residual)


def outlook(fleet: Fleet, state: FleetState, seconds: float, rows: IntArray) -> FloatArray:
    """All quantities ``[twin, member, quantity]`` some time ahead: no new inputs, no readings, no random walk."""
    x = state.x.copy()
    alone = held(fleet, state.memory)._replace(known=np.zeros(rows.size))
    empty, residual = np.empty((*x.shape[:2], 0)), np.zeros(rows.size)
    fleet.model.advance(x, seconds, alone, no_points(rows.size), empty, residual)
    return fleet.model.observe(x, seconds, alone)
