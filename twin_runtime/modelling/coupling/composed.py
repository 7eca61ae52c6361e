"""The physics functions of a coupled model, written as calls of those of its parts."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from twin_runtime.modelling.coupling.body import Body
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.generated import generated
from twin_runtime.modelling.physics import PhysicsFunction, identifier
from twin_runtime.modelling.variables import Conserved

HEADER = "from twin_runtime.modelling.physics import physics\n"


def functions_of(
    composition: Composition, called: dict[str, PhysicsFunction], more: Mapping[str, str]
) -> tuple[ModuleType, dict[str, Any]]:
    """The module of the composed functions, and what a class of :class:`OdeModel` declares of them.

    ``more`` are texts of further functions, and ``called`` what those call.
    """
    texts = {"rate": Body(composition, called).rate()}
    for given in composition.inputs:
        listeners = _listeners(composition, given.name)
        if listeners:
            texts[f"event_{identifier(given.name)}"] = Body(composition, called).events(listeners)
    jumps = [part for part, model in composition.parts.items() if model.jump is not None]
    if jumps:
        texts["jump"] = Body(composition, called).jump(jumps)
    for output in composition.outputs:
        if output.function is not None:
            texts[f"output_{identifier(output.name)}"] = Body(composition, called).output(output.name)
    for name in composition.conserved:
        texts[f"stored_{name}"] = Body(composition, called).stored(name)
        texts[f"inflow_{name}"] = Body(composition, called).inflow(name)
    texts |= more
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
