"""Models made of models: parts with names, joined by links."""

from twin_runtime.modelling.coupling.coupled import Coupled, coupled
from twin_runtime.modelling.coupling.drawing import mermaid
from twin_runtime.modelling.coupling.joined import Joined, joined
from twin_runtime.modelling.coupling.laws import Law
from twin_runtime.modelling.coupling.links import Flux, Link, Signal

__all__ = ["Coupled", "Flux", "Joined", "Law", "Link", "Signal", "coupled", "joined", "mermaid"]
