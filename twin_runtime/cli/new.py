"""``twin new``: a package with a model of one's own, which runs as it is written."""

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from twin_runtime import entry_points
from twin_runtime.cli.output import display
from twin_runtime.errors import ConfigError

SKELETON = Path(__file__).parent / "skeleton"
SUFFIX = ".template"


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The package, such as water-tank.", show_default=False)],
    into: Annotated[Path, typer.Option(metavar="DIR", help="The folder in which NAME is made.")] = Path(),
) -> None:
    """Write a package with a model of your own: model, configuration, simulated asset, test, README. All of it runs.

    Example: `twin new water-tank`, then `pip install -e water-tank` and `twin check water-tank/water-tank.toml`

    The model is a heated tank in about thirty lines: put your own variables and formulas in their place, and run
    `twin check` after every change. It tells what is wrong, with the line and what to write instead.
    """
    module = name.lower().replace("-", "_")
    _check_name(name, module)
    folder = into / name
    if folder.exists():
        raise ConfigError("is there already", where=str(folder), remedy="choose another name, or another --into")
    names = {"name": name, "module": module, "class_name": module.title().replace("_", "")}
    for written in _write(folder, names):
        display(f"  {written}")
    display(f"[green]{folder} is written.[/] Next, as its README.md explains:")
    for command in (f"pip install -e {folder}", f"pytest {folder}", f"twin check {folder / name}.toml"):
        display(f"  {command}")


def _check_name(name: str, module: str) -> None:
    """Raise where a package cannot have the name: it would not install, or hide another one."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise ConfigError(
            f"expected a name of small letters, digits, '-' and '_', got '{name}'", remedy="write it like water-tank"
        )
    if name in entry_points.found(entry_points.MODELS):
        raise ConfigError(f"there is a model '{name}' already", remedy="choose another name; `twin models` lists all")
    if module in sys.stdlib_module_names or find_spec(module) is not None:
        raise ConfigError(f"there is a Python package '{module}' already", remedy=f"choose another name: my-{name}")


def _write(folder: Path, names: dict[str, str]) -> list[Path]:
    """Fill in the skeleton; the paths of what was written."""
    paths = []
    for source in sorted(SKELETON.rglob(f"*{SUFFIX}")):
        relative = str(source.relative_to(SKELETON)).removesuffix(SUFFIX)
        path = folder / relative.replace("module", names["module"]).replace("config.toml", f"{names['name']}.toml")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(source.read_text(encoding="utf-8")).substitute(names), encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", where=str(path), remedy="choose a --into"
            ) from None
        paths.append(path)
    return paths
