"""The tick: forecast, compare, correct, judge. A pure function of the state, the readings and the inputs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from twin_runtime.assimilation import Assimilator, Inflate, Occasion
from twin_runtime.assimilation.correlated import independent
from twin_runtime.core import SECOND, FloatArray, IntArray, Reading, Record, State
from twin_runtime.inputs import drive, newest, nothing_after, rules
from twin_runtime.memory import Layout, Slot
from twin_runtime.modelling.drive import Drive, Watch, nothing_to_watch
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.random import perturb
from twin_runtime.past import beside, onwards, recalled
from twin_runtime.readings import Observations, columns, observations
from twin_runtime.vvuq.checks import Check, judge, thresholds
from twin_runtime.vvuq.figures import spread_left, summarise
from twin_runtime.vvuq.innovation import compare


@dataclass(frozen=True, slots=True)
class Sensor:
    """A measured channel that is compared with an output of the model; older than ``stale`` seconds is old."""

    name: str
    output: int
    stale: float


@dataclass(frozen=True)
class Fleet:
    """Twins of one type: everything that is fixed while they run. A single twin is a fleet of one.

    ``channels`` of readings are the ``sensors`` first, then ``driven``: for each further channel the model input it
    drives. ``hysteresis`` is for how many ticks a worse and a better verdict must last; ``window`` is how long the
    checks remember, in seconds; ``gate`` and ``reopen`` see :func:`twin_runtime.vvuq.innovation.compare`.
    ``correlation[sensor, sensor]`` is that of the errors of readings of the same time; None: they are independent.
    ``lag`` is by how many ticks the fixed-lag smoother looks back, 0: it does not; ``recall`` how many ticks old a
    sensor's late reading may be to be compared with the past and correct the present, 0: late readings change the past.
    """

    model: Model
    twins: tuple[str, ...]
    sensors: tuple[Sensor, ...]
    driven: tuple[int, ...]
    tick: int
    seed: int
    members: int
    method: Assimilator
    inflation: Inflate
    checks: tuple[Check, ...]
    hysteresis: tuple[int, int] = (1, 1)
    gate: float = 4.0
    reopen: int = 25
    window: float = 10.0
    correlation: FloatArray | None = None
    lag: int = 0
    recall: int = 0

    @cached_property
    def layout(self) -> Layout:
        """Where things lie in the memory."""
        variables = len(self.model.variables) if self.inflation.remembers else 0
        return Layout(len(self.sensors), len(self.model.inputs), variables)

    @cached_property
    def kept(self) -> int:
        """At how many ends of ticks the past is kept."""
        looking_back = max(self.lag, self.recall)
        return looking_back + 1 if looking_back else 0

    @cached_property
    def seconds(self) -> float:
        """Duration of a tick in seconds."""
        return self.tick / SECOND

    @cached_property
    def outputs(self) -> IntArray:
        """The model output that each sensor observes."""
        return np.array([sensor.output for sensor in self.sensors], np.int64)

    @cached_property
    def inputs_of_channels(self) -> IntArray:
        """The model input that each channel drives; -1 for sensors."""
        return np.array([-1] * len(self.sensors) + list(self.driven), np.int64)

    @cached_property
    def input_rules(self) -> FloatArray:
        """How the model's inputs behave between their samples."""
        return rules(self.model.inputs)

    @cached_property
    def stale(self) -> FloatArray:
        """How old, in ticks, each sensor's newest reading may be."""
        return np.array([max(1.0, sensor.stale / self.seconds) for sensor in self.sensors])

    @cached_property
    def judgement(self) -> tuple[FloatArray, IntArray]:
        """Thresholds and hysteresis as the checks take them."""
        return thresholds(self.checks), np.array(self.hysteresis, np.int64)

    @cached_property
    def walk(self) -> FloatArray:
        """Standard deviation of each variable's random walk over one tick."""
        per_root_second = np.array([v.walk for v in self.model.variables])
        return per_root_second * math.sqrt(self.seconds)

    @cached_property
    def corrected(self) -> IntArray:
        """The columns that readings correct and whose spread is watched."""
        return np.array([j for j, v in enumerate(self.model.variables) if v.corrected and v.prior.sd > 0.0], np.int64)

    @cached_property
    def considered(self) -> IntArray:
        """The columns that readings leave as they are, in the ensemble and in the past beside it."""
        names = [v.name for v in self.model.variables if not v.corrected]
        columns = [v.name for v in self.model.variables]
        columns += [q.name for q in self.model.quantities] * (self.kept - 1)
        return np.array([j for j, name in enumerate(columns) if name in names], np.int64)

    @cached_property
    def prior_sd(self) -> FloatArray:
        """Prior standard deviation of each variable, in its space."""
        return np.array([v.prior.sd for v in self.model.variables])

    def start(self, rows: IntArray | None = None) -> State:
        """The state of some twins, or all, before the first tick: drawn from the prior, as if it had ever been so."""
        rows = np.arange(len(self.twins)) if rows is None else rows
        x, memory = draw_prior(self.model.variables, self.seed, rows, self.members), self.layout.fresh(rows.size)
        prior = self.model.observe(x, self.seconds, held(self, memory)) if self.kept else x[:, :, :0]
        return State(x, memory, np.tile(prior, self.kept))


