"""``--plot``: a store as a picture, drawn by what is installed for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from twin_runtime import entry_points
from twin_runtime.errors import ConfigError, StoreError, TwinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin_runtime.runs.course import Course
    from twin_runtime.store.reader import Reader

SUFFIXES = (".png", ".svg", ".pdf")


def require_picture(path: Path | None) -> Path | None:
    """The path of a picture, or none; raises :class:`ConfigError` for a name under which none can be written."""
    if path is not None and (path.suffix not in SUFFIXES or not path.parent.is_dir()):
        what = f"cannot hold a picture: expected a name that ends in {', '.join(SUFFIXES)}, in a folder that is there"
        raise ConfigError(what, where=str(path), remedy="name a file such as picture.png")
    return path


Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", callback=require_picture, help="Draw estimates, readings and verdicts: .png, .svg or .pdf."
    ),
]


def drawer(name: str) -> "Callable[..., None]":
    """What draws a kind of picture; raises :class:`TwinError` with the remedy where it is not installed."""
    point = entry_points.found(entry_points.PICTURES).get(name)
    if point is None:
        raise TwinError("nothing that draws is installed", where="--plot", remedy='pip install "twin-runtime[plot]"')
    return cast("Callable[..., None]", entry_points.loaded(point))


def draw(reader: "Reader", path: Path, twin: str | None = None, quantity: str | None = None, span: int = 0) -> None:
    """Draw one twin of a store, by default the worst, and the verdicts of all.

    Only the newest ``span`` (ns), unless it is 0. Raises :class:`TwinError`.
    """
    from twin_runtime.runs.course import courses, worst_first

    found = worst_first(courses(reader, span))
    if twin is not None:
        found = [course for course in found if course.twin == twin]
    found = _with(found, quantity)
    if not found:
        raise StoreError("holds no estimate to draw", where=str(reader.path), remedy="leave out --plot")
    drawer("twin")(found, path, quantity)


def _with(found: "list[Course]", quantity: str | None) -> "list[Course]":
    """Those that have a quantity."""
    return [c for c in found if quantity is None or any(q.name == quantity for q in c.known.quantities)]
