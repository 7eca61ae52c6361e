"""The tick: forecast, compare, correct, respond to divergence, judge.

A pure function of the state, the readings and the inputs.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit

from twin_runtime.assimilation import AnalysisInput
from twin_runtime.assimilation.correlated import independent
from twin_runtime.core import SECOND, FleetState, FloatArray, IntArray, Reading, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.forecast import Forecast, forecast, whole
from twin_runtime.engine.inputs import InputRules, input_signals, keep_newest, no_samples, oldest
from twin_runtime.engine.lagged_states import at_earlier_times, next_lagged, with_lagged
from twin_runtime.engine.observations import Observations, ReadingColumns, columns, observations, picked
from twin_runtime.engine.replacement import find_lost
from twin_runtime.modelling.signals import InputSamples, InputSignals
from twin_runtime.vvuq.divergence import Response, find_divergence, reinflate
from twin_runtime.vvuq.evidence import EnsembleFigures
from twin_runtime.vvuq.figures import PriorReference, compare_with_prior, summarise
from twin_runtime.vvuq.innovation import IN_TIME, Comparison, Correlated, compare
from twin_runtime.vvuq.memory import CheckMemory, by_twin
from twin_runtime.vvuq.standing import standings
from twin_runtime.vvuq.withheld import Withheld


def tick(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None = None,
) -> tuple[FleetState, Record]:
    """Advance some twins of a fleet through tick ``number``.

    ``state`` holds the twins ``rows``, and ``Reading.twin`` is a place in ``rows``. ``after`` is the first
    sample of each input behind the tick, where it is known (see :func:`twin_runtime.engine.inputs.input_signals`).
    """
    memory = state.memory.copy()
    records = fleet.layout.records(memory)
    signals, observed = laid_out(fleet, memory, number, readings, after)
    x, predicted, residual = forecast(fleet, state.x, number, rows, signals, observed.points)
    lagged = state.lagged
    count, lost = find_lost(x, predicted, observed.sensor)
    if count:
        made = Forecast(x, predicted, residual, lagged.copy())
        x, predicted, residual, lagged = whole(fleet, made, lost, memory, number, rows, signals, observed)
    if fleet.asynchronous:
        predicted, observed = with_late(fleet, lagged, number, readings, predicted, observed)
    withheld = find_withheld(fleet, records, number, rows)
    outliers = records.twins["sum_outliers"].sum()
    kept = compared(fleet, records, number, predicted, observed, withheld)
    any_refused = records.twins["sum_outliers"].sum() > outliers
    refused = outliers_of(fleet, number, rows, observed, kept, withheld) if any_refused else ()
    if count:
        records.twins["window_replaced"] += lost.mean(axis=1)
        records.twins["sum_replaced"] += lost.sum(axis=1)
    joint = with_lagged(x, lagged, len(fleet.model.quantities))
    independent = uncorrelated(fleet, predicted, kept, observed)
    given = AnalysisInput(joint, *independent, fleet.keys[rows], number, observed.points.outputs, x.shape[2])
    joint = correct(fleet, memory, given)
    x = np.ascontiguousarray(joint[:, :, : x.shape[2]])
    respond_to_divergence(fleet, memory, records, x, number, rows)
    now = fleet.model.observe(x, fleet.seconds, signals)
    lagged = next_lagged(joint, x.shape[2], now, lagged)
    standing = standings(now, x, records, fleet.layout.by_quantity(memory), number, fleet.standing, withheld)
    figures = summarise(now)
    trust, reasons = judged(fleet, x, memory, records, number, residual, figures)
    record = Record(number, rows, figures, trust, reasons, np.zeros(rows.size, np.int64), standing, refused=refused)
    return FleetState(x, memory, lagged), record


def laid_out(
    fleet: Fleet, memory: FloatArray, number: int, readings: Sequence[Reading], after: InputSamples | None
) -> tuple[InputSignals, Observations]:
    """The inputs over a tick, and the sensors' readings in it; ``memory`` keeps the newest inputs, in place."""
    start, last = number * fleet.tick, fleet.layout.by_input(memory)
    behind = no_samples(*last.time.shape) if after is None else after
    batch, used = columns(readings, start), by_twin(memory)["sum_inputs"]
    return _laid_out(batch, fleet.inputs_of_channels, fleet.outputs, fleet.input_rules, last, behind, start, used)


@njit(cache=True)
def _laid_out(
    batch: ReadingColumns,
    inputs_of_channels: IntArray,
    outputs: IntArray,
    rules: InputRules,
    last: InputSamples,
    after: InputSamples,
    start: int,
    used: FloatArray,
) -> tuple[InputSignals, Observations]:
    """:func:`laid_out`; ``used[twin]`` counts the samples of inputs."""
    inputs = inputs_of_channels[batch.channel]
    of_inputs = ReadingColumns(batch.twin, inputs, batch.offset, batch.value, batch.sd)
    samples = picked(of_inputs, inputs >= 0)
    signals = input_signals(rules, last, samples, after, start)
    keep_newest(last, samples, start)
    for i in samples.twin:
        used[i] += 1.0
    return signals, observations(picked(batch, (inputs < 0) & (batch.offset >= 0)), len(used), outputs)


def with_late(
    fleet: Fleet,
    lagged: FloatArray,
    number: int,
    readings: Sequence[Reading],
    predicted: FloatArray,
    observed: Observations,
) -> tuple[FloatArray, Observations]:
    """The predictions and the readings of a tick with those that belong to earlier ticks before them."""
    batch = columns(readings, number * fleet.tick)
    late = picked(batch, batch.offset < 0)
    if late.twin.size == 0:
        return predicted, observed
    earlier = observations(late, len(lagged), fleet.outputs)
    ages = -earlier.points.times / fleet.seconds
    of_past = at_earlier_times(lagged, len(fleet.model.quantities), ages, earlier.points.outputs)
    return np.concatenate([of_past, predicted], axis=2), observed.after(earlier)


