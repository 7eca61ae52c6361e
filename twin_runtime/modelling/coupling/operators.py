"""The operators of a coupled model whose parts advance by steps of their own: one for each step."""

from collections.abc import Iterator, Mapping
from typing import Any

from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling.body import Body
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.links import Flux
from twin_runtime.modelling.ode import operators_of
from twin_runtime.modelling.physics import PhysicsFunction, identifier
from twin_runtime.modelling.splitting import Operator, ratio


def steps_of(composition: Composition) -> list[float]:
    """The steps of all parts, from the longest to the shortest."""
    return sorted({o.step for part in composition.parts.values() for o in operators_of(part)}, reverse=True)


def check_ratios(composition: Composition, exchange: float) -> None:
    """Raise :class:`ModelError` for a part whose steps do not fill the exchange interval."""
    for part, model in composition.parts.items():
        for operator in operators_of(model):
            if ratio(exchange, operator.step) is None:
                what = (
                    f"part '{part}' advances by {operator.step:g} s, of which an exchange interval of {exchange:g} s "
                    f"has {exchange / operator.step:.6g}: no whole number"
                )
                remedy = f"choose a step of {exchange / max(1, round(exchange / operator.step)):g} s for it"
                raise ModelError(what, where=f"model {composition.model}", remedy=remedy)


class OperatorText:
    """Writes the functions of the operator of one step: the rates of the parts that have it, and the fluxes it owns.

    A flux belongs to the part that advances by the shorter step; its two ends change in the same stages.
    """

    def __init__(self, composition: Composition, step: float, number: int, called: dict[str, PhysicsFunction]) -> None:
        self.composition, self.step, self.number, self.called = composition, step, number, called
        self.members = [
            (part, k, operator)
            for part, model in composition.parts.items()
            for k, operator in enumerate(operators_of(model))
            if operator.step == step
        ]
        own = (f"{part}.{state}" for part, _, operator in self.members for state in operator.states)
        touched = (composition.port(end).state for flux in self.fluxes() for end in (flux.upstream, flux.downstream))
        self.states = tuple(dict.fromkeys((*own, *touched)))
        self.jumping = tuple(f"{part}.{state}" for part, _, o in self.members for state in o.jumping)

    def fluxes(self) -> Iterator[Flux]:
        """The fluxes that it owns."""
        for flux in self.composition.fluxes:
            if min(map(self.step_of, (flux.upstream, flux.downstream))) == self.step:
                yield flux

    def step_of(self, end: str) -> float:
        """The step by which the part at the end of a flux advances what the flux changes."""
        part, state = self.composition.part_of(self.composition.port(end).state)
        return max(o.step for o in operators_of(self.composition.parts[part]) if state in o.states)

    def texts(self) -> Iterator[tuple[str, str]]:
        """The functions by name."""
        yield f"rate_{self.number}", self.rate()
        for name in self.composition.conserved:
            if text := self.inflow(name):
                yield f"inflow_{self.number}_{name}", text
        if self.jumping:
            functions = {part: (f"jump_{k}", o.jump, o.jumping) for part, k, o in self.members if o.jump is not None}
            yield f"jump_{self.number}", self.body().changed(functions, self.jumping)

    def body(self) -> Body:
        """An empty function."""
        return Body(self.composition, self.called)

    def rate(self) -> str:
        """The derivatives of its states."""
        body, begun = self.body(), set[str]()
        for part, k, operator in self.members:
            begun |= body.take_rates(part, f"rate_{k}", operator.rate, operator.states)
        for flux in self.fluxes():
            body.apply(flux, begun)
        return body.text(", ".join(f"d_{identifier(state)}" for state in self.states))

    def inflow(self, name: str) -> str:
        """What its rates carry across the boundary of something conserved; empty if nothing."""
        holders = self.composition.conserved[name]
        terms = {
            part: (f"inflow_{k}_{name}", operator.inflow[name], holders[part])
            for part, k, operator in self.members
            if part in holders and name in operator.inflow
        }
        owned = {flux.name for flux in self.fluxes()}
        crossing = [(flux, sign) for flux, sign in self.composition.crossing(name) if flux.name in owned]
        return self.body().crossed(name, terms, crossing) if terms or crossing else ""

    def operator(self, functions: Mapping[str, Any]) -> Operator:
        """The operator, of the functions that were written."""
        names = (name for name in self.composition.conserved if f"inflow_{self.number}_{name}" in functions)
        inflow = {name: functions[f"inflow_{self.number}_{name}"] for name in names}
        rate, jump = functions[f"rate_{self.number}"], functions.get(f"jump_{self.number}")
        return Operator(self.step, self.states, rate, inflow, jump, self.jumping)
