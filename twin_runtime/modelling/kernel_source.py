"""The source of a model's kernel, generated from its declaration so that the variables are scalars in registers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from twin_runtime.modelling.physics import PhysicsFunction, arguments, identifier
from twin_runtime.modelling.spaces import TO_PHYSICAL, TO_SPACE, Space, Transform
from twin_runtime.modelling.splitting import Operator, Turn
from twin_runtime.modelling.variables import Conserved, Input, Output, Shape, Variable


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a kernel is made from; see :class:`twin_runtime.modelling.ode.OdeModel`."""

    model: type
    variables: Sequence[Variable]
    states: Sequence[str]
    inputs: Sequence[Input]
    outputs: Sequence[Output]
    rate: Callable[..., Any]
    events: Mapping[str, Callable[..., Any]]
    jump: Callable[..., Any] | None
    constants: Mapping[str, float] = field(default_factory=dict)
    conserved: Sequence[Conserved] = ()
    operators: Sequence[Operator] = ()
    turns: Sequence[Turn] = ()
    """In which the operators advance in every sub-step; empty where all states advance together."""


HEADER = """
import math
from twin_runtime.modelling.schedule import EVENT, OBSERVE, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import interpolate
from twin_runtime.modelling.balance import imbalance
"""

ADVANCEMENT = """
def advance(x, step, duration, events, signals, points, predicted, residual):
    room = unfilled(step, duration, signals, points)
    for i in range(x.shape[0]):
        inputs = TwinInputs(signals.times[i], signals.values[i], events)
        steps = schedule(step, duration, inputs, points.times[i], room)
        nodes = steps.nodes
        known_ = signals.known[i]
        {balanced}
        for j in range(x.shape[1]):
            {load}
            {open}
            for s in range(steps.lengths.size):
                h = steps.lengths[s]
                if h > 0.0:
                    {substep}
                action = steps.actions[s]
                if action >= OBSERVE:
                    {predict}
                elif action <= EVENT:
                    {event}
            {close}
            {store}
"""

OBSERVATION = """
def observe(x, duration, signals, out):
    for i in range(x.shape[0]):
        known_ = signals.known[i]
        {inputs}
        for j in range(x.shape[1]):
            {load}
            {write}
"""


def physics_functions(declaration: Declaration) -> dict[str, PhysicsFunction]:
    """The physics functions by the names they bear in the generated source."""
    named = {"rate": declaration.rate}
    named |= {f"event_{identifier(name)}": function for name, function in declaration.events.items()}
    named |= {f"output_{identifier(o.name)}": o.function for o in declaration.outputs if o.function is not None}
    if declaration.jump is not None:
        named["jump"] = declaration.jump
    for each in declaration.conserved:
        named |= {f"stored_{each.name}": each.stored, f"inflow_{each.name}": each.inflow}
    for k, operator in enumerate(declaration.operators):
        named[f"rate_{k}"] = operator.rate
        named |= {f"inflow_{k}_{name}": function for name, function in operator.inflow.items()}
        named |= {f"jump_{k}": operator.jump} if operator.jump is not None else {}
    return named


def kernel_source(declaration: Declaration) -> str:
    """The functions ``advance`` and ``observe``; they call the physics functions and the transforms by their names."""
    writer = _Writer(_spelled(declaration), physics_functions(declaration))
    advance = ADVANCEMENT
    for slot, lines in writer.advance().items():
        advance = _fill(advance, slot, lines)
    observe = OBSERVATION
    for slot, lines in writer.observe().items():
        observe = _fill(observe, slot, lines)
    return HEADER + advance + observe


def _spelled(declaration: Declaration) -> Declaration:
    """The same with names that can stand in Python."""
    d = declaration
    return replace(
        d,
        variables=[replace(variable, name=identifier(variable.name)) for variable in d.variables],
        states=list(map(identifier, d.states)),
        inputs=[replace(given, name=identifier(given.name)) for given in d.inputs],
        outputs=[replace(output, name=identifier(output.name)) for output in d.outputs],
        events={identifier(name): function for name, function in d.events.items()},
        constants={identifier(name): value for name, value in d.constants.items()},
        operators=[
            o._replace(states=tuple(map(identifier, o.states)), jumping=tuple(map(identifier, o.jumping)))
            for o in d.operators
        ],
    )


