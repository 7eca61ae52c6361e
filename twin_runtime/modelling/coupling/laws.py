"""Laws of fluxes by name, so that a configuration can join parts without code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin_runtime.modelling.coupling.links import Flux
from twin_runtime.modelling.variables import Constant, Parameter


@dataclass(frozen=True, slots=True)
class Law:
    """What a :class:`Flux` needs besides its name and its ends; found by the entry point ``twin_runtime.fluxes``."""

    function: Callable[..., Any]
    unit: str
    table: tuple[Parameter | Constant, ...] = ()

    def flux(self, name: str, upstream: str, downstream: str) -> Flux:
        """A link by this law."""
        return Flux(name, upstream, downstream, self.function, self.unit, self.table)
