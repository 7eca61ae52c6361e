"""A co-simulation FMU as a model of a twin: every tick starts it from the array, and reads the array back from it.

Its code runs in this process, on one instance for all members: there is nothing of a twin in it between two calls. A
member whose call fails, or gives no numbers, is lost like any other, and replaced
(:mod:`twin_runtime.engine.replacement`).
Inputs hold their values between samples; a tick is cut at every sample and every reading.
"""

import hashlib
import logging
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from twin_adapters.fmu.description import Scalar
from twin_adapters.fmu.instance import Failed, Given, Instance
from twin_adapters.fmu.plan import Plan
from twin_runtime.core import FloatArray, Quantity
from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import Fingerprinted, with_settings
from twin_runtime.modelling.schedule import OBSERVE, SubSteps, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import InputSignals, Points, interpolate
from twin_runtime.modelling.spaces import TO_PHYSICAL, TO_SPACE, Space
from twin_runtime.modelling.variables import Fixed, Input, Output, Parameter, Prior, Shape, State, Variable

LOG = logging.getLogger(__name__)
CLOCK = "time"
"""The column of the FMU's own time, in seconds since the twin began: no sensor corrects it, nobody sees it."""


class FmuModel(Fingerprinted):
    """A model whose physics is an FMU; ``plan`` says what of it a twin uses."""

    name: ClassVar[str]
    plan: ClassVar[Plan]
    conserves = ""

    def __init__(self, priors: Mapping[str, Prior] | None = None, walk: Mapping[str, float] | None = None) -> None:
        plan = self.plan
        seen = [*_rows(State, plan.states, plan), *_rows(Parameter, plan.parameters, plan)]
        clock = State(CLOCK, "s", Fixed(0.0), corrected=False)
        where = f"model {self.name}"
        self.variables = (*with_settings(seen, priors or {}, walk or {}, where), clock)
        self.inputs = tuple(Input(s.name, plan.units[s.name], s.value, Shape.HOLD) for s in plan.inputs)
        self.outputs = tuple(Output(s.name, plan.units[s.name]) for s in plan.outputs)
        shown = {output.name for output in self.outputs}
        self.quantities = (
            *(Quantity(o.name, o.unit) for o in self.outputs),
            *(Quantity(v.name, v.unit) for v in seen if v.name not in shown),
        )
        self._states = [scalar.reference for scalar in plan.states]
        self._set = [*self._states, *(scalar.reference for scalar in plan.parameters)]
        self._places = {v.name: j for j, v in enumerate(self.variables)}
        self._bent = [j for j, v in enumerate(self.variables) if v.prior.space is not Space.IDENTITY]
        self._references = [s.reference for s in plan.outputs]
        self._input_references = [s.reference for s in plan.inputs]
        self._float = "Float64" if plan.description.version.startswith("3") else "Real"
        self._instance = Instance(plan.description)
        self._lock = threading.Lock()
        self._failures = 0

    @property
    def fingerprint(self) -> str:
        """A hash of the file, of what is set, of the variables and of this adapter."""
        plan = self.plan
        parts = super().fingerprint, plan.description.digest, repr((plan.units, plan.start, plan.step))
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def advance(
        self,
        x: FloatArray,
        duration: float,
        signals: InputSignals,
        points: Points,
        predicted: FloatArray,
        residual: FloatArray,
    ) -> None:
        """Advance the ensemble in place; see :class:`twin_runtime.modelling.model.Model`."""
        residual[:], predicted[:] = np.nan, np.nan
        room, events = unfilled(self.plan.step, duration, signals, points), np.zeros(len(self.inputs), np.int64)
        with self._lock:
            for i in range(len(x)):
                inputs = TwinInputs(signals.times[i], signals.values[i], events)
                steps = schedule(self.plan.step, duration, inputs, points.times[i], room)
                for j, row in self._rows_of(x[i]):
                    try:
                        self._through(row, duration, steps, points.outputs[i], predicted[i, j])
                        x[i, j] = self._stored(x[i, j], row)
                    except (Failed, ArithmeticError, ValueError) as error:
                        x[i, j, : len(self.plan.states)], predicted[i, j] = np.nan, np.nan
                        self._report(error)

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        values = np.full((*x.shape[:2], len(self.quantities)), np.nan)
        columns = [self._places.get(quantity.name, -1) for quantity in self.quantities]
        asked = [k for k, column in enumerate(columns) if column < 0]
        with self._lock:
            for i in range(len(x)):
                inputs = [
                    interpolate(signals.times[i, e], signals.values[i, e], duration) for e in range(len(self.inputs))
                ]
                for j, row in self._rows_of(x[i]):
                    try:
                        values[i, j] = [row[column] for column in columns]
                        if asked:
                            self._enter(row, inputs)
                            values[i, j, asked] = self._instance.get([self._references[k] for k in asked])
                    except Failed as error:
                        values[i, j, asked] = np.nan
                        self._report(error)
        return values

    def faults(self, tick: float) -> Iterator[ModelError]:
        """What keeps the array from being the whole state, found by trying."""
        from twin_adapters.fmu.tried import faults

        return faults(self, tick)

    def _rows_of(self, members: FloatArray) -> Iterator[tuple[int, list[float]]]:
        """The members of a twin in the variables' own units."""
        for j, row in enumerate(members.tolist()):
            for k in self._bent:
                prior = self.variables[k].prior
                try:
                    row[k] = TO_PHYSICAL[prior.space](row[k], math.exp, *prior.bounds)
                except OverflowError:
                    row[k] = math.inf
            yield j, row

    def _enter(self, row: list[float], inputs: Sequence[float]) -> None:
        """Bring the instance to where a member is."""
        own = Given(self._float, self._set, row[: len(self._set)])
        start = [*self.plan.start, Given(self._float, self._input_references, inputs), own]
        self._instance.begin(row[self._places[CLOCK]], start)

    def _through(
        self, row: list[float], duration: float, steps: SubSteps, outputs: Sequence[int], predicted: FloatArray
    ) -> None:
        """Take a member through a tick, and put what it becomes into its row."""
        nodes, begun = steps.nodes.tolist(), row[self._places[CLOCK]]
        held, now = [node[0] for node in nodes[0]], begun
        self._enter(row, held)
        for length, action, node in zip(steps.lengths.tolist(), steps.actions.tolist(), nodes, strict=True):
            if length > 0.0:
                held = self._drive(held, [values[1] for values in node])
                self._instance.step(now, length)
                now += length
            if action >= OBSERVE and outputs[action - OBSERVE] >= 0:
                held = self._drive(held, [values[2] for values in node])
                reference = self._references[outputs[action - OBSERVE]]
                [predicted[action - OBSERVE]] = self._instance.get([reference])
        row[: len(self._states)] = self._instance.get(self._states)
        row[self._places[CLOCK]] = begun + duration

    def _drive(self, held: list[float], inputs: list[float]) -> list[float]:
        """Set the inputs where they have changed."""
        if inputs != held:
            self._instance.set(Given(self._float, self._input_references, inputs))
        return inputs

    def _stored(self, before: FloatArray, row: list[float]) -> list[float]:
        """A row as the array keeps it; parameters stay as they were, to the last bit."""
        stored = list(row)
        for k, variable in enumerate(self.variables):
            if isinstance(variable, Parameter):
                stored[k] = float(before[k])
            elif variable.prior.space is not Space.IDENTITY:
                stored[k] = TO_SPACE[variable.prior.space](row[k], math.log, *variable.prior.bounds)
        return stored

    def _report(self, error: Exception) -> None:
        """Log failures: the first, the tenth, the hundredth."""
        self._failures += 1
        if math.log10(self._failures).is_integer():
            LOG.warning("%s: a member is lost, the %d. in this run: %s", self.name, self._failures, error)


def _rows(kind: type[Variable], scalars: Sequence[Scalar], plan: Plan) -> Iterator[Variable]:
    for scalar in scalars:
        prior = Prior(Space.IDENTITY, scalar.value, 0.0, scalar.low, scalar.high)
        yield kind(scalar.name, plan.units[scalar.name], prior)
