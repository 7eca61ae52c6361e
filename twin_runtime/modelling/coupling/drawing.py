"""A coupled model as a drawing in the language of Mermaid."""

from collections.abc import Iterator

from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.coupled import Coupled
from twin_runtime.modelling.coupling.joined import Joined
from twin_runtime.modelling.coupling.links import Flux, Signal
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import identifier
from twin_runtime.modelling.variables import State


def mermaid(model: Coupled | Joined) -> str:
    """Parts as boxes (a whole as a box around its parts), signals as arrows, fluxes as thick ones, with their units."""
    return _of_any_kind(model) if isinstance(model, Joined) else _of_equations(type(model))


def _of_any_kind(model: Joined) -> str:
    """The drawing of parts that exchange values at intervals."""
    shown = {f"{n}.{q.name}": q.unit for n, part in model.models.items() for q in part.quantities}
    lines = [
        f'flowchart LR\n    subgraph whole["{model.name}: exchange every {model.exchange:g} s, {model.splitting}"]'
    ]
    for name, part in model.models.items():
        step = f"<br/>step {part.step:g} s" if isinstance(part, OdeModel) else ""
        lines.append(f'        {identifier(name)}["{name}: {part.name}<br/>{len(part.variables)} variables{step}"]')
    lines.append("    end")
    for given in model.inputs:
        lines.append(f"    {identifier(given.name)}>{given.name}]")
        targets = [link.target for link in model.links if isinstance(link, Signal) and link.source == given.name]
        boxes = (_box(target) for target in targets or [given.name])
        lines += [f'    {identifier(given.name)} -- "({given.unit})" --> {box}' for box in boxes]
    for link in model.links:
        if isinstance(link, Flux):
            label = f"{link.name} ({shown[link.carries]})"
            lines.append(f'    {_box(link.upstream)} == "{label}" ==> {_box(link.downstream)}')
        elif "." in link.source:
            label = f"{_last(link.source)} ({shown[link.source]})"
            lines.append(f'    {_box(link.source)} -- "{label}" --> {_box(link.target)}')
    return "\n".join(lines) + "\n"


def _of_equations(model: type[Coupled]) -> str:
    """The drawing of parts in one kernel."""
    lines = ["flowchart LR", *_parts(model, "", "    ")]
    for name in (given.name for given in model.inputs):
        lines.append(f"    {identifier(name)}>{name}]")
    return "\n".join((*lines, *_links(model, ""), *_free(model))) + "\n"


def _parts(model: type[Coupled], scope: str, indent: str) -> Iterator[str]:
    for name, part in model.parts.items():
        place = identifier(scope + name)
        if issubclass(part, Coupled):
            yield f'{indent}subgraph {place}["{name}: {part.name}"]'
            yield from _parts(part, f"{scope}{name}.", indent + "    ")
            yield f"{indent}end"
        else:
            states = ", ".join(f"{row.name} ({row.unit})" for row in part.table if isinstance(row, State))
            yield f'{indent}{place}["{name}: {part.name}<br/>{states}<br/>step {part.step:g} s"]'


def _links(model: type[Coupled], scope: str) -> Iterator[str]:
    """The links of a whole and of the wholes in it."""
    composition = Composition(model.__name__, model.parts, model.links)
    for signal in composition.signals:
        source, target = scope + signal.source, _box(scope + signal.target)
        if "." in signal.source:
            unit = composition.output(signal.source).unit
            yield f'    {_box(source)} -- "{_last(signal.source)} ({unit})" --> {target}'
        elif not scope:
            yield f'    {identifier(source)} -- "({composition.input(signal.target).unit})" --> {target}'
    for flux in composition.fluxes:
        label = f"{flux.name} ({composition.carried_unit(flux)})"
        yield f'    {_box(scope + flux.upstream)} == "{label}" ==> {_box(scope + flux.downstream)}'
    for name, part in model.parts.items():
        if issubclass(part, Coupled):
            yield from _links(part, f"{scope}{name}.")


def _free(model: type[Coupled]) -> Iterator[str]:
    """The inputs that belong to one part."""
    for given in model.inputs:
        if "." in given.name:
            yield f'    {identifier(given.name)} -- "({given.unit})" --> {_box(given.name)}'


def _box(name: str) -> str:
    """The box of the part that an input, an output or a port belongs to."""
    return identifier(name.rpartition(".")[0])


def _last(name: str) -> str:
    return name.rpartition(".")[2]
