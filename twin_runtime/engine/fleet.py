"""A fleet: everything that is fixed while twins of one type run."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twin_runtime.assimilation import Assimilator, Inflate
from twin_runtime.assimilation.shrinkage import shrink
from twin_runtime.assimilation.sigma_points import laid_out_prior, widened
from twin_runtime.core import SECOND, FleetState, FloatArray, IntArray
from twin_runtime.engine.inputs import InputRules, input_signals, no_samples, rules
from twin_runtime.engine.observations import columns
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.random import Keys, perturb, twin_keys
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Parameter
from twin_runtime.vvuq.checks import Check
from twin_runtime.vvuq.divergence import Divergence
from twin_runtime.vvuq.evidence import Patience
from twin_runtime.vvuq.figures import PriorReference
from twin_runtime.vvuq.innovation import Gate
from twin_runtime.vvuq.judging import Hysteresis, Judge, Rules, judge_by, thresholds
from twin_runtime.vvuq.memory import Layout
from twin_runtime.vvuq.standing import KnownQuantities, StandingRules, standing_rules
from twin_runtime.vvuq.withheld import Withholding


@dataclass(frozen=True, slots=True)
class Sensor:
    """A measured channel that is compared with an output of the model.

    A reading older than ``stale`` seconds is old, and one repeated for longer than ``frozen`` seconds is suspect.
    """

    name: str
    output: int
    stale: float
    frozen: float = math.inf


@dataclass(frozen=True)
class Fleet:
    """Twins of one type: everything that is fixed while they run. A single twin is a fleet of one.

    ``channels`` of readings are the ``sensors`` first, then ``driven``: for each further channel the model input it
    drives. ``hysteresis`` is for how many ticks a worse and a better verdict must last; ``window`` is how long the
    checks remember, in seconds; ``gate`` and ``reopen`` see :func:`twin_runtime.vvuq.innovation.compare`.
    ``correlation[sensor, sensor]`` is that of the errors of readings of the same time; None: they are independent.
    ``lag`` is that of the fixed-lag smoother in ticks, 0: none; ``asynchronous`` is how many ticks old a sensor's late
    reading may be to be compared with a lagged state and correct the present, 0: late readings change the past.
    ``divergence`` is what is done about a twin that has diverged from its asset. A twin without any reading for more
    than ``pause_after`` ticks pauses until its next one; 0: it never does.
    ``stale[input]`` is how old (s) the newest sample of a model input may be; empty: as old as it will.
    ``withholding`` says which readings are judged and not used; ``known`` is what evidence says of the quantities.
    ``discount[variable]`` is that of its shrinkage, see :mod:`twin_runtime.assimilation.shrinkage`; None: no shrinkage.
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
    hysteresis: Hysteresis = Hysteresis(1, 1)  # noqa: RUF009  # frozen
    gate: float = 4.0
    reopen: int = 25
    window: float = 10.0
    correlation: FloatArray | None = None
    lag: int = 0
    asynchronous: int = 0
    divergence: Divergence = Divergence()  # noqa: RUF009  # frozen
    pause_after: int = 0
    discount: FloatArray | None = None
    stale: tuple[float, ...] = ()
    withholding: Withholding = Withholding()  # noqa: RUF009  # immutable
    known: KnownQuantities | None = None

    @cached_property
    def keys(self) -> Keys:
        """The keys of the twins' random numbers."""
        return twin_keys(self.seed, self.twins)

    @cached_property
    def layout(self) -> Layout:
        """Where things lie in the memory."""
        variables = len(self.model.variables) if self.inflation.remembers else 0
        alike = self.withholding.share > 0.0
        return Layout(len(self.sensors), len(self.model.inputs), variables, len(self.model.quantities), alike)

    @cached_property
    def withholds(self) -> bool:
        """Whether any sensor is ever withheld."""
        return self.withholding.happens

    @cached_property
    def lagged_ticks(self) -> int:
        """At how many ends of ticks lagged states are kept."""
        longest = max(self.lag, self.asynchronous)
        return longest + 1 if longest else 0

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
    def input_rules(self) -> InputRules:
        """How the model's inputs behave between their samples."""
        return rules(self.model.inputs)

    @cached_property
    def patience(self) -> Patience:
        """How old each sensor's newest reading may be, and how long it may be repeated, in ticks."""
        stale, frozen = (np.array([getattr(sensor, name) for sensor in self.sensors]) for name in Patience._fields)
        return Patience(np.maximum(1.0, stale / self.seconds), np.maximum(1.0, frozen / self.seconds))

    @cached_property
    def patience_with_inputs(self) -> FloatArray:
        """How old the newest sample of each input may be, in ns."""
        stale = np.array(self.stale or [math.inf] * len(self.model.inputs), np.float64)
        return np.maximum(self.tick, stale * SECOND)

    @cached_property
    def gating(self) -> Gate:
        """Which readings are refused."""
        return Gate(float(self.gate), self.reopen, self.patience.frozen)

    @cached_property
    def fading(self) -> float:
        """What a tick leaves of the window of the checks."""
        return float(np.exp(-self.seconds / self.window))

    @cached_property
    def judge(self) -> Judge:
        """The checks, compiled."""
        return judge_by(self.checks)

    @cached_property
    def rules(self) -> Rules:
        """Thresholds, hysteresis and patience as the checks take them."""
        return Rules(thresholds(self.checks), self.hysteresis, self.patience)

    @cached_property
    def standing(self) -> StandingRules:
        """What the standing of quantities goes by."""
        names = [quantity.name for quantity in self.model.quantities]
        columns = {v.name: j for j, v in enumerate(self.model.variables) if isinstance(v, Parameter)}
        places = [columns.get(name, -1) for name in names]
        variances = [(self.prior_sd[j] ** 2, self.walk[j] ** 2) if j >= 0 else (0.0, 0.0) for j in places]
        return standing_rules(self.outputs, self.patience.stale, places, variances, self.known)

    @cached_property
    def walk(self) -> FloatArray:
        """Standard deviation of each variable's random walk over one tick."""
        per_root_second = np.array([v.walk for v in self.model.variables])
        return per_root_second * math.sqrt(self.seconds)

    @cached_property
    def corrected(self) -> IntArray:
        """The columns that readings correct and whose spread is points."""
        return np.array([j for j, v in enumerate(self.model.variables) if v.corrected and v.prior.sd > 0.0], np.int64)

    @cached_property
    def considered(self) -> IntArray:
        """The columns that readings leave as they are, in the ensemble and in its lagged states."""
        names = [v.name for v in self.model.variables if not v.corrected]
        columns = [v.name for v in self.model.variables]
        columns += [q.name for q in self.model.quantities] * (self.lagged_ticks - 1)
        return np.array([j for j, name in enumerate(columns) if name in names], np.int64)

    @cached_property
    def prior_sd(self) -> FloatArray:
        """Prior standard deviation of each variable, in its space."""
        return np.array([v.prior.sd for v in self.model.variables])

    @cached_property
    def prior(self) -> PriorReference:
        """What the ensemble is compared with."""
        centre = np.array([v.prior.centre for v in self.model.variables])
        parameters = [j for j in self.corrected if isinstance(self.model.variables[j], Parameter)]
        return PriorReference(centre, self.prior_sd, self.walk, self.corrected, np.array(parameters, np.int64))

    def start(self, rows: IntArray | None = None) -> FleetState:
        """The state of some twins, or all, before the first tick: drawn from the prior, as if it had ever been so."""
        rows = np.arange(len(self.twins)) if rows is None else rows
        x, memory = self.drawn(rows), self.layout.fresh(rows.size)
        return FleetState(x, memory, observed_prior(self, x, memory))

    def drawn(self, rows: IntArray, number: int = 0) -> FloatArray:
        """Members ``[twin, member, variable]`` of the prior for a tick: drawn, or laid out where the method asks."""
        variables = self.model.variables
        if self.method.keeps_points:
            return laid_out_prior(np.array([v.prior.centre for v in variables]), self.prior_sd, rows.size, self.members)
        return draw_prior(variables, self.keys[rows], self.members, number)

    def walked(self, x: FloatArray, number: int, rows: IntArray) -> FloatArray:
        """The ensembles after the random walk of tick ``number``; a copy in any case."""
        if self.method.keeps_points:
            return widened(x, self.walk)
        ahead = np.empty_like(x)
        perturb(x, self.walk, self.keys[rows], number, ahead)
        if self.discount is not None:
            shrink(ahead, self.discount, self.keys[rows], number)
        return ahead


def observed_prior(fleet: Fleet, x: FloatArray, memory: FloatArray) -> FloatArray:
    """The lagged states of twins that begin: the quantities of ``x``, as if it had ever been so."""
    prior = fleet.model.observe(x, fleet.seconds, held(fleet, memory)) if fleet.lagged_ticks else x[:, :, :0]
    return np.tile(prior, fleet.lagged_ticks)


def held(fleet: Fleet, memory: FloatArray) -> InputSignals:
    """Inputs that stay as they were."""
    last = fleet.layout.by_input(memory)
    return input_signals(fleet.input_rules, last, columns((), 0), no_samples(*last.time.shape), 0)
