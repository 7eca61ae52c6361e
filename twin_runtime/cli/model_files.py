"""What a file of a model offers: ``twin models --fmu FILE``, ``twin models --sbml FILE``."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer
from rich.table import Table
from rich.text import Text

from twin_runtime import entry_points
from twin_runtime.cli.output import display, print_json
from twin_runtime.errors import TwinError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.modelling.files import Contents, ModelFormat


def show_contents(name: str, file: Path, *, json: bool) -> None:
    """Print what is in a file of a format."""
    found = entry_points.found(entry_points.MODEL_FILES)
    if name not in found:
        raise TwinError(f"no installed package reads models in {name}", remedy=did_you_mean(name, found))
    contents = cast("ModelFormat", entry_points.loaded(found[name])).contents(file)
    if json:
        rows = [row._asdict() for row in contents.rows]
        facts = dict(contents.facts)
        print_json({"title": contents.title, "facts": facts, "refused": contents.refused, "variables": rows})
        return
    display(f"[bold]{contents.title}[/]")
    display(_facts(contents))
    display(_rows(contents))
    if contents.refused:
        display(Text(f"No twin can run it: {contents.refused}", "yellow"))
        return
    display("\nTo paste into a configuration:\n")
    typer.echo(contents.configuration)


def _facts(contents: "Contents") -> Table:
    table = Table(box=None, show_header=False)
    for fact, value in contents.facts:
        table.add_row(f"  {fact}", Text(value))
    return table


def _rows(contents: "Contents") -> Table:
    table = Table("variable", "to a twin", "unit", "start", "", box=None)
    for row in contents.rows:
        table.add_row(*map(Text, row))
    return table
