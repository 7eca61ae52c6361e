"""Models made of models: parts with names, joined by links."""

from twin_runtime.modelling.coupling.coupled import Coupled
from twin_runtime.modelling.coupling.links import Flux, Link, Signal

__all__ = ["Coupled", "Flux", "Link", "Signal"]
