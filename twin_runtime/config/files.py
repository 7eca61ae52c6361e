"""``file`` of ``[model]`` and of ``[model.parts.NAME]``: a model that is read from a file."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from twin_runtime import entry_points
from twin_runtime.config.document import Key, Problem
from twin_runtime.config.model_settings import unknown_settings
from twin_runtime.config.twin_type import TwinType
from twin_runtime.errors import TwinError
from twin_runtime.modelling.files import ModelFormat, Wanted
from twin_runtime.modelling.model import Model


def is_format(name: str) -> bool:
    """Whether models of that name are read from a file."""
    return name in entry_points.found(entry_points.MODEL_FILES)


def read_model(twin_type: TwinType) -> type[Model]:
    """The class of a model that is read from a file. Raises one ConfigError that reports every problem."""
    problems = list[Problem]()
    section = twin_type.model
    found = read(
        twin_type, ("model",), twin_type.twin.model, section.file, section.settings, _wanted(twin_type), problems
    )
    if found is None or problems:
        raise twin_type.error(problems)
    return found


def read_part(twin_type: TwinType, name: str, problems: list[Problem]) -> type[Model] | None:
    """The class of a part that is read from a file; what is wrong is added to ``problems``."""
    part, wanted = twin_type.model.parts[name], _wanted(twin_type).of_part(name)
    return read(twin_type, ("model", "parts", name), part.model, part.file, part.settings, wanted, problems)


def read(
    twin_type: TwinType,
    at: Key,
    name: str,
    file: Path | None,
    settings: Mapping[str, Any],
    wanted: Wanted,
    problems: list[Problem],
) -> type[Model] | None:
    """The class of a model in a file of a format; None, with what is wrong among ``problems``, where it is none."""
    if file is None:
        example = f'write file = "MODEL.{name}", relative to this configuration'
        problems.append(Problem((*at, "file"), f"expected the file of the {name} model, got none", example))
        return None
    try:
        reader = cast("ModelFormat", entry_points.loaded(entry_points.found(entry_points.MODEL_FILES)[name]))
        known = [p.name for p in inspect.signature(reader.model).parameters.values() if p.kind is p.KEYWORD_ONLY]
        problems += (unknown := list(unknown_settings(name, known, settings, (*at, "settings"))))
        return None if unknown else reader.model(twin_type.document.path.parent / file, wanted, **settings)
    except (TwinError, ModuleNotFoundError) as error:
        told = error if isinstance(error, TwinError) else entry_points.missing(error, f"model = '{name}'")
        problems.append(Problem((*at, "file"), f"{told.where}: {told.what}" if told.where else told.what, told.remedy))
    except (TypeError, ValueError) as error:
        problems.append(
            Problem((*at, "settings"), str(error), f"give settings as a model in a file of {name} takes them")
        )
    return None


def _wanted(twin_type: TwinType) -> Wanted:
    """What a configuration names of its model."""
    section, channels = twin_type.model, twin_type.channels
    links = [link for link in section.links if link.source is not None]
    return Wanted(
        variables=frozenset({*section.priors, *section.walk, *section.shrinkage}),
        inputs=frozenset(
            {*(c.target for c in channels if c.kind == "input"), *(link.target for link in links if link.target)}
        ),
        outputs=frozenset(
            {*(c.target for c in channels if c.kind == "sensor"), *(link.source for link in links if link.source)}
        ),
    )
