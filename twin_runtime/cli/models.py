"""``twin models``: what can be named under ``model`` in a configuration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, cast

from rich.table import Table

from twin_runtime import entry_points
from twin_runtime.cli.options import Json
from twin_runtime.cli.output import MESSAGES, display, print_json
from twin_runtime.errors import TwinError

if TYPE_CHECKING:
    from twin_runtime.core import Quantity
    from twin_runtime.modelling.model import Model
    from twin_runtime.modelling.variables import Input, Output, Variable


def models(json: Json = False) -> None:
    """List the models that are installed, with their variables, inputs, outputs and units.

    Example: `twin models`
    """
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
