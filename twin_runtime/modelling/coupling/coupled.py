"""A model made of models: its parts are fused into one kernel, with nothing between them but the links."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling.composed import conserved_of, events_of, functions_of
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.links import Link
from twin_runtime.modelling.coupling.operators import OperatorText, check_ratios, steps_of
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import UsedConstant, identifier
from twin_runtime.modelling.splitting import SPLITTINGS, check_splitting, turns


class Coupled(OdeModel):
    """A model declared by ``parts`` with names, and ``links`` between them.

    Everything of a part bears its name: ``heart.pressure``. An input that a link drives is none of the whole any more.
    All parts advance together, by the shortest of their steps, in one kernel: there is no splitting error, and what a
    :class:`Flux` carries leaves one end and enters the other in every stage of every step. A coupled model may be a
    part itself.

    With a ``splitting``, "gauss-seidel" (order 1) or "strang" (order 2), each part advances by its own step, and the
    parts take turns within an ``exchange`` interval, in seconds, the longest of their steps if it is 0; all steps must
    fill it. An exchange ends early at every reading, event and knot of an input. A flux between parts of two steps
    advances with the shorter one, and changes both ends in the same stages, so that nothing leaks. Raises ModelError
    where parts and links do not fit.
    """

    parts: ClassVar[Mapping[str, type[OdeModel]]] = {}
    links: ClassVar[tuple[Link, ...]] = ()
    splitting: ClassVar[str] = ""
    exchange: ClassVar[float] = 0.0

    def __init_subclass__(cls, **given: Any) -> None:  # noqa: ANN401
        super().__init_subclass__(**given)
        if cls.parts:
            _compose(cls)

    def constants(self) -> Sequence[UsedConstant]:
        """Those of its parts and links, and the steps by which it advances."""
        steps = repr((self.step, *(operator.step for operator in self.operators), *self.turns))
        return [*super().constants(), UsedConstant(self.name, "steps", steps)]


def _compose(cls: type[Coupled]) -> None:
    """Declare a model of differential equations by its parts and links."""
    for name, part in cls.parts.items():
        given: object = part
        if not (isinstance(given, type) and issubclass(given, OdeModel)):
            what = f"part '{name}' is no model of differential equations, but {part!r}"
            raise ModelError(what, where=f"model {cls.__name__}", remedy="name a class of OdeModel or Coupled")
    composition = Composition(cls.__name__, cls.parts, cls.links)
    steps, called = steps_of(composition), dict[str, Any]()
    apart = _apart(cls, composition, steps)
    texts = [OperatorText(composition, step, k, called) for k, step in enumerate(steps if apart else ())]
    _, functions = functions_of(composition, called, dict(pair for text in texts for pair in text.texts()))
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
    cls.operators = tuple(text.operator(functions) for text in texts)
    cls.step = (cls.exchange or steps[0]) if apart else steps[-1]
    cls.turns = tuple(turns(steps, cls.step, cls.splitting) if apart else ())


def _apart(cls: type[Coupled], composition: Composition, steps: Sequence[float]) -> bool:
    """Whether the parts take turns; raises ModelError where they are to, and cannot."""
    where = f"model {cls.__name__}"
    if not cls.splitting:
        if cls.exchange:
            remedy = f"give a splitting too: {' or '.join(SPLITTINGS)}"
            raise ModelError("an exchange interval without a splitting", where=where, remedy=remedy)
        return False
    check_splitting(cls.splitting, where)
    check_ratios(composition, cls.exchange or steps[0])
    return len(steps) > 1 or (cls.exchange or steps[0]) > steps[0]


def coupled(
    name: str,
    parts: Mapping[str, type[OdeModel]],
    links: tuple[Link, ...],
    splitting: str = "",
    exchange: float = 0.0,
) -> type[Coupled]:
    """A coupled model without a class statement, as a configuration declares it."""
    given = {"name": name, "parts": dict(parts), "links": links, "splitting": splitting, "exchange": exchange}
    cls: type[Coupled] = type(name, (Coupled,), given)
    cls.__module__ = cls.rate.__module__  # where its kernel's source is found again
    setattr(sys.modules[cls.__module__], cls.__qualname__, cls)
    return cls