def warm_up(fleet: Fleet) -> None:
    """Run a tick of one twin or two for nothing, so that every kernel is compiled before the first reading comes.

    Two, where there are more: kernels are compiled for arrays that are contiguous, as those of one twin always are, or
    not. The readings are so uncertain that none is refused as an outlier: the correction must run, too.
    """
    rows, channels = np.arange(min(2, len(fleet.twins))), range(len(fleet.inputs_of_channels))
    readings = [Reading(row, channel, 0, 0.0, 1e9) for row in range(rows.size) for channel in channels]
    if fleet.asynchronous:
        readings += [reading._replace(time=-1) for reading in readings if reading.channel < len(fleet.sensors)]
    tick(fleet, fleet.start(rows), 0, readings, rows)


def find_withheld(fleet: Fleet, records: CheckMemory, number: int, rows: IntArray) -> Withheld | None:
    """The sensors that are withheld in a tick; None where none ever is."""
    if not fleet.withholds:
        return None
    fresh = number - records.sensors["newest"] <= fleet.patience.stale
    return fleet.withholding.of(fleet.keys[rows], number, fresh, records.sensors["sum_readings"])


def compared(
    fleet: Fleet,
    records: CheckMemory,
    number: int,
    predicted: FloatArray,
    observed: Observations,
    withheld: Withheld | None = None,
) -> FloatArray:
    """The readings ``[twin, reading]`` that passed the gate, NaN for the others; ``records`` are updated in place."""
    earlier = np.maximum(0.0, -np.floor(observed.points.times / fleet.seconds)) if fleet.asynchronous else IN_TIME
    comparison = Comparison(predicted, observed.value, observed.variance, observed.sensor, earlier)
    correlated = None if fleet.correlation is None else Correlated(observed.points.times, fleet.correlation)
    return compare(comparison, number, fleet.fading, fleet.gating, records, correlated, withheld)


def outliers_of(
    fleet: Fleet, number: int, rows: IntArray, observed: Observations, kept: FloatArray, withheld: Withheld | None
) -> tuple[Reading, ...]:
    """The readings of a tick that were compared and did not pass the gate."""
    refused = np.isfinite(observed.value) & np.isfinite(observed.variance) & np.isnan(kept)
    if withheld is not None:
        refused &= ~np.take_along_axis(withheld.sensors, np.maximum(observed.sensor, 0), axis=1)
    return tuple(
        Reading(
            int(rows[i]),
            int(observed.sensor[i, k]),
            number * fleet.tick + round(observed.points.times[i, k] * SECOND),
            float(observed.value[i, k]),
            math.sqrt(observed.variance[i, k]),
        )
        for i, k in np.argwhere(refused)
    )


def uncorrelated(
    fleet: Fleet, predicted: FloatArray, kept: FloatArray, observed: Observations
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predictions, readings and variances whose errors are independent: unchanged without a correlation."""
    if fleet.correlation is None:
        return predicted, kept, observed.variance
    return independent(predicted, kept, observed.variance, observed.sensor, observed.points.times, fleet.correlation)


def correct(fleet: Fleet, memory: FloatArray, given: AnalysisInput) -> FloatArray:
    """The analysis: the ensemble corrected by the readings that were kept, and inflated (``memory`` keeps by how much).

    ``given.x`` may have further columns, the past, which are corrected but not inflated.
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


def respond_to_divergence(
    fleet: Fleet, memory: FloatArray, records: CheckMemory, x: FloatArray, number: int, rows: IntArray
) -> None:
    """Find the twins that have diverged from their assets, and respond as declared; all arrays are changed in place."""
    factors = find_divergence(fleet.divergence, records)
    for i in factors.nonzero()[0]:
        if fleet.divergence.response is Response.REDRAW:
            x[i] = fleet.drawn(rows[i : i + 1], number)[0]
        else:
            reinflate(x[i], factors[i], fleet.prior_sd, fleet.corrected)
        fleet.layout.reset_window(memory, int(i))


def judged(
    fleet: Fleet,
    x: FloatArray,
    memory: FloatArray,
    records: CheckMemory,
    number: int,
    residual: FloatArray,
    figures: FloatArray | None = None,
) -> tuple[IntArray, IntArray]:
    """Trust in every twin and the reasons, one bit a check; ``records`` of the ``memory`` keep the trust, in place.

    ``figures`` are those of the quantities, where they are to be finite, too.
    """
    last, verdicts = fleet.layout.by_input(memory), records.twins["sum_verdicts"]
    stale = fleet.patience_with_inputs
    ensembles = _ensemble_figures(x, fleet.prior, verdicts, figures, residual, last, stale, number, fleet.tick)
    return fleet.judge(fleet.rules, records, number, ensembles)


@njit(cache=True, error_model="numpy")
def _ensemble_figures(  # one call of a kernel a tick, for what two would find
    x: FloatArray,
    prior: PriorReference,
    verdicts: FloatArray,
    figures: FloatArray | None,
    residual: FloatArray,
    last: InputSamples,
    stale: FloatArray,
    number: int,
    tick: int,
) -> EnsembleFigures:
    spread, strayed = compare_with_prior(x, prior, verdicts, figures)
    return EnsembleFigures(spread, strayed, residual, oldest(last, stale, number, tick, verdicts))
