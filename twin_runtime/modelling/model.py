"""What the runtime asks of a model, and what every model offers by its table of variables."""

import hashlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Protocol

import numpy as np

from twin_runtime.core import FloatArray, Quantity
from twin_runtime.errors import ModelError
from twin_runtime.modelling.physics import UsedConstant
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.spaces import TO_PHYSICAL
from twin_runtime.modelling.variables import Input, Output, Prior, Variable


class Model(Protocol):
    """Physics over an ensemble ``x[twin, member, variable]``, kept in the variables' spaces."""

    @property
    def name(self) -> str:
        """The name by which it is listed."""
        ...

    @property
    def variables(self) -> Sequence[Variable]:
        """The columns of the ensemble array."""
        ...

    @property
    def inputs(self) -> Sequence[Input]:
        """What drives it."""
        ...

    @property
    def outputs(self) -> Sequence[Output]:
        """What sensors can observe."""
        ...

    @property
    def conserves(self) -> str:
        """What the residual of :meth:`advance` balances ("energy"), or empty."""
        ...

    @property
    def quantities(self) -> Sequence[Quantity]:
        """What :meth:`observe` yields: the outputs first, then whatever else is worth publishing."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash of all that makes the model what it is."""
        ...

    def advance(
        self,
        x: FloatArray,
        duration: float,
        signals: InputSignals,
        points: Points,
        predicted: FloatArray,
        residual: FloatArray,
    ) -> None:
        """Advance ``x`` in place by ``duration`` seconds.

        Fills ``predicted[twin, member, reading]``, each reading at its own time, and ``residual[twin]``, the largest
        relative imbalance of what the model conserves over the tick; NaN, and no figure, if it declares nothing.
        """
        ...

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities ``[twin, member, quantity]`` at the end of the tick."""
        ...


def with_settings(
    variables: Sequence[Variable], priors: Mapping[str, Prior], walk: Mapping[str, float], where: str
) -> tuple[Variable, ...]:
    """The table of variables with some priors and walks replaced."""
    names = {variable.name for variable in variables}
    for name in (*priors, *walk):
        if name not in names:
            raise ModelError(
                f"unknown variable '{name}'", where=where, remedy=f"use one of: {', '.join(sorted(names))}"
            )
    return tuple(replace(v, prior=priors.get(v.name, v.prior), walk=walk.get(v.name, v.walk)) for v in variables)


def physical(x: FloatArray, variables: Sequence[Variable]) -> FloatArray:
    """The ensemble in the variables' own units; ``x[..., variable]`` is kept in their spaces."""
    values = x.copy()
    for j, variable in enumerate(variables):
        values[..., j] = TO_PHYSICAL[variable.prior.space](x[..., j], np.exp, *variable.prior.bounds)
    return values


class Fingerprinted:
    """A model whose sources and table of variables identify it."""

    variables: Sequence[Variable]

    @property
    def fingerprint(self) -> str:
        """A hash of the modules that define the model, of its constants, and of its variables as they are set."""
        sources = map(inspect.getsource, self.modules())
        parts = *sources, repr(tuple(self.constants())), repr(tuple(self.variables))
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def modules(self) -> Sequence[ModuleType]:
        """The modules of the model's class and of the models that it is made from."""
        classes = (cls for cls in type(self).__mro__ if issubclass(cls, Fingerprinted))
        return [sys.modules[cls.__module__] for cls in classes if not cls.__module__.startswith("twin_runtime.")]

    def constants(self) -> Sequence[UsedConstant]:
        """The constants that its formulas use, wherever they are defined."""
        return ()
