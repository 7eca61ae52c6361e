"""What the user sees: results on stdout, everything else on stderr."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

RESULTS = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
"""As wide as the terminal; where there is none, wide enough for every table."""
MESSAGES = Console(stderr=True, highlight=False)


def display(renderable: RenderableType) -> None:
    """Tables and lines on stdout."""
    RESULTS.print(renderable, soft_wrap=isinstance(renderable, str))


def print_json(report: Mapping[str, object]) -> None:
    """One JSON object on one line of stdout; what is not a finite number becomes null."""
    RESULTS.file.write(msgspec.json.encode(report).decode() + "\n")
    RESULTS.file.flush()


def complain(message: str) -> None:
    """An error on stderr, wrapped only by the terminal, so that it can be searched and copied."""
    MESSAGES.print("[bold red]error:[/]", end=" ")
    MESSAGES.print(message, markup=False, soft_wrap=True)


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; yields what to call with how much is done so far.

    Without a ``total`` it shows the speed.
    """
    speed = TaskProgressColumn(show_speed=True)
    columns = (TextColumn("{task.description}"), BarColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=MESSAGES, transient=True, disable=not MESSAGES.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
