"""The demonstration from beginning to end, in this terminal."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live
from rich.markup import escape

from twin_runtime.cli.output import MESSAGES, display
from twin_runtime.errors import StoreError

if TYPE_CHECKING:
    from twin_runtime.runs.assembly import Assembly
    from twin_simulators.demo.live import Display

LINE_EVERY = 3.0
"""Seconds between two plain lines."""
DRAW_EVERY = 0.25
"""Seconds between two drawings of the view."""


def perform(length: int, seed: int, folder: Path, *, plain: bool) -> bool:
    """Run the demonstration for ``length`` ns and report on stdout; whether somebody ended it early.

    The view, or lines where there is no terminal, goes to stderr. Raises :class:`twin_runtime.errors.TwinError` if
    something is not as it must be.
    """
    lines = plain or not MESSAGES.is_terminal or MESSAGES.is_dumb_terminal or MESSAGES.options.ascii_only
    config, store = _files(folder)
    with _preparing(lines):
        from twin_simulators.demo.case import draw_case
        from twin_simulators.demo.live import live

        assembly = _assembled(config)
        case = draw_case(seed, length, assembly.types[0].fleet.twins[0])
    with _lines() if lines else _drawn() as shown:
        outcome = asyncio.run(live(assembly, case, store, shown))
    from twin_simulators.demo.picture import drawn
    from twin_simulators.demo.report import check, report

    check(outcome)
    for part in report(outcome, config, store):
        display(part)
    if picture := drawn(outcome, store):
        display(f"\n[bold]A picture of the run, with the truth in it:[/]\n  {escape(str(picture))}")
    return outcome.interrupted


def _files(folder: Path) -> tuple[Path, Path]:
    """A configuration and a store of this moment's name; the configuration is there."""
    stem = folder / time.strftime("%Y%m%d-%H%M%S")
    config, store = stem.with_suffix(".toml"), stem.with_suffix(".db")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(files("twin_simulators.demo").joinpath("demo.toml").read_text("utf-8"), "utf-8")
    except OSError as error:
        remedy = "name a folder that can be written, as in --out /tmp/twin-demo"
        raise StoreError(f"cannot be written: {error.strerror}", where=str(folder), remedy=remedy) from error
    return config, store


def _assembled(config: Path) -> "Assembly":
    """The twin, compiled."""
    from twin_runtime.config import load
    from twin_runtime.engine.tick import warm_up
    from twin_runtime.runs.assembly import assemble

    assembly = assemble(load(config))
    warm_up(assembly.types[0].fleet)
    return assembly


@contextmanager
def _preparing(lines: bool) -> Iterator[None]:
    what = "compiling the model (once; the first time this takes up to a minute)"
    if lines:
        MESSAGES.print(what)
        yield
    else:
        with MESSAGES.status(what):
            yield


@contextmanager
def _lines() -> Iterator["Display"]:
    from twin_simulators.demo.live import Display
    from twin_simulators.demo.view import line

    yield Display(LINE_EVERY, lambda progress: MESSAGES.print(line(progress), soft_wrap=True))


@contextmanager
def _drawn() -> Iterator["Display"]:
    from twin_simulators.demo.live import Display
    from twin_simulators.demo.view import view

    with Live(console=MESSAGES, auto_refresh=False, transient=True) as screen:
        yield Display(DRAW_EVERY, lambda progress: screen.update(view(progress), refresh=True))
