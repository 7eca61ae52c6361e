"""The physics functions of a coupled model, written as calls of those of its parts."""

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from twin_runtime.modelling.coupling.composition import PLAIN, Composition, states_of
from twin_runtime.modelling.generated import generated
from twin_runtime.modelling.physics import PhysicsFunction, arguments, identifier, physics
from twin_runtime.modelling.variables import Conserved
from twin_runtime.units import Conversion

HEADER = "from twin_runtime.modelling.physics import physics\n"


def functions_of(composition: Composition) -> tuple[ModuleType, dict[str, Any]]:
    """The module of the composed functions, and what a class of :class:`OdeModel` declares of them."""
    called: dict[str, PhysicsFunction] = {}
    texts = {"rate": _Body(composition, called).rate()}
    for given in composition.inputs:
        listeners = _listeners(composition, given.name)
        if listeners:
            texts[f"event_{identifier(given.name)}"] = _Body(composition, called).events(listeners)
    jumps = [part for part, model in composition.parts.items() if model.jump is not None]
    if jumps:
        texts["jump"] = _Body(composition, called).jump(jumps)
    for output in composition.outputs:
        if output.function is not None:
            texts[f"output_{identifier(output.name)}"] = _Body(composition, called).output(output.name)
    for name in composition.conserved:
        texts[f"stored_{name}"] = _Body(composition, called).stored(name)
        texts[f"inflow_{name}"] = _Body(composition, called).inflow(name)
    source = HEADER + "".join(f"\n\n@physics\ndef {name}{text}" for name, text in texts.items())
    module = generated(f"twin_coupling_{composition.model}", source, called)
    return module, {name: getattr(module, name) for name in texts}


def _listeners(composition: Composition, name: str) -> list[tuple[str, str]]:
    """The parts and the names of their events that an input of the whole sets off."""
    targets = [target for target, signal in composition.driven.items() if signal.source == name] or [name]
    pairs = [composition.part_of(target) for target in targets]
    return [
        (part, rest) for part, rest in pairs if part in composition.parts and rest in composition.parts[part].events
    ]


