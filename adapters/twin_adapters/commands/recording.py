"""``twin recording``: what is in a file of recorded data, or behind the mapping of a recording."""

from pathlib import Path
from typing import Annotated

import typer

from twin_runtime.cli.options import Data, Json
from twin_runtime.cli.output import print_json


def recording(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A file of recorded data, or a mapping (TOML).", show_default=False),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key as in the recording table of a mapping; repeatable."),
    ] = None,
    data: Data = None,
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the values in time into this file.")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print a mapping to paste, and nothing else.")] = False,
    json: Json = False,
) -> None:
    """Print what is in FILE: columns, units, rates, gaps, ranges, times and their zone; of a mapping, its channels.

    Which column holds the times, and in which unit, is guessed, and said. `--set` says it instead.

    Example: `twin recording night.edf --plot night.png`

    Example: `twin recording log.csv --set 'time="Datum"' --set 'zone="Europe/Berlin"' --toml > log.recording.toml`
    """
    from twin_adapters.commands.contents import contents_of
    from twin_adapters.commands.contents_report import as_json, show
    from twin_adapters.commands.mapping_text import mapping_of

    contents = contents_of(file, data, settings or [])
    if plot is not None:
        from twin_adapters.commands.picture import draw

        draw(contents, plot)
    if toml:
        typer.echo(mapping_of(contents), nl=False)
    elif json:
        print_json(as_json(contents))
    else:
        show(contents)
        if plot is not None:
            typer.echo(f"drawn into {plot}")
