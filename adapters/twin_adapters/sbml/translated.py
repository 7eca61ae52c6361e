"""An SBML model as an :class:`OdeModel`: its formulas become physics functions, in a module of their own.

So it is compiled like any other model, every member in one kernel, and can be a part of a coupled model. Its variables
keep the model's names and units; its time becomes seconds.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from twin_adapters.sbml.formulas import TIME
from twin_adapters.sbml.network import Network, settable
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError, UnitError, did_you_mean
from twin_runtime.modelling.files import Wanted
from twin_runtime.modelling.generated import generated
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import arguments
from twin_runtime.modelling.stability import rounded_down
from twin_runtime.modelling.variables import Constant, Fixed, Input, Output, Parameter, Port, State
from twin_runtime.units import conversion

SHARE = 0.05
"""A step as a share of the fastest time constant at the start, where none is given: off by 3e-9 of it (z^5 / 120)."""
SHIFT = 1e-6
LONGEST = 3600.0


@dataclass(frozen=True)
class Translation:
    """What a twin takes of a model: ``seconds`` of a unit of its time, and the names by what they are to the twin."""

    network: Network
    seconds: float
    units: Mapping[str, str]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """The states, and the model's time where formulas ask for it."""
        asks = any(TIME in each.names for each in (*self.network.rates.values(), *self.network.calculated.values()))
        return (*self.network.rates, *([TIME] if asks else []))

    def unit(self, name: str) -> str:
        """The unit of anything. Raises :class:`ModelError` where it is not understood and nobody has said it."""
        unit = self.units.get(name, self.network.time_unit if name == TIME else self.network.units.get(name))
        if unit is None:
            remedy = f'say which it is: units = {{ {name} = "..." }} under [model.settings]'
            refuse(self.network, f"the unit of '{name}' is not understood", remedy)
        return unit

    def source(self) -> str:
        """The functions: the rate of all states, and one for each output that is calculated."""
        per_second = "" if self.seconds == 1.0 else f" / {self.seconds!r}"
        rates = [f"({self.network.rates[name].text}){per_second}" for name in self.network.rates]
        rates += ["1.0" + per_second] if TIME in self.states else []
        needed = [name for rate in self.network.rates.values() for name in rate.names]
        texts = [self._function("rate", [*needed, *self.states], ", ".join(rates))]
        for name in self.outputs:
            if name in self.network.calculated:
                texts.append(self._function(f"output_{name}", [name], name))
        return "\n\n".join(texts)

    def _function(self, name: str, needed: Iterable[str], result: str) -> str:
        order = self.network.order(list(needed))
        asked = {*needed}.union(*(self.network.calculated[each].names for each in order)) - {*order}
        body = "".join(f"    {each} = {self.network.calculated[each].text}\n" for each in order)
        return f"@physics\ndef {name}({', '.join(sorted(asked))}):\n{body}    return {result}\n"


def refuse(network: Network, what: str, remedy: str) -> NoReturn:
    """Raise why a model cannot run as it is asked to."""
    raise ModelError(what, where=str(network.source.file), remedy=remedy)


def translation(network: Network, wanted: Wanted, units: Mapping[str, str], time_unit: str | None) -> Translation:
    """What a twin takes of a model. Raises :class:`ModelError` for what is not there."""
    _follow(network, wanted.variables | wanted.inputs)
    known = settable(network)
    for name in sorted(wanted.variables - network.rates.keys() - known.keys()):
        what = f"'{name}' is no species, parameter or compartment whose value can be set"
        refuse(network, what, did_you_mean(name, [*network.rates, *known]))
    if both := sorted(wanted.variables & wanted.inputs):
        refuse(network, f"'{both[0]}' has both a prior and an input", "remove one of them")
    for name in (name for name in units if name not in network.kinds and name != TIME):
        refuse(network, f"has no '{name}'", did_you_mean(name, network.kinds))
    if not network.rates:
        refuse(network, "nothing in it changes: it has no state", "name a model with reactions or rate rules")
    if TIME in network.kinds and any(TIME in f.names for f in (*network.rates.values(), *network.calculated.values())):
        refuse(network, "something in it is named 'time', as the model's time is here", "give it another name")
    seen = dict.fromkeys((*network.rates, *sorted(wanted.outputs & network.calculated.keys())))
    return Translation(
        network,
        _seconds(network, time_unit or network.time_unit),
        {**units, **({TIME: time_unit} if time_unit else {})},
        tuple(name for name in known if name in wanted.variables),
        tuple(name for name in known if name in wanted.inputs),
        tuple(seen),
    )


def _follow(network: Network, changed: frozenset[str]) -> None:
    """Let constants that are assigned at the start follow what they are made of, where a twin changes that."""
    for name in [name for name in network.initial if name in network.numbers and name not in changed]:
        made_of = _made_of(network, name)
        if name in network.rates or name in network.calculated or not made_of & changed:
            continue
        if moving := sorted(made_of & {*network.rates, TIME}):
            what = f"'{name}' is assigned at the start from '{moving[0]}', which changes, and from what a twin changes"
            refuse(network, what, f"leave {', '.join(sorted(made_of & changed))} as it is")
        network.calculated[name] = network.initial.pop(name)
        del network.numbers[name]