def _fill(template: str, slot: str, lines: Sequence[str]) -> str:
    """Replace a slot by lines at the slot's indentation."""
    mark = f"{{{slot}}}"
    row = next(line for line in template.splitlines() if mark in line)
    indent = row[: row.index("{")]
    return template.replace(row, "\n".join(indent + line for line in (lines or ["pass"])))


class _Writer:
    """Writes the lines of the slots; every name of the model gets a trailing mark so that none can clash."""

    def __init__(self, declaration: Declaration, functions: Mapping[str, PhysicsFunction]) -> None:
        self.declaration, self.functions = declaration, functions
        self.signals = {i.name: k for k, i in enumerate(declaration.inputs) if i.shape is not Shape.EVENT}
        self.events = {i.name: k for k, i in enumerate(declaration.inputs) if i.shape is Shape.EVENT}

    def advance(self) -> dict[str, list[str]]:
        return {
            "load": self.load(),
            "substep": self.split() if self.declaration.turns else self.together(),
            **self.balance(),
            "predict": self.predict(),
            "event": self.event(),
            "store": self.store(),
        }

    def together(self) -> list[str]:
        """A sub-step in which all states advance together."""
        d = self.declaration
        inflow = {name: f"inflow_{name}" for name in self.conserved()}
        jump = self.exempt([f"{self.states()} = {self.call('jump', 'v_', 2)}"]) if d.jump else []
        return [*self.integrated("h", d.states, "rate", inflow, "nodes"), *jump]

    def split(self) -> list[str]:
        """A sub-step in which operators take turns."""
        lines = []
        for turn in self.declaration.turns:
            operator, k = self.declaration.operators[turn.operator], turn.operator
            inflow = {name: f"inflow_{k}_{name}" for name in operator.inflow}
            jumping = ", ".join(f"v_{n}" for n in operator.jumping)
            jump = self.exempt([f"{jumping} = {self.call(f'jump_{k}', 'v_', 2, 'piece')}"]) if operator.jump else []
            body = [
                *self.sampled(turn),
                *self.integrated("g", operator.states, f"rate_{k}", inflow, "piece"),
                *jump,
            ]
            lines += [f"g = {turn.end - turn.start!r} * h / {turn.pieces}", f"for piece in range({turn.pieces}):"]
            lines += [f"    {line}" for line in body]
        return lines

    def sampled(self, turn: Turn) -> list[str]:
        """The signals at the start, the middle and the end of a piece of a turn; no knot lies inside a sub-step."""
        span = turn.end - turn.start
        lines = [f"place{n} = {turn.start!r} + {span!r} * (piece + {n / 2!r}) / {turn.pieces}" for n in range(3)]
        for name, k in self.signals.items():
            lines += [
                f"p{n}_{name} = nodes[s, {k}, 0] + place{n} * (nodes[s, {k}, 2] - nodes[s, {k}, 0])" for n in range(3)
            ]
        return lines

    def integrated(
        self, length: str, states: Sequence[str], rate: str, inflow: Mapping[str, str], inputs: str
    ) -> list[str]:
        """One step of the classical Runge-Kutta method for some states, and what has flowed in meanwhile."""
        lines = []
        for k in range(4):
            factor, node = ("", f"0.5 * {length}", f"0.5 * {length}", length)[k], (0, 1, 1, 2)[k]
            lines += [f"y_{n} = v_{n} + {factor} * k{k - 1}_{n}" if k else f"y_{n} = v_{n}" for n in states]
            lines.append(f"{', '.join(f'k{k}_{n}' for n in states)} = {self.call(rate, 'y_', node, inputs, states)}")
            lines += [f"f{k}_{n} = {self.call(word, 'y_', node, inputs, states)}" for n, word in inflow.items()]
        lines += [f"v_{n} += {length} * (k0_{n} + 2.0 * k1_{n} + 2.0 * k2_{n} + k3_{n}) / 6.0" for n in states]
        return lines + [
            f"gained_{n} += {length} * (f0_{n} + 2.0 * f1_{n} + 2.0 * f2_{n} + f3_{n}) / 6.0" for n in inflow
        ]

    def observe(self) -> dict[str, list[str]]:
        d = self.declaration
        outputs = list(d.outputs)
        return {
            "inputs": [
                f"u2_{n} = interpolate(signals.times[i, {k}], signals.values[i, {k}], duration)"
                for n, k in self.signals.items()
            ],
            "load": self.load(),
            "write": [f"out[i, j, {k}] = {self.output(o, 'u')}" for k, o in enumerate(outputs)]
            + [f"out[i, j, {len(outputs) + k}] = v_{v.name}" for k, v in enumerate(unobserved(d.variables, outputs))],
        }

    def load(self) -> list[str]:
        return [
            f"v_{v.name} = {_transformed(v, TO_PHYSICAL, f'x[i, j, {k}]', 'math.exp')}"
            for k, v in enumerate(self.declaration.variables)
        ]

    def store(self) -> list[str]:
        states = self.declaration.states
        return [
            f"x[i, j, {k}] = {_transformed(v, TO_SPACE, f'v_{v.name}', 'math.log')}"
            for k, v in enumerate(self.declaration.variables)
            if v.name in states
        ]

    def conserved(self) -> list[str]:
        return [each.name for each in self.declaration.conserved]

    def balance(self) -> dict[str, list[str]]:
        """What is stored at the start and at the end, but for jumps and events, and what has flowed in between."""
        names = self.conserved()
        stored = {n: self.call(f"stored_{n}", "v_", 2) for n in names}
        return {
            "balanced": ["residual[i] = 0.0"] if names else [],
            "open": [line for n in names for line in (f"first_{n} = {stored[n]}", f"other_{n} = gained_{n} = 0.0")],
            "close": [
                line
                for n in names
                for line in (
                    f"last_{n} = {stored[n]}",
                    f"share = imbalance(first_{n}, last_{n}, other_{n}, gained_{n})",
                    "if share > residual[i]:",
                    "    residual[i] = share",
                )
            ],
        }

    def exempt(self, change: list[str]) -> list[str]:
        """Lines that change the states by themselves: what is stored changes with them, and is not counted."""
        stored = {n: self.call(f"stored_{n}", "v_", 2) for n in self.conserved()}
        before, after = ([f"other_{n} {sign}= {value}" for n, value in stored.items()] for sign in "-+")
        return [*before, *change, *after]

    def predict(self) -> list[str]:
        lines = ["reading = action - OBSERVE", "observed = points.outputs[i, reading]"]
        for k, output in enumerate(self.declaration.outputs):
            lines += [f"if observed == {k}:", f"    predicted[i, j, reading] = {self.output(output, 'nodes')}"]
        return lines

    def event(self) -> list[str]:
        lines: list[str] = []
        for name, k in self.events.items():
            if name in self.declaration.events:
                changed = self.exempt([f"{self.states()} = {self.call(f'event_{name}', 'v_', 2)}"])
                lines += [f"if action == EVENT - {k}:", *(f"    {line}" for line in changed)]
        return lines

    def states(self) -> str:
        return ", ".join(f"v_{n}" for n in self.declaration.states)

    def output(self, output: Output, inputs: str) -> str:
        if output.function is None:
            return f"v_{output.name}"
        return self.call(f"output_{output.name}", "v_", 2, inputs)

    def call(
        self, function: str, states: str, node: int, inputs: str = "nodes", advancing: Sequence[str] | None = None
    ) -> str:
        """A call with the ``states`` that are ``advancing`` (all, if not given) and the others as they stand."""
        moving = self.declaration.states if advancing is None else advancing
        names = map(identifier, arguments(self.functions[function]))
        words = [self.word(n, states if n in moving else "v_", node, inputs) for n in names]
        return f"{function}({', '.join(words)})"

    def word(self, name: str, states: str, node: int, inputs: str) -> str:
        d = self.declaration
        if name in d.states:
            return f"{states}{name}"
        if any(v.name == name for v in d.variables):
            return f"v_{name}"
        if name in self.signals:
            forms = {"nodes": f"nodes[s, {self.signals[name]}, {node}]", "piece": f"p{node}_{name}"}
            return forms.get(inputs, f"u2_{name}")
        if name in self.events:
            return f"nodes[s, {self.events[name]}, 2]"
        return repr(d.constants[name]) if name in d.constants else "known_"


def unobserved(variables: Sequence[Variable], outputs: Sequence[Output]) -> list[Variable]:
    """The variables that are not outputs themselves."""
    names = {output.name for output in outputs}
    return [variable for variable in variables if variable.name not in names]


def _transformed(variable: Variable, transforms: Mapping[Space, Transform], value: str, function: str) -> str:
    """The call of the transform of a variable's space."""
    words = [value, function, *map(repr, variable.prior.bounds)]
    return f"{transforms[variable.prior.space].__name__}({', '.join(words)})"
