"""The group of all commands: those of this package, and those that other packages provide by entry point."""

import os
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import NoReturn, cast

import typer
from typer.core import TyperCommand, TyperGroup

from twin_runtime import entry_points
from twin_runtime.cli.output import complain
from twin_runtime.errors import TwinError


class Commands(TyperGroup):
    """Commands are loaded when they are asked for. What a user can mend ends with one message and exit status 2."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """This package's commands in the order of a first use, then the others by name."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in entry_points.found(entry_points.COMMANDS) if name not in own)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        """The command of a name, or None."""
        own = super().get_command(ctx, cmd_name)
        point = None if own else entry_points.found(entry_points.COMMANDS).get(cmd_name)
        return cast("TyperCommand | None", own) if point is None else _mounted(point)

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (TwinError, ModuleNotFoundError) as error:
            if os.environ.get("TWIN_DEBUG"):
                raise
            wanted_by = f"'twin {ctx.invoked_subcommand}'"
            reported = error if isinstance(error, TwinError) else entry_points.missing(error, wanted_by)
            complain(str(reported))
            raise typer.Exit(2) from None


def _mounted(point: EntryPoint) -> TyperCommand:
    """The command of an entry point, a function for typer; one that cannot be imported reports it when it is run."""
    try:
        return _command(point.name, cast("Callable[..., object]", entry_points.loaded(point)))
    except TwinError as error:
        return _unavailable(point.name, error)


def _unavailable(name: str, error: TwinError) -> TyperCommand:
    def explain() -> NoReturn:
        raise error

    explain.__doc__ = f"Not available: {error}"
    return _command(name, explain, ignore_unknown_options=True, allow_extra_args=True)


def _command(name: str, function: Callable[..., object], **context: bool) -> TyperCommand:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, context_settings=context)(function)
    return cast("TyperCommand", typer.main.get_command(app))
