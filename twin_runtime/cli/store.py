"""``twin store``: what concerns the file of a store itself."""

from pathlib import Path
from typing import Annotated

import typer

from twin_runtime.cli.options import Json
from twin_runtime.cli.output import display, print_json

store = typer.Typer(no_args_is_help=True)


@store.callback()
def _group() -> None:
    """Look after the file of a store.

    Example: `twin store check artery.db`
    """


@store.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="STORE", help="The file of a store.", show_default=False)],
    json: Json = False,
) -> None:
    """Check that a store is as it was written: every entry, estimate and checkpoint. Ends with 2 if it is not.

    Example: `twin store check artery.db`
    """
    from twin_runtime.store.reader import Reader

    with Reader.open(path) as reader:
        reader.require_intact()
        entries, estimates = reader.sizes()
    if json:
        print_json({"intact": True, "entries": entries, "estimates": estimates})
    else:
        display(f"{path} is as it was written: {entries} entries, {estimates} estimates")