def tick(
    fleet: Fleet,
    state: State,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: FloatArray | None = None,
) -> tuple[State, Record]:
    """Advance some twins of a fleet through tick ``number``.

    ``state`` holds the twins ``rows``, and ``Reading.twin`` is a place in ``rows``. ``after[twin, input, 2]`` is the
    first sample of each input behind the tick, where it is known (see :func:`twin_runtime.inputs.drive`).
    """
    memory = state.memory.copy()
    acting, seen = laid_out(fleet, memory, number, readings, after)
    x, predicted, residual = forecast(fleet, state.x, number, rows, acting, seen.watch)
    if fleet.recall:
        predicted, seen = with_late(fleet, state.past, number, readings, predicted, seen)
    kept = compared(fleet, memory, number, predicted, seen)
    occasion = Occasion(fleet.seed, rows, number, seen.watch.outputs, x.shape[2])
    joint = beside(x, state.past, len(fleet.model.quantities))
    joint = correct(fleet, memory, joint, *uncorrelated(fleet, predicted, kept, seen), occasion)
    x = np.ascontiguousarray(joint[:, :, : x.shape[2]])
    trust, reasons = judged(fleet, x, memory, number, residual)
    now = fleet.model.observe(x, fleet.seconds, acting)
    past = onwards(joint, x.shape[2], now, state.past)
    record = Record(number, rows, summarise(now), trust, reasons, np.zeros(rows.size, np.int64))
    return State(x, memory, past), record


def laid_out(
    fleet: Fleet, memory: FloatArray, number: int, readings: Sequence[Reading], after: FloatArray | None
) -> tuple[Drive, Observations]:
    """The inputs over a tick, and the sensors' readings in it; ``memory`` takes note of the newest inputs, in place."""
    start = number * fleet.tick
    batch = columns(readings, start)
    sensed = batch.channel < len(fleet.sensors)
    samples = batch.where(~sensed)
    sensed &= batch.offset >= 0
    samples = samples._replace(channel=fleet.inputs_of_channels[samples.channel])
    last = fleet.layout.by_input(memory)
    behind = nothing_after(*last.shape[:2]) if after is None else after
    acting = drive(fleet.input_rules, last, samples, behind, start)
    if samples.twin.size:
        newest(last, samples, start)
        memory[:, Slot.SUM_DRIVEN] += np.bincount(samples.twin, minlength=memory.shape[0])
    return acting, observations(batch.where(sensed), memory.shape[0], fleet.outputs)


