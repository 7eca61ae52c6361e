"""A model made of models: its parts are fused into one kernel, with nothing between them but the links."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling.composed import conserved_of, events_of, functions_of
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.links import Link
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import identifier


class Coupled(OdeModel):
    """A model declared by ``parts`` with names, and ``links`` between them.

    Everything of a part bears its name: ``heart.pressure``. An input that a link drives is none of the whole any more.
    All parts advance together, by the shortest of their steps, in one kernel: there is no splitting error, and what a
    :class:`Flux` carries leaves one end and enters the other in every stage of every step. A coupled model may be a
    part itself. Raises ModelError where parts and links do not fit.
    """

    parts: ClassVar[Mapping[str, type[OdeModel]]] = {}
    links: ClassVar[tuple[Link, ...]] = ()

    def __init_subclass__(cls, **given: Any) -> None:  # noqa: ANN401
        super().__init_subclass__(**given)
        if cls.parts:
            _compose(cls)


def _compose(cls: type[Coupled]) -> None:
    """Declare a model of differential equations by its parts and links."""
    for name, part in cls.parts.items():
        given: object = part
        if not (isinstance(given, type) and issubclass(given, OdeModel)):
            what = f"part '{name}' is no model of differential equations, but {part!r}"
            raise ModelError(what, where=f"model {cls.__name__}", remedy="name a class of OdeModel or Coupled")
    composition = Composition(cls.__name__, cls.parts, cls.links)
    _, functions = functions_of(composition)
    cls.table = composition.table
    cls.inputs = composition.inputs
    cls.outputs = tuple(
        replace(output, function=functions.get(f"output_{identifier(output.name)}")) for output in composition.outputs
    )
    cls.ports = composition.ports
    cls.rate = functions["rate"]
    cls.events = dict(events_of(composition, functions))
    cls.jump = functions.get("jump")
    cls.conserved = tuple(conserved_of(composition, functions))
    cls.step = min(part.step for part in cls.parts.values())


def coupled(name: str, parts: Mapping[str, type[OdeModel]], links: tuple[Link, ...]) -> type[Coupled]:
    """A coupled model without a class statement, as a configuration declares it."""
    cls: type[Coupled] = type(name, (Coupled,), {"name": name, "parts": dict(parts), "links": links})
    cls.__module__ = cls.rate.__module__  # where its kernel's source is found again
    setattr(sys.modules[cls.__module__], cls.__qualname__, cls)
    return cls
