"""``[model.parts.NAME]`` and ``[[model.links]]``: a model composed of installed ones, without code."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from twin_runtime import entry_points
from twin_runtime.config.document import Problem
from twin_runtime.config.files import is_format, read_part
from twin_runtime.config.model_sections import LinkSection
from twin_runtime.errors import ModelError, TwinError, did_you_mean
from twin_runtime.modelling.coupling import Coupled, Flux, Law, Link, Signal, coupled

if TYPE_CHECKING:
    from twin_runtime.config.twin_type import TwinType

COUPLED = "coupled"
"""What ``[twin] model`` says of a model that is composed."""


def composed(twin_type: "TwinType") -> type[Coupled]:
    """The class of a composed model; raises one ConfigError that reports every problem."""
    problems = list[Problem]()
    models = {name: _part(twin_type, name, problems) for name in twin_type.model.parts}
    links = [_link(place, link, problems) for place, link in enumerate(twin_type.model.links)]
    problems += _misplaced(twin_type)
    if problems:
        raise twin_type.error(problems)
    name = twin_type.twin.name.replace("-", "_")
    try:
        return coupled(name, cast("dict[str, Any]", models), tuple(link for link in links if link))
    except ModelError as error:
        raise twin_type.error([Problem(("model", "links"), error.what, error.remedy)]) from error


def _part(twin_type: "TwinType", name: str, problems: list[Problem]) -> object | None:
    part, at = twin_type.model.parts[name], ("model", "parts", name)
    if is_format(part.model):
        return read_part(twin_type, name, problems)
    for key in (key for key in ("file", "settings") if getattr(part, key)):
        what = f"'{part.model}' is an installed model, which has no {key} here"
        problems.append(Problem((*at, key), what, "remove it"))
    return _loaded(entry_points.MODELS, part.model, (*at, "model"), problems)


def _misplaced(twin_type: "TwinType") -> Iterator[Problem]:
    if not twin_type.model.parts:
        yield Problem(("model", "parts"), "expected the parts of a coupled model, got none", "add [model.parts.NAME]")
    if twin_type.model.file is not None:
        yield Problem(("model", "file"), "a coupled model has parts and no file", "give the file to a part")
    if twin_type.model.settings:
        yield Problem(("model", "settings"), "a coupled model has no settings", "remove the table")


def _link(place: int, link: LinkSection, problems: list[Problem]) -> Link | None:
    if link.source is not None:
        return Signal(link.source, link.target or "")
    ends = (link.name or "", link.upstream or "", link.downstream or "")
    if link.carries is not None:
        return Flux(*ends, carries=link.carries)
    key = ("model", "links", place, "law")
    law = cast("Law | None", _loaded(entry_points.FLUXES, link.law or "", key, problems))
    return law.flux(*ends) if law else None


def _loaded(group: str, name: str, key: tuple[str | int, ...], problems: list[Problem]) -> object | None:
    """What an entry point names; what is wrong is added to ``problems``."""
    found = entry_points.found(group)
    if name not in found:
        problems.append(Problem(key, f"expected a name of {group}, got '{name}'", did_you_mean(name, found)))
        return None
    try:
        return cast("Callable[..., Any]", entry_points.loaded(found[name]))
    except TwinError as error:
        problems.append(Problem(key, error.what, error.remedy))
        return None
