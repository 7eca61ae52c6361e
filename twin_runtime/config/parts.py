"""``[model.parts.NAME]`` and ``[[model.links]]``: a model composed of installed ones, without code."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from twin_runtime import entry_points
from twin_runtime.config.document import Problem
from twin_runtime.config.files import is_format, read_part
from twin_runtime.config.model_sections import LinkSection
from twin_runtime.config.model_settings import settings_of, unknown_settings
from twin_runtime.core import SECOND
from twin_runtime.errors import ModelError, TwinError, did_you_mean
from twin_runtime.modelling.coupling import Coupled, Flux, Joined, Law, Link, Signal, coupled, joined
from twin_runtime.modelling.ode import OdeModel, with_step

if TYPE_CHECKING:
    from twin_runtime.config.twin_type import TwinType

COUPLED = "coupled"
"""What ``[twin] model`` says of a model that is composed."""
COMPOSING = ("parts", "links", "splitting", "exchange")
"""The keys of ``[model]`` that compose one."""


def composed(twin_type: "TwinType") -> type[Coupled] | type[Joined]:
    """The class of a composed model; raises one ConfigError that reports every problem.

    Parts that are all differential equations make one kernel; others exchange values at intervals.
    """
    problems = list[Problem]()
    models = {name: _part(twin_type, name, problems) for name in twin_type.model.parts}
    links = [_link(place, link, problems) for place, link in enumerate(twin_type.model.links)]
    problems += _misplaced(twin_type)
    if problems:
        raise twin_type.error(problems)
    name = twin_type.twin.name.replace("-", "_")
    try:
        compose = coupled if all(map(_is_ode, models.values())) else joined
        return compose(
            name,
            cast("dict[str, Any]", models),
            tuple(link for link in links if link),
            twin_type.model.splitting or "",
            (twin_type.model.exchange or 0) / SECOND,
        )
    except ModelError as error:
        raise twin_type.error([Problem(("model", "links"), error.what, error.remedy)]) from error


def _part(twin_type: "TwinType", name: str, problems: list[Problem]) -> Callable[..., Any] | None:
    """What makes a part: the class of an installed model with its step and settings, or of one read from a file."""
    section, key = twin_type.model.parts[name], ("model", "parts", name)
    if is_format(section.model):
        return read_part(twin_type, name, problems)
    if section.file is not None:
        what = f"'{section.model}' is an installed model, which has no file here"
        problems.append(Problem((*key, "file"), what, "remove it"))
    found = _loaded(entry_points.MODELS, section.model, (*key, "model"), problems)
    if found is None:
        return None
    if section.step is not None:
        if not _is_ode(found) or issubclass(found, Coupled):
            what = f"'{section.model}' has no step of its own to be set"
            problems.append(Problem((*key, "step"), what, "remove it"))
            return None
        found = with_step(found, section.step / SECOND)
    problems += unknown_settings(section.model, settings_of(found), section.settings, (*key, "settings"))
    return partial(found, **section.settings) if section.settings else found


def _is_ode(part: object) -> TypeGuard[type[OdeModel]]:
    """Whether a part is a class of differential equations."""
    return isinstance(part, type) and issubclass(part, OdeModel)


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


def _loaded(group: str, name: str, key: tuple[str | int, ...], problems: list[Problem]) -> Callable[..., Any] | None:
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
