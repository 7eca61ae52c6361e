"""One physics function of a coupled model, written as calls of those of its parts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from twin_runtime.modelling.coupling.composition import PLAIN, Composition, states_of
from twin_runtime.modelling.coupling.links import Flux
from twin_runtime.modelling.physics import PhysicsFunction, arguments, identifier, physics
from twin_runtime.modelling.variables import Conserved
from twin_runtime.units import Conversion


class Body:
    """Writes one function: its lines, and what it asks for. ``called`` collects the functions that it calls."""

    def __init__(self, composition: Composition, called: dict[str, PhysicsFunction]) -> None:
        self.composition, self.called = composition, called
        self.lines: list[str] = []
        self.asks: dict[str, None] = {}
        self.known: dict[str, str] = {}
        self.states = list(states_of(composition.table))

    def rate(self) -> str:
        """The derivatives of all states."""
        composition, begun = self.composition, set[str]()
        for part, model in composition.parts.items():
            begun |= self.take_rates(part, "rate", model.rate, tuple(states_of(model.table)))
        for flux in composition.fluxes:
            self.apply(flux, begun)
        return self.text(", ".join(f"d_{identifier(state)}" for state in self.states))

    def take_rates(self, part: str, name: str, rate: PhysicsFunction, states: Sequence[str]) -> set[str]:
        """Begin with the derivatives that a part gives; returns of which states."""
        own = [f"{part}.{state}" for state in states]
        if own:
            self.lines.append(f"{', '.join(f'd_{identifier(s)}' for s in own)} = {self.call(part, name, rate)}")
        return set(own)

    def apply(self, flux: Flux, begun: set[str]) -> None:
        """Let a flux leave one end and enter the other; ``begun`` are the states that have a derivative already."""
        value = self.value(flux.carries or f"{flux.name}.flux")
        for sign, end in (("-", flux.upstream), ("+", flux.downstream)):
            port = self.composition.port(end)
            amount = self.converted(value, self.composition.carried_unit(flux), port.unit)
            per = f" / {self.value(port.capacity)}" if port.capacity else ""
            state = f"d_{identifier(port.state)}"
            self.lines.append(f"{state} = {state if port.state in begun else ''} {sign} {amount}{per}")
            begun.add(port.state)

    def events(self, listeners: list[tuple[str, str]]) -> str:
        """The states after an event, for which parts listen by a name of their own."""
        parts = self.composition.parts
        return self.changed(
            {
                part: (event, parts[part].events[event], tuple(states_of(parts[part].table)))
                for part, event in listeners
            },
            self.states,
        )

    def jump(self, parts: list[str]) -> str:
        """The states after a step."""
        models = {part: self.composition.parts[part] for part in parts}
        return self.changed({p: ("jump", m.jump, tuple(states_of(m.table))) for p, m in models.items()}, self.states)

    def output(self, name: str) -> str:
        """An output of a part, or the flux of a link."""
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
        terms = {part: (f"inflow_{name}", each.inflow, each) for part, each in parts.items()}
        return self.crossed(name, terms, self.composition.crossing(name))

    def crossed(
        self,
        name: str,
        terms: Mapping[str, tuple[str, PhysicsFunction, Conserved]],
        crossing: Iterable[tuple[Flux, str]],
    ) -> str:
        """What enters some parts by their own functions, and by fluxes."""
        unit = next(iter(self.composition.conserved[name].values())).unit
        total = " + ".join(
            self.converted(self.call(part, alias, function), f"({each.unit}) / s", f"({unit}) / s")
            for part, (alias, function, each) in terms.items()
        )
        for flux, sign in crossing:
            value = self.value(flux.carries or f"{flux.name}.flux")
            total += f" {sign} {self.converted(value, self.composition.carried_unit(flux), f'({unit}) / s')}"
        return self.text(total.strip())

    def changed(
        self, functions: Mapping[str, tuple[str, PhysicsFunction, Sequence[str]]], states: Sequence[str]
    ) -> str:
        """Some states after functions of parts, each with the states that it changes; the others stay."""
        new: dict[str, str] = {}
        for part, (name, function, changing) in functions.items():
            own = [f"{part}.{state}" for state in changing]
            new |= {state: f"n_{identifier(state)}" for state in own}
            self.lines.append(f"{', '.join(new[state] for state in own)} = {self.call(part, name, function)}")
        return self.text(", ".join(new.get(state) or self.value(state) for state in states))

    def text(self, result: str) -> str:
        """The function with what it returns."""
        words = ", ".join(identifier(name) for name in self.asks)
        return f"({words}):\n" + "".join(f"    {line}\n" for line in self.lines) + f"    return {result}\n"

    def call(self, part: str, name: str, function: PhysicsFunction) -> str:
        """A call of a function of a part."""
        words = [self.value(a if a == "known" else f"{part}.{a}") for a in arguments(function)]
        return self.called_as(f"{name}_of_{identifier(part)}", function, words)

    def called_as(self, alias: str, function: PhysicsFunction, words: list[str]) -> str:
        """A call of a function by an alias."""
        self.called[identifier(alias)] = function
        return f"{identifier(alias)}({', '.join(words)})"

    def value(self, name: str) -> str:
        """What stands for a variable, an input or an output of the whole."""
        if name not in self.known:
            self.known[name] = self.found(name)
        return self.known[name]

    def found(self, name: str) -> str:
        """The same for a name that is not known yet: an argument, or lines that make it."""
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
