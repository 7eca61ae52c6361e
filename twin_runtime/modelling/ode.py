"""Models made of ordinary differential equations: a declaration, scalar functions, one kernel compiled from them."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from twin_runtime.core import FloatArray, Quantity
from twin_runtime.modelling.compilation import NUMBA_ERRORS, compilation_fault
from twin_runtime.modelling.declaration import check_declaration, formulas_of
from twin_runtime.modelling.generated import modules_of
from twin_runtime.modelling.kernel import compile_kernels
from twin_runtime.modelling.kernel_source import Declaration, physics_functions, unobserved
from twin_runtime.modelling.model import Fingerprinted, with_settings
from twin_runtime.modelling.physics import UsedConstant, constants
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.splitting import Operator, Turn
from twin_runtime.modelling.variables import Conserved, Constant, Input, Output, Port, Prior, Shape, State, Variable


class OdeModel(Fingerprinted):
    """A model declared by a table of variables and scalar physics functions, whose arguments are matched by name.

    ``rate(variables and inputs)`` gives the time derivatives of the states, in the order of the table;
    ``events[input]`` gives the states after an event of that input; ``jump``, where given, gives the states after each
    sub-step (it may also ask for ``known``, 1 where the inputs are observed and 0 in a forecast beyond them).
    ``conserved`` declares what it neither makes nor loses.
    Integrated by the classical Runge-Kutta method with sub-steps of at most ``step`` seconds that end at every event
    and every reading. Where ``operators`` and ``turns`` are given, they take turns within each sub-step.
    """

    name: ClassVar[str]
    table: ClassVar[tuple[Variable | Constant, ...]]
    inputs: ClassVar[tuple[Input, ...]] = ()
    outputs: ClassVar[tuple[Output, ...]] = ()
    rate: ClassVar[Callable[..., Any]]
    events: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    jump: ClassVar[Callable[..., Any] | None] = None
    step: ClassVar[float]
    conserved: ClassVar[tuple[Conserved, ...]] = ()
    ports: ClassVar[tuple[Port, ...]] = ()
    operators: ClassVar[tuple[Operator, ...]] = ()
    turns: ClassVar[tuple[Turn, ...]] = ()

    def __init__(self, priors: Mapping[str, Prior] | None = None, walk: Mapping[str, float] | None = None) -> None:
        check_declaration(type(self))  # type: ignore[arg-type]  # mypy takes a class for its instances
        variables = [entry for entry in self.table if isinstance(entry, Variable)]
        self.variables = with_settings(variables, priors or {}, walk or {}, f"model {self.name}")
        others = unobserved(self.variables, self.outputs)
        self.quantities = (
            *(Quantity(output.name, output.unit) for output in self.outputs),
            *(Quantity(variable.name, variable.unit) for variable in others),
        )
        """The outputs, then all variables that are not outputs themselves."""
        self._advance, self._observe = compile_kernels(self.declaration())
        self._events = np.array([int(i.shape is Shape.EVENT) for i in self.inputs], np.int64)

    def declaration(self) -> Declaration:
        """What the kernel is compiled from."""
        cls = type(self)
        return Declaration(
            model=cls,
            variables=self.variables,
            states=tuple(v.name for v in self.variables if isinstance(v, State)),
            inputs=cls.inputs,
            outputs=cls.outputs,
            rate=cls.rate,
            events=cls.events,
            jump=cls.jump,
            conserved=cls.conserved,
            constants={entry.name: entry.value for entry in cls.table if isinstance(entry, Constant)},
            operators=cls.operators,
            turns=cls.turns,
        )

    @property
    def conserves(self) -> str:
        """What the residual balances, in words; empty where nothing is declared."""
        return " and ".join(each.name for each in self.conserved)

    def modules(self) -> Sequence[ModuleType]:
        """The modules of the model's class, and those in which its physics is written."""
        return [*super().modules(), *modules_of(physics_functions(self.declaration()).values())]

    def constants(self) -> Sequence[UsedConstant]:
        """The constants that it declares, and those that its physics functions use, wherever they are defined."""
        declared = [UsedConstant(self.name, e.name, repr(e)) for e in self.table if isinstance(e, Constant)]
        return [*declared, *constants(physics_functions(self.declaration()).values())]

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
        residual[:] = np.nan  # no figure where nothing is conserved
        try:
            self._advance(x, self.step, duration, self._events, signals, points, predicted, residual)
        except NUMBA_ERRORS as error:
            raise compilation_fault(formulas_of(type(self)).values(), error) from error

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        values = np.empty((*x.shape[:2], len(self.quantities)))
        self._observe(x, duration, signals, values)
        return values


def operators_of(model: type[OdeModel]) -> tuple[Operator, ...]:
    """The operators of a model; one of all states where they advance together."""
    if model.operators:
        return model.operators
    states = tuple(entry.name for entry in model.table if isinstance(entry, State))
    inflow = {each.name: each.inflow for each in model.conserved}
    return (Operator(model.step, states, model.rate, inflow, model.jump, states if model.jump is not None else ()),)


def with_step(model: type[OdeModel], step: float) -> type[OdeModel]:
    """A model that is integrated by other steps, in seconds."""
    return type(model.__name__, (model,), {"step": step, "__module__": model.__module__, "__doc__": model.__doc__})