def with_late(
    fleet: Fleet, past: FloatArray, number: int, readings: Sequence[Reading], predicted: FloatArray, seen: Observations
) -> tuple[FloatArray, Observations]:
    """The predictions and the readings of a tick with those that belong to earlier ticks before them."""
    batch = columns(readings, number * fleet.tick)
    late = batch.where(batch.offset < 0)
    if late.twin.size == 0:
        return predicted, seen
    earlier = observations(late, len(past), fleet.outputs)
    ages = -earlier.watch.times / fleet.seconds
    of_past = recalled(past, len(fleet.model.quantities), ages, earlier.watch.outputs)
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
    fleet: Fleet, x: FloatArray, number: int, rows: IntArray, acting: Drive, watch: Watch
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The ensemble at the tick's end, its predictions ``[twin, member, reading]``, and the residual of the balance."""
    ahead = np.empty_like(x)
    perturb(x, fleet.walk, fleet.seed, rows, number, ahead)
    predicted = np.empty((*x.shape[:2], watch.times.shape[1]))
    residual = np.zeros(rows.size)
    fleet.model.advance(ahead, fleet.seconds, acting, watch, predicted, residual)
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
        memory,
        fleet.layout.by_sensor(memory),
        None if fleet.correlation is None else seen.watch.times,
        fleet.correlation,
    )


def uncorrelated(
    fleet: Fleet, predicted: FloatArray, kept: FloatArray, seen: Observations
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predictions, readings and variances whose errors are independent: as they are, unless told otherwise."""
    if fleet.correlation is None:
        return predicted, kept, seen.variance
    return independent(predicted, kept, seen.variance, seen.sensor, seen.watch.times, fleet.correlation)


def correct(
    fleet: Fleet,
    memory: FloatArray,
    x: FloatArray,
    predicted: FloatArray,
    kept: FloatArray,
    variance: FloatArray,
    occasion: Occasion,
) -> FloatArray:
    """The analysis: the ensemble corrected by the readings that were kept, and inflated; ``memory`` takes note.

    ``x`` may have further columns, the past, which are corrected but not inflated.
    """
    if np.isnan(kept).all():
        return x
    analysis = fleet.method.update(x, predicted, kept, variance, occasion)
    before, after = (ensemble[:, :, : len(fleet.model.variables)] for ensemble in (x, analysis))
    fleet.inflation(before, after, predicted, kept, variance, fleet.layout.by_variable(memory))
    _keep(x, analysis, fleet.considered)
    return analysis


@njit(cache=True)
def _keep(forecast: FloatArray, analysis: FloatArray, columns: IntArray) -> None:
    for i in range(analysis.shape[0]):
        for member in range(analysis.shape[1]):
            for j in columns:
                analysis[i, member, j] = forecast[i, member, j]


def judged(
    fleet: Fleet, x: FloatArray, memory: FloatArray, number: int, residual: FloatArray
) -> tuple[IntArray, IntArray]:
    """Trust in every twin and the reasons, one bit a check; ``memory`` keeps the trust, in place."""
    spread = spread_left(x, fleet.prior_sd, fleet.corrected)
    by_sensor = fleet.layout.by_sensor(memory)
    return judge(*fleet.judgement, memory, by_sensor, number, fleet.stale, spread, residual)


def outlook(fleet: Fleet, state: State, seconds: float, rows: IntArray) -> FloatArray:
    """All quantities ``[twin, member, quantity]`` some time ahead: no new inputs, no readings, no random walk."""
    x = state.x.copy()
    alone = held(fleet, state.memory)._replace(known=np.zeros(rows.size))
    empty, residual = np.empty((*x.shape[:2], 0)), np.zeros(rows.size)
    fleet.model.advance(x, seconds, alone, nothing_to_watch(rows.size), empty, residual)
    return fleet.model.observe(x, seconds, alone)


def held(fleet: Fleet, memory: FloatArray) -> Drive:
    """Inputs that stay as they were."""
    last = fleet.layout.by_input(memory)
    return drive(fleet.input_rules, last, columns((), 0), nothing_after(*last.shape[:2]), 0)
