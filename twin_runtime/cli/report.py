"""The summary of a run, for people. The JSON object is the same, for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from twin_runtime.cli.output import display, print_json


def tell(summary: Mapping[str, Any], *, json: bool) -> None:
    """Print a summary on stdout: one JSON object, or tables."""
    if json:
        print_json(summary)
    else:
        display(_tables(summary))


def _tables(summary: Mapping[str, Any]) -> RenderableType:
    return Group(_facts(summary), "", _estimates(summary["estimates"], summary["unit"]))


def _facts(summary: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for key, value in summary.items():
        if key not in ("estimates", "unit") and value not in (None, [], {}):
            table.add_row(key.replace("_", " "), _text(value))
    return table


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items() if part != {})
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _estimates(estimates: Mapping[str, Any], units: Mapping[str, str]) -> Table:
    table = Table("twin", "quantity", "mean", "sd", "unit", box=None)
    for twin, quantity, figures in _by_twin(estimates, units):
        table.add_row(twin, quantity, f"{figures['mean']:.4g}", f"{figures['sd']:.2g}", units[quantity])
    return table


def _by_twin(estimates: Mapping[str, Any], units: Mapping[str, str]) -> Iterable[tuple[str, str, Mapping[str, float]]]:
    """(twin, quantity, figures), of a single twin as of a fleet."""
    alone = set(estimates) <= set(units)
    for twin, quantities in ({"": estimates} if alone else estimates).items():
        yield from ((twin, quantity, figures) for quantity, figures in quantities.items())
