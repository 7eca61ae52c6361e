"""Models, readers of models, checks, sources, sinks, formats, pictures and commands, found by entry point only."""

import re
import traceback
from importlib.metadata import EntryPoint, distributions, entry_points

from twin_runtime.errors import TwinError

MODELS = "twin_runtime.models"
MODEL_FILES = "twin_runtime.model_files"
CHECKS = "twin_runtime.checks"
SOURCES = "twin_runtime.sources"
SINKS = "twin_runtime.sinks"
RECORDINGS = "twin_runtime.recordings"
MAPPINGS = "twin_runtime.mappings"
FLUXES = "twin_runtime.fluxes"
COMMANDS = "twin_runtime.commands"
FORMATS = "twin_runtime.formats"
ASSETS = "twin_runtime.assets"
PICTURES = "twin_runtime.pictures"


def found(group: str) -> dict[str, EntryPoint]:
    """What is installed under a group, by name, in order."""
    return {point.name: point for point in every(group)}


def every(group: str) -> list[EntryPoint]:
    """What is installed under a group, in order of names, even where two packages give one name."""
    return sorted(entry_points(group=group), key=lambda point: (point.name, point.value))


def loaded(point: EntryPoint) -> object:
    """The object of an entry point. Raises :class:`TwinError` with the remedy where it cannot be imported."""
    try:
        return point.load()
    except Exception as error:  # the module is not ours: whatever it raises, the others must still work
        if isinstance(error, ModuleNotFoundError) and _top(error.name or "") != _top(point.module):
            raise missing(error, f"'{point.name}'") from error
        what = f"'{point.name}' cannot be imported: {type(error).__name__}: {error}{_line_of(error, point)}"
        raise TwinError(what, where=point.value, remedy="mend or remove the package that provides it") from error


def _line_of(error: Exception, point: EntryPoint) -> str:
    """The line of the package that provides an entry point at which its import failed."""
    steps = traceback.walk_tb(error.__traceback__)
    own = [(f, line) for f, line in steps if _top(f.f_globals.get("__name__") or "") == _top(point.module)]
    return f" ({own[-1][0].f_code.co_filename}:{own[-1][1]})" if own else ""


def missing(error: ModuleNotFoundError, wanted_by: str) -> TwinError:
    """The error of a module that is not installed, with the command that installs it."""
    module = _top(error.name or str(error))
    return TwinError(f"{wanted_by} needs the Python package '{module}'", remedy=f"pip install {_package(module)}")


def _top(module: str) -> str:
    return module.partition(".")[0]


def _package(module: str) -> str:
    """What to install for a module: the smallest extra of ``twin-runtime`` that holds it, else the module itself."""
    names = {module.lower(), f"python_{module.lower()}"}
    extras = [(len(packages), extra) for extra, packages in _extras().items() if names & packages]
    return f'"twin-runtime[{min(extras)[1]}]"' if extras else module


def _extras() -> dict[str, set[str]]:
    """The packages of each extra, spelt as modules usually are."""
    extras: dict[str, set[str]] = {}
    for requirement in (line for found in distributions(name="twin-runtime") for line in found.requires or ()):
        package, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if package and extra:
            extras.setdefault(extra[1], set()).add(package[0].replace("-", "_").lower())
    return extras
