"""``twin models``: what can be named under ``model`` in a configuration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.table import Table

from twin_runtime import entry_points
from twin_runtime.cli.model_files import show_contents
from twin_runtime.cli.options import Json
from twin_runtime.cli.output import MESSAGES, display, print_json
from twin_runtime.errors import ConfigError, TwinError

if TYPE_CHECKING:
    from twin_runtime.core import Quantity
    from twin_runtime.modelling.model import Model
    from twin_runtime.modelling.variables import Input, Output, Variable


def models(
    graph: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="Draw the coupled models of a configuration instead, in Mermaid."),
    ] = None,
    fmu: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Show what an FMU offers instead, and the tables to paste.")
    ] = None,
    sbml: Annotated[Path | None, typer.Option(metavar="FILE", help="Likewise what an SBML file offers.")] = None,
    json: Json = False,
) -> None:
    """List the models that are installed, with their variables, inputs, outputs and units.

    Example: `twin models`, `twin models --graph plant.toml`, `twin models --fmu tank.fmu`
    """
    for name, file in (("fmu", fmu), ("sbml", sbml)):
        if file is not None:
            show_contents(name, file, json=json)
            return
    if graph is not None:
        _draw(graph)
        return
    found: dict[str, Model] = {}
    for name, point in entry_points.found(entry_points.MODELS).items():
        try:
            found[name] = cast("Callable[[], Model]", entry_points.loaded(point))()
        except Exception as error:  # the model is not ours: whatever it raises, the others are listed
            told = str(error) if isinstance(error, TwinError) else f"{point.value}: {type(error).__name__}: {error}"
            MESSAGES.print("[yellow]left out:[/]", end=" ")
            MESSAGES.print(told, markup=False, soft_wrap=True)
    if json:
        print_json({name: _described(model) for name, model in found.items()})
        return
    for name, model in found.items():
        display(f"[bold]{name}[/]  {_summary(model)}")
        display(_table(model))


def _draw(config: Path) -> None:
    """The drawing of each coupled model of a configuration, for any program that shows Mermaid."""
    from twin_runtime.config import load
    from twin_runtime.config.against_model import create_model
    from twin_runtime.modelling.coupling import Coupled, Joined, mermaid

    made = [create_model(twin_type) for twin_type in load(config).types]
    drawings = [mermaid(model) for model in made if isinstance(model, Coupled | Joined)]
    if not drawings:
        remedy = 'write model = "coupled" with [model.parts.NAME], or name a coupled model'
        raise ConfigError("no model here is made of parts", where=str(config), remedy=remedy)
    for drawing in drawings:
        typer.echo(drawing, nl=False)


def _described(model: "Model") -> dict[str, object]:
    return {
        "summary": _summary(model),
        "inputs": _units(model.inputs),
        "outputs": _units(model.outputs),
        "variables": _units(model.variables),
    }


def _summary(model: "Model") -> str:
    return (type(model).__doc__ or "").partition("\n")[0]


def _units(rows: "Iterable[Variable | Input | Output | Quantity]") -> dict[str, str]:
    return {row.name: row.unit for row in rows}


def _table(model: "Model") -> Table:
    table = Table(box=None, show_header=False)
    for kind in ("inputs", "outputs", "variables"):
        table.add_row(f"  {kind}", ", ".join(_families(_units(getattr(model, kind)))) or "none")
    return table


def _families(units: Mapping[str, str]) -> Iterator[str]:
    """Names with their units; numbered ones, the cells of a field, together."""
    for (family, unit), group in groupby(units.items(), key=lambda item: (item[0].rstrip("0123456789_"), item[1])):
        names = [name for name, _ in group]
        yield f"{names[0]} ({unit})" if len(names) == 1 else f"{family} x {len(names)} ({unit})"
