"""The program ``twin``."""

import os
from importlib.metadata import version
from typing import Annotated

import typer

from twin_runtime.cli.alarms import alarms
from twin_runtime.cli.calibrate import calibrate
from twin_runtime.cli.check import check
from twin_runtime.cli.forecast import forecast, what_if
from twin_runtime.cli.group import Commands
from twin_runtime.cli.models import models
from twin_runtime.cli.new import new
from twin_runtime.cli.replay import replay
from twin_runtime.cli.run import run
from twin_runtime.cli.show import show
from twin_runtime.cli.store import store
from twin_runtime.cli.validate import validate

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (new, check, run, replay, calibrate, validate, show, alarms, forecast, models):
    app.command()(command)
app.command("what-if")(what_if)
app.add_typer(store, name="store")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twin-runtime {version('twin-runtime')}")
        raise typer.Exit


@app.callback()
def twin(
    version: Annotated[  # typer calls back
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Keep physics-based twins in step with their assets.

    Sensor streams come in; estimates come out, with their uncertainty and a verdict. Every run can be replayed, bit
    for bit.

    A first look, without any service: `twin demo`. An error ends with exit status 2; TWIN_DEBUG=1 shows its
    origin.
    """


def main() -> None:
    """Run the program. One BLAS thread: with more, a product of matrices may round differently from run to run."""
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    app(prog_name="twin")
