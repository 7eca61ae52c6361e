"""What drives inputs of parts of any kind: signals, and fluxes whose ends are inputs."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.links import Flux
from twin_runtime.modelling.variables import Shape
from twin_runtime.units import Conversion


class Drive(NamedTuple):
    """An output, ``source``, that drives inputs, each with the conversion to its unit.

    What is ``carried`` is taken once an interval; else it is that of the moment.
    """

    source: str
    targets: tuple[tuple[str, Conversion], ...]
    carried: bool


def drives_of(composition: Composition, fluxes: Sequence[Flux]) -> tuple[Drive, ...]:
    """All that drives inputs by outputs; raises :class:`ModelError` for what does not fit."""
    taken = dict.fromkeys(composition.driven)
    return (*_signals(composition), *(_flux(composition, flux, taken) for flux in fluxes))


def _signals(composition: Composition) -> Iterator[Drive]:
    for target, signal in composition.driven.items():
        if "." in signal.source:
            yield Drive(signal.source, (_end(composition, signal.source, target),), carried=False)


def _flux(composition: Composition, flux: Flux, taken: dict[str, None]) -> Drive:
    where = f"model {composition.model}"
    if not flux.carries or flux.function is not None:
        what = f"link '{flux.name}' joins parts that are not all differential equations, by a law"
        raise ModelError(what, where=where, remedy="let it carry an output of a part, to an input of each end")
    for end in (flux.upstream, flux.downstream):
        if end in taken:
            raise ModelError(f"input '{end}' has two owners", where=where, remedy="remove one of the links")
        if composition.input(end).shape is Shape.EVENT:
            raise ModelError(f"'{end}' is an event, which no flux can enter", where=where, remedy="name another input")
        taken[end] = None
    ends = tuple(_end(composition, flux.carries, end) for end in (flux.upstream, flux.downstream))
    return Drive(flux.carries, ends, carried=True)


def _end(composition: Composition, source: str, target: str) -> tuple[str, Conversion]:
    """An input and how it takes what an output shows."""
    what = f"'{source}' for '{target}'"
    return target, composition.conversion(composition.output(source).unit, composition.input(target).unit, what)