class _Body:
    """Writes one function: its lines, and what it asks for. ``called`` collects the functions that it calls."""

    def __init__(self, composition: Composition, called: dict[str, PhysicsFunction]) -> None:
        self.composition, self.called = composition, called
        self.lines: list[str] = []
        self.asks: dict[str, None] = {}
        self.known: dict[str, str] = {}
        self.states = list(states_of(composition.table))

    def rate(self) -> str:
        composition = self.composition
        for part, model in composition.parts.items():
            names = [f"d_{identifier(f'{part}.{state}')}" for state in states_of(model.table)]
            if names:
                self.lines.append(f"{', '.join(names)} = {self.call(part, 'rate', model.rate)}")
        for flux in composition.fluxes:
            value = self.value(flux.carries or f"{flux.name}.flux")
            for sign, end in (("-", flux.upstream), ("+", flux.downstream)):
                port = composition.port(end)
                amount = self.converted(value, composition.carried_unit(flux), port.unit)
                per = f" / {self.value(port.capacity)}" if port.capacity else ""
                state = f"d_{identifier(port.state)}"
                self.lines.append(f"{state} = {state} {sign} {amount}{per}")
        return self.text(", ".join(f"d_{identifier(state)}" for state in self.states))

    def events(self, listeners: list[tuple[str, str]]) -> str:
        return self.changed({part: (event, self.composition.parts[part].events[event]) for part, event in listeners})

    def jump(self, parts: list[str]) -> str:
        return self.changed({part: ("jump", self.composition.parts[part].jump) for part in parts})

    def output(self, name: str) -> str:
        return self.text(self.value(name))

    def stored(self, name: str) -> str:
        """How much of something all parts hold."""
        parts = self.composition.conserved[name]
        unit = next(iter(parts.values())).unit
        return self.text(
            " + ".join(
                self.converted(self.call(part, f"stored_{name}", each.stored), each.unit, unit)
                for part, each in parts.items()
            )
        )

    def inflow(self, name: str) -> str:
        """How much of something crosses the boundary of all parts that hold it: by their inputs, and by links."""
        parts = self.composition.conserved[name]
        unit = next(iter(parts.values())).unit
        terms = [
            self.converted(self.call(part, f"inflow_{name}", each.inflow), f"({each.unit}) / s", f"({unit}) / s")
            for part, each in parts.items()
        ]
        total = " + ".join(terms)
        for flux, sign in self.composition.crossing(name):
            value = self.value(flux.carries or f"{flux.name}.flux")
            total += f" {sign} {self.converted(value, self.composition.carried_unit(flux), f'({unit}) / s')}"
        return self.text(total)

    def changed(self, functions: Mapping[str, tuple[str, PhysicsFunction]]) -> str:
        """The states after functions of some parts; the others stay."""
        new: dict[str, str] = {}
        for part, (name, function) in functions.items():
            own = [f"{part}.{state}" for state in states_of(self.composition.parts[part].table)]
            new |= {state: f"n_{identifier(state)}" for state in own}
            self.lines.append(f"{', '.join(new[state] for state in own)} = {self.call(part, name, function)}")
        return self.text(", ".join(new.get(state) or self.value(state) for state in self.states))

    def text(self, result: str) -> str:
        words = ", ".join(identifier(name) for name in self.asks)
        return f"({words}):\n" + "".join(f"    {line}\n" for line in self.lines) + f"    return {result}\n"

    def call(self, part: str, name: str, function: PhysicsFunction) -> str:
        """A call of a function of a part."""
        words = [self.value(a if a == "known" else f"{part}.{a}") for a in arguments(function)]
        return self.called_as(f"{name}_of_{identifier(part)}", function, words)

    def called_as(self, alias: str, function: PhysicsFunction, words: list[str]) -> str:
        self.called[identifier(alias)] = function
        return f"{identifier(alias)}({', '.join(words)})"

    def value(self, name: str) -> str:
        """What stands for a variable, an input or an output of the whole."""
        if name not in self.known:
            self.known[name] = self.found(name)
        return self.known[name]

    def found(self, name: str) -> str:
        composition = self.composition
        if name in composition.driven:
            source, target = composition.driven[name].source, composition.input(name)
            if "." not in source:
                return self.value(source)
            return self.converted(self.value(source), composition.output(source).unit, target.unit)
        function = next((o.function for o in composition.outputs if o.name == name), None)
        if function is None:
            self.asks[name] = None
            return identifier(name)
        words = [self.value(each) for each in composition.needed(name)]
        self.lines.append(f"o_{identifier(name)} = {self.called_as(f'output_of_{name}', function, words)}")
        return f"o_{identifier(name)}"

    def converted(self, value: str, source: str, target: str) -> str:
        """A value in another unit."""
        found = self.composition.conversion(source, target, value)
        if found == PLAIN:
            return value
        alias = f"converted_{len(self.called)}"
        self.called[alias] = converter(found, source, target)
        self.lines.append(f"{alias}_ = {alias}({value})")
        return f"{alias}_"


def converter(found: Conversion, source: str, target: str) -> Callable[[float], float]:
    """A physics function that converts a number from one unit to another; with a quantity of pint its unit."""
    scale, offset = found

    def converted(value: float) -> float:
        return scale * value + offset

    def with_units(value: Any) -> Any:  # noqa: ANN401  # a number, or a quantity of pint
        return value.to(target) if hasattr(value, "to") else scale * value + offset

    converted.with_units = with_units  # type: ignore[attr-defined]
    converted.__qualname__ = f"converted_from_{source}_to_{target}"
    return physics(converted)


def conserved_of(composition: Composition, functions: Mapping[str, Any]) -> Iterator[Conserved]:
    """What the whole conserves: the sum over the parts."""
    for name, parts in composition.conserved.items():
        unit = next(iter(parts.values())).unit
        yield Conserved(name, unit, functions[f"stored_{name}"], functions[f"inflow_{name}"])


def events_of(composition: Composition, functions: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The composed function of each event."""
    for given in composition.inputs:
        function = functions.get(f"event_{identifier(given.name)}")
        if function is not None:
            yield given.name, function
