"""Models of a field: many variables alike, each of which can be observed."""

import hashlib
import inspect
from collections.abc import Sequence

from twin_runtime.core import FloatArray, Quantity
from twin_runtime.modelling.model import Fingerprinted, physical
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Input, Output, Variable


class FieldModel(Fingerprinted):
    """What the models of a field have in common; a model adds ``advance``.

    ``settings`` are all the numbers besides the variables that make it what it is.
    """

    inputs: Sequence[Input] = ()
    conserves = ""

    def __init__(self, variables: Sequence[Variable], settings: Sequence[float]) -> None:
        self.variables, self.settings = tuple(variables), tuple(settings)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every variable."""
        return tuple(Output(variable.name, variable.unit) for variable in self.variables)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Every variable."""
        return tuple(Quantity(variable.name, variable.unit) for variable in self.variables)

    @property
    def fingerprint(self) -> str:
        """A hash of the source of this class and of those it is made from, of the variables and of the settings."""
        made_from = [inspect.getsource(kind) for kind in type(self).__mro__ if kind is not object]
        return hashlib.sha256("".join([super().fingerprint, *made_from, repr(self.settings)]).encode()).hexdigest()

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        return physical(x, self.variables)