def _made_of(network: Network, name: str) -> set[str]:
    """What a value at the start is made of, all the way down."""
    formula = network.initial.get(name) or network.calculated.get(name)
    names = formula.names if formula else frozenset()
    return {*names}.union(*(_made_of(network, each) for each in names))


def _seconds(network: Network, unit: str | None) -> float:
    if unit is None:
        remedy = 'say which it is: time_unit = "s" (or "min", "h") under [model.settings]'
        refuse(network, "the unit of its time is not given, or not understood", remedy)
    try:
        return conversion(unit, "s").scale
    except UnitError as error:
        refuse(network, f"the unit of its time: {error.what}", error.remedy)


def model_class(taken: Translation, step: float | None) -> type[OdeModel]:
    """The class of a model, in the module of its functions."""
    network = taken.network
    name = re.sub(r"\W", "_", network.source.model.getId() or network.source.file.stem)
    heading = f"# {network.source.digest} {taken.seconds!r} {step!r} {taken.inputs} {taken.outputs}\n"
    source = f"{heading}import math\n\nfrom twin_runtime.modelling.physics import physics\n\n\n{taken.source()}"
    module = generated(f"twin_sbml_{name}", source, {})
    for label, units in _units(taken):
        _give_units(getattr(module, label), units)
    table = tuple(_table(taken))
    cls: type[OdeModel] = type(
        name,
        (OdeModel,),
        {
            "__doc__": network.source.model.getName() or f"The model of {network.source.file.name}.",
            "name": name,
            "table": table,
            "inputs": tuple(Input(each, taken.unit(each), network.start(each)) for each in taken.inputs),
            "outputs": tuple(_outputs(taken, module)),
            "ports": tuple(_ports(taken)),
            "rate": module.rate,
            "step": step if step is not None else _step(taken, module),
        },
    )
    cls.__module__ = module.__name__  # where its kernel's source is found again
    setattr(sys.modules[module.__name__], cls.__qualname__, cls)
    return cls


def _table(taken: Translation) -> Iterator[State | Parameter | Constant]:
    network = taken.network
    for name in network.rates:
        yield State(name, taken.unit(name), Fixed(network.start(name)))
    if TIME in taken.states:
        yield State(TIME, taken.unit(TIME), Fixed(0.0), corrected=False)
    for name in taken.parameters:
        yield Parameter(name, taken.unit(name), Fixed(network.start(name)))
    for name in network.numbers:
        if name not in (*taken.states, *taken.parameters, *taken.inputs, *network.calculated):
            yield Constant(name, taken.unit(name), network.start(name))


def _outputs(taken: Translation, module: ModuleType) -> Iterator[Output]:
    for name in taken.outputs:
        yield Output(name, taken.unit(name), getattr(module, f"output_{name}", None))


def _ports(taken: Translation) -> Iterator[Port]:
    """Every species of a concentration is a port: what a link brings in is an amount by time."""
    for name, place in taken.network.compartment.items():
        if name in taken.network.rates:
            yield Port(name, name, f"({taken.unit(name)}) * ({taken.unit(place)}) / s", (name,), place)


def _units(taken: Translation) -> Iterator[tuple[str, list[str]]]:
    yield "rate", [f"({taken.unit(name)}) / s" for name in taken.states]
    for name in (name for name in taken.outputs if name in taken.network.calculated):
        yield f"output_{name}", [taken.unit(name)]


def _give_units(function: Any, units: list[str]) -> None:  # noqa: ANN401  # a compiled physics function
    """Let a function give its declared units in the check of dimensions.

    Numbers in SBML's formulas have no units, and few models declare them all: that formulas fit is for SBML's tools to
    say. What the runtime converts is what comes in and goes out.
    """
    source: Callable[..., Any] = function.py_func

    def with_units(*given: Any) -> Any:  # noqa: ANN401  # numbers, or quantities of pint
        results = source(*(getattr(value, "magnitude", value) for value in given))
        registry = next((value._REGISTRY for value in given if hasattr(value, "_REGISTRY")), None)
        if registry is None:
            return results
        several = results if isinstance(results, tuple) else (results,)
        made = tuple(registry.Quantity(r, unit) for r, unit in zip(several, units, strict=True))
        return made if isinstance(results, tuple) else made[0]

    source.with_units = with_units  # type: ignore[attr-defined]


def _step(taken: Translation, module: ModuleType) -> float:
    """A step for the fastest time constant at the start, with one digit."""
    rate, states = module.rate, list(taken.states)
    names = arguments(rate)
    start = {name: taken.network.start(name) for name in (*names, *states)}

    def rates(shifted: Mapping[str, float]) -> FloatArray:
        given = rate.py_func(*(shifted[name] for name in names))
        return np.array(given if isinstance(given, tuple) else (given,), np.float64)

    columns = []
    try:
        for name in states:
            by = SHIFT * (abs(start[name]) or 1.0)
            ahead, behind = (rates({**start, name: start[name] + sign * by}) for sign in (1.0, -1.0))
            columns.append((ahead - behind) / (2.0 * by))
        fastest = float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        fastest = math.nan
    if not math.isfinite(fastest):
        remedy = "give one: step = 0.1 under [model.settings], the longest step in seconds"
        refuse(taken.network, "no step can be found from its rates at the start", remedy)
    return min(LONGEST, rounded_down(SHARE / fastest)) if fastest > SHARE / LONGEST else LONGEST
