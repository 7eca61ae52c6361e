"""The summary of a run, for people. The JSON object is the same, for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from twin_runtime.cli.outlook_tables import KEYS, outlook_tables
from twin_runtime.cli.output import display, print_json

ABSENT: tuple[object, ...] = (None, [], {}, "")
"""What is not shown."""


def print_summary(summary: Mapping[str, Any], *, json: bool) -> None:
    """Print a summary on stdout: one JSON object, or tables."""
    if json:
        print_json(summary)
    else:
        display(_tables(summary))


def _tables(summary: Mapping[str, Any]) -> RenderableType:
    if "types" in summary:
        return Group(_facts(summary), "", *map(_tables, summary["types"].values()))
    own = (_facts(summary), _diagnostics(summary["diagnostics"]), _estimates(summary["estimates"], summary["unit"]))
    parts = (*own, *outlook_tables(summary))
    return Group(*(part for table in parts if table.row_count for part in (table, "")))


def _facts(summary: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for each in summary.get("chapters", ()):
        table.add_row(f"chapter {each['chapter']}", _chapter(each))
    for key, value in summary.items():
        if key not in ("estimates", "unit", "diagnostics", "types", "chapters", *KEYS) and value not in ABSENT:
            table.add_row(key.replace("_", " "), _text(value))
    return table


def _chapter(chapter: Mapping[str, Any]) -> str:
    """When a chapter began, by what change, and whether a replay could follow."""
    said = [f"from {chapter['begins'] or 'the beginning'}", *chapter["changes"]]
    return "; ".join([*said, f"not replayed: {chapter['why']}"] if chapter.get("why") else said)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        given = {key.replace("_", " "): part for key, part in value.items() if part not in ABSENT}
        return ", ".join(f"{key} {_text(part)}" for key, part in given.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _diagnostics(diagnostics: Mapping[str, Any]) -> Table:
    """Innovations compared with what they should be; all figures are in the JSON."""
    table = Table("twin", "sensor", "readings", "rmse", "spread", "skill", "crps", "noise", "found", "ranks", box=None)
    for twin, sensor, figures in _by_sensor(diagnostics):
        noise = (figures["noise_sd"]["stated"], figures["noise_sd"]["found"])
        numbers = (*(figures[name] for name in ("rmse", "spread", "skill", "crps")), *noise, figures["rank_flatness"])
        table.add_row(twin, sensor, str(figures["readings"]), *("" if n is None else f"{n:.3g}" for n in numbers))
    return table


def _by_sensor(diagnostics: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """(twin, sensor, figures), of a single twin as of a fleet."""
    alone = any("readings" in figures for figures in diagnostics.values())
    for twin, sensors in ({"": diagnostics} if alone else diagnostics).items():
        yield from ((twin, sensor, figures) for sensor, figures in sensors.items())


def _estimates(estimates: Mapping[str, Any], units: Mapping[str, str]) -> Table:
    table = Table("twin", "quantity", "mean", "sd", "unit", "standing", box=None)
    for twin, quantity, figures in _by_twin(estimates, units):
        table.add_row(
            twin, quantity, f"{figures['mean']:.4g}", f"{figures['sd']:.2g}", units[quantity], figures["standing"]
        )
    return table


def _by_twin(estimates: Mapping[str, Any], units: Mapping[str, str]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """(twin, quantity, figures), of a single twin as of a fleet."""
    alone = set(estimates) <= set(units)
    for twin, quantities in ({"": estimates} if alone else estimates).items():
        yield from ((twin, quantity, figures) for quantity, figures in quantities.items())
