"""What parts and links make together: one table, the inputs that are left, and who drives the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from twin_runtime.errors import ModelError, UnitError, did_you_mean
from twin_runtime.modelling.coupling.links import DOWNSTREAM, UPSTREAM, Flux, Link, Signal
from twin_runtime.modelling.physics import arguments
from twin_runtime.modelling.variables import Conserved, Constant, Input, Output, Port, Shape, State, Variable
from twin_runtime.units import Conversion, conversion

T = TypeVar("T")
PLAIN = Conversion(1.0, 0.0)
DIFFERENCES = {"degC": "K", "degF": "delta_degF"}
"""Units of temperatures, and those of their differences."""


@dataclass(frozen=True)
class Composition:
    """Parts by name and the links between them, resolved. ``model`` is the name of the whole, for errors.

    Raises ModelError for what does not fit.
    """

    model: str
    parts: Mapping[str, Any]
    links: Sequence[Link]
    driven: dict[str, Signal] = field(default_factory=dict, init=False)
    """The signals that drive inputs of parts, by the input's name."""

    def __post_init__(self) -> None:
        for name in (*self.parts, *(flux.name for flux in self.fluxes)):
            if not name.isidentifier() or "__" in name or name == "known":
                self._refuse(f"'{name}' cannot be the name of a part or a link", "use letters, digits and '_'")
        names = [*self.parts, *(flux.name for flux in self.fluxes)]
        for name in {name for name in names if names.count(name) > 1}:
            self._refuse(f"{names.count(name)} parts or links are named '{name}'", "give each a name of its own")
        for signal in self.signals:
            self._take(signal)
        for flux in self.fluxes:
            self._check_flux(flux)
        for target in self.driven:
            self._check_loops(target, ())

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The links that only tell."""
        return tuple(link for link in self.links if isinstance(link, Signal))

    @cached_property
    def fluxes(self) -> tuple[Flux, ...]:
        """The links that carry something."""
        return tuple(link for link in self.links if isinstance(link, Flux))

    @cached_property
    def table(self) -> tuple[Variable | Constant, ...]:
        """The rows of all parts, then those of the links, as ``part.name``."""
        rows = [_named(part, row) for part, model in self.parts.items() for row in model.table]
        return (*rows, *(_named(flux.name, row) for flux in self.fluxes for row in flux.table))

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The outputs of all parts, then the fluxes; their functions are to be written."""
        outputs = [_named(part, output) for part, model in self.parts.items() for output in model.outputs]
        fluxes = [Output(f"{flux.name}.flux", flux.unit, flux.function) for flux in self.fluxes if not flux.carries]
        return (*outputs, *fluxes)

    @cached_property
    def _functions(self) -> frozenset[str]:
        """The outputs that are made by a function."""
        return frozenset(output.name for output in self.outputs if output.function is not None)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that no part drives: those named by signals without a part, and what is left."""
        shared: dict[str, Input] = {}
        for target, signal in self.driven.items():
            if "." not in signal.source:
                shared.setdefault(signal.source, replace(self.input(target), name=signal.source))
        own = [_named(part, given) for part, model in self.parts.items() for given in model.inputs]
        return (*shared.values(), *(given for given in own if given.name not in self.driven))

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """The ports of all parts, for a larger whole."""
        return tuple(_port(part, port) for part, model in self.parts.items() for port in model.ports)

    @cached_property
    def conserved(self) -> Mapping[str, Mapping[str, Conserved]]:
        """What parts conserve, by name: of each part that does, how it declares it."""
        names = dict.fromkeys(each.name for model in self.parts.values() for each in model.conserved)
        return {
            name: {part: each for part, model in self.parts.items() for each in model.conserved if each.name == name}
            for name in names
        }

    def crossing(self, name: str) -> Iterator[tuple[Flux, str]]:
        """The fluxes of something conserved that cross its boundary, with "+" for inward."""
        for flux in self.fluxes:
            inside = [sign for end, sign in ((flux.upstream, "-"), (flux.downstream, "+")) if self._holds(end, name)]
            if len(inside) == 1:
                yield flux, inside[0]

    def _holds(self, end: str, name: str) -> bool:
        """Whether what passes a port is something that its part conserves."""
        part, _ = self.part_of(end)
        if part not in self.conserved[name]:
            return False
        try:
            conversion(self.port(end).unit, f"({self.conserved[name][part].unit}) / s")
        except UnitError:
            return False
        return True

    def input(self, name: str) -> Input:
        """An input of a part by its name in the whole."""
        every: list[Input] = [_named(part, given) for part, model in self.parts.items() for given in model.inputs]
        return self._found(name, {given.name: given for given in every}, "an input of a part")

    def output(self, name: str) -> Output:
        """An output of a part by its name in the whole; a variable counts as one."""
        known = {output.name: output for output in self.outputs}
        variables = (row for row in self.table if isinstance(row, Variable))
        known |= {row.name: Output(row.name, row.unit) for row in variables if row.name not in known}
        return self._found(name, known, "an output of a part")

    def port(self, name: str) -> Port:
        """A port of a part by its name in the whole."""
        return self._found(name, {port.name: port for port in self.ports}, "a port of a part")

    def unit(self, name: str) -> str:
        """The unit of an output, a variable or a constant of a part."""
        rows = {row.name: row.unit for row in self.table}
        return rows[name] if name in rows else self.output(name).unit

    def part_of(self, name: str) -> tuple[str, str]:
        """The part that something belongs to, and its name there."""
        part, _, rest = name.partition(".")
        return part, rest

    def own(self, name: str) -> Any:  # noqa: ANN401  # a physics function, or None for a variable
        """The physics function of an output, in the words of its part or of its link."""
        part, rest = self.part_of(name)
        if part in self.parts:
            return {output.name: output.function for output in self.parts[part].outputs}.get(rest)
        return next(flux.function for flux in self.fluxes if flux.name == part)

    def needed(self, name: str) -> list[str]:
        """The names in the whole of what the function of an output asks for; "known" stands for itself."""
        function, (part, _) = self.own(name), self.part_of(name)
        if function is None:
            return []
        flux = next((flux for flux in self.fluxes if flux.name == part), None)
        if flux is not None:
            return [self.argument_of(flux, argument) for argument in arguments(function)]
        return [argument if argument == "known" else f"{part}.{argument}" for argument in arguments(function)]

    def conversion(self, source: str, unit: str, what: str) -> Conversion:
        """From the unit of an output, or of what ``source`` is written in, to another; a ModelError where none is."""
        try:
            return conversion(source, unit)
        except UnitError as error:
            raise ModelError(f"{what}: {error.what}", where=f"model {self.model}", remedy=error.remedy) from None

    def carried_unit(self, flux: Flux) -> str:
        """The unit of a flux."""
        return self.unit(flux.carries) if flux.carries else flux.unit

    def _take(self, signal: Signal) -> None:
        target = self.input(signal.target)
        if signal.target in self.driven:
            what = (
                f"input '{signal.target}' has two owners: '{self.driven[signal.target].source}' and '{signal.source}'"
            )
            self._refuse(what, "remove one of the links")
        if "." in signal.source:
            source = self.output(signal.source)
            if target.shape is Shape.EVENT:
                what = f"'{signal.target}' is an event, which no output can drive"
                self._refuse(what, "name an input of the whole, without a part, as the source")
            self.conversion(source.unit, target.unit, f"the signal '{signal.source}' for '{signal.target}'")
        self.driven[signal.target] = signal
        shared = [self.input(other) for other, known in self.driven.items() if known.source == signal.source]
        if "." not in signal.source and any((o.unit, o.shape) != (target.unit, target.shape) for o in shared):
            self._refuse(f"input '{signal.source}' is to be of several units or shapes", "use an input for each")

    def _check_flux(self, flux: Flux) -> None:
        if (flux.function is None) == (not flux.carries):
            self._refuse(f"link '{flux.name}' needs either a function or an output that it carries", "give one of them")
        if flux.carries:
            self.output(flux.carries)
        if flux.upstream == flux.downstream:
            self._refuse(f"link '{flux.name}' leads from '{flux.upstream}' to itself", "name two ports")
        for end in (flux.upstream, flux.downstream):
            port, unit = self.port(end), self.carried_unit(flux)
            self.conversion(unit, port.unit, f"the flux '{flux.name}' at '{end}'")
            per_second = f"({port.unit}) / ({self.unit(port.capacity)})" if port.capacity else port.unit
            what = f"port '{end}': {per_second} is no rate of '{port.state}'"
            state = self.unit(port.state)
            rate = self.conversion(per_second, f"({DIFFERENCES.get(state, state)}) / s", what)
            if rate != PLAIN:
                self._refuse(f"{what}: they differ by a factor", "declare units that fit without one")
        if flux.function is not None:
            for argument in arguments(flux.function):
                self.argument_of(flux, argument)

    def argument_of(self, flux: Flux, argument: str) -> str:
        """The name in the whole of what the function of a flux asks for; "known" stands for itself."""
        if argument == "known" or argument in (row.name for row in flux.table):
            return argument if argument == "known" else f"{flux.name}.{argument}"
        for prefix, end in ((UPSTREAM, flux.upstream), (DOWNSTREAM, flux.downstream)):
            port, shown = self.port(end), argument.removeprefix(prefix)
            if argument.startswith(prefix):
                scope = port.state.rpartition(".")[0]
                known = {name.removeprefix(f"{scope}."): name for name in port.shows}
                return self._found(shown, known, f"what the port '{end}' shows")
        own = "".join(f", or {row.name}" for row in flux.table)
        remedy = f"ask for {UPSTREAM}NAME or {DOWNSTREAM}NAME of what the ports show{own}"
        self._refuse(f"link '{flux.name}' asks for '{argument}'", remedy)

    def _check_loops(self, name: str, path: tuple[str, ...]) -> None:
        """Refuse outputs that are made of themselves."""
        if name in path:
            loop = " -> ".join((*path[path.index(name) :], name))
            remedy = "let a state stand between them, such as what one of the parts stores"
            self._refuse(f"algebraic loop: {loop}", remedy)
        for each in self._made_of(name):
            self._check_loops(each, (*path, name))

    def _made_of(self, name: str) -> Sequence[str]:
        """What is needed at the same moment as a driven input, or an output; nothing for what is given."""
        if name in self.driven:
            source = self.driven[name].source
            return [source] if "." in source else []
        return self.needed(name) if name in self._functions else []

    def _found(self, name: str, known: Mapping[str, T], what: str) -> T:
        if name not in known:
            self._refuse(f"expected {what}, got '{name}'", did_you_mean(name, known) or "there is none")
        return known[name]

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise ModelError(what, where=f"model {self.model}", remedy=remedy)


def _named(part: str, row: Any) -> Any:  # noqa: ANN401  # a variable, a constant, an input or an output
    return replace(row, name=f"{part}.{row.name}")


def _port(part: str, port: Port) -> Port:
    return replace(
        port,
        name=f"{part}.{port.name}",
        state=f"{part}.{port.state}",
        shows=tuple(f"{part}.{shown}" for shown in port.shows),
        capacity=port.capacity and f"{part}.{port.capacity}",
    )


def states_of(table: Sequence[Variable | Constant]) -> Iterator[str]:
    """The names of the states of a table."""
    return (row.name for row in table if isinstance(row, State))
