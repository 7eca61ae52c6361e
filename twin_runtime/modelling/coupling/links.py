"""What joins the parts of a coupled model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin_runtime.modelling.variables import Constant, Parameter

UPSTREAM, DOWNSTREAM = "upstream_", "downstream_"
"""Before the names of what the two ends of a flux show."""


@dataclass(frozen=True, slots=True)
class Signal:
    """An output of a part drives an input of another: ``Signal("heart.flow", "tree.flow")``.

    A ``source`` without a part is an input of the whole, which may drive inputs of several parts.
    """

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Flux:
    """What leaves one port and enters another, at the same moment and in the same amount.

    ``upstream`` and ``downstream`` are ports, such as ``"heart.outlet"``; a positive flux flows from the first to the
    second. ``function`` is a physics function in ``unit`` of what the ends show, by the names ``upstream_pressure`` and
    ``downstream_pressure``, and of the link's own ``table``; instead of it ``carries`` names an output of a part. The
    link's rows stand below its ``name`` in the table of the whole, its flux is the output ``name.flux``.
    """

    name: str
    upstream: str
    downstream: str
    function: Callable[..., Any] | None = None
    unit: str = ""
    table: tuple[Parameter | Constant, ...] = ()
    carries: str = ""


Link = Signal | Flux
