"""The tables of a configuration that belong to adapters: ``[mqtt]`` and ``[sinks.NAME]``.

A source or a sink is a class found by entry point; the annotation of its argument ``settings`` is the pydantic class of
its table.
Keys that end in ``_file`` name an existing file, keys that end in ``_env`` a variable of the environment that is set.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from twin_runtime import entry_points
from twin_runtime.config.deployment import Config
from twin_runtime.config.document import Key, Problem
from twin_runtime.config.explain import names_a_secret, problems_of
from twin_runtime.core import Sink, Source
from twin_runtime.errors import ConfigError, TwinError, did_you_mean
from twin_runtime.store.identity import Identity

_VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A source or a sink as a configuration asks for it: its class, and its table, validated."""

    made_by: Callable[..., Any]
    settings: BaseModel


@dataclass(frozen=True, slots=True)
class Adapters:
    """The source, if there is one, and the sinks by name."""

    source: Adapter | None
    sinks: Mapping[str, Adapter]

    def open_source(self, topics: Sequence[str], *, visiting: bool = False) -> Source:
        """The source of the messages on some topics: ``made_by(settings, topics)``.

        ``visiting``: beside a run, from which it takes nothing; with ``settings.visiting()``.
        """
        if self.source is None:
            remedy = 'add [mqtt] with broker = "mqtt://HOST:1883" and a client_id'
            raise ConfigError("expected, but missing: a live run needs a source", where="mqtt", remedy=remedy)
        settings: Any = self.source.settings
        source: Source = self.source.made_by(settings.visiting() if visiting else settings, topics)
        return source

    def open_sinks(self, identity: Identity) -> list[Sink]:
        """The sinks: ``made_by(settings, identity)`` each."""
        return [sink.made_by(sink.settings, identity) for sink in self.sinks.values()]


def adapters(config: Config) -> Adapters:
    """What connects a configuration to the world, checked but not connected.

    Raises one :class:`ConfigError` that reports every problem.
    """
    problems: list[Problem] = []
    found: dict[Key, Adapter] = {}
    for key, table in _tables(config).items():
        problems += _credentials(key, table)
        group = entry_points.SINKS if key[0] == "sinks" else entry_points.SOURCES
        adapter = _adapter(config, key, table, entry_points.found(group), problems)
        if adapter:
            found[key] = adapter
    if problems:
        raise config.document.error(problems)
    return Adapters(found.get(("mqtt",)), {str(key[1]): sink for key, sink in found.items() if key[0] == "sinks"})


def _tables(config: Config) -> dict[Key, dict[str, Any]]:
    sinks: dict[Key, dict[str, Any]] = {("sinks", name): table for name, table in config.sinks.items()}
    return sinks if config.mqtt is None else {("mqtt",): config.mqtt, **sinks}


def _adapter(
    config: Config, key: Key, table: dict[str, Any], known: Mapping[str, EntryPoint], problems: list[Problem]
) -> Adapter | None:
    """One adapter; its problems are added to ``problems``."""
    name = str(key[-1])
    if name not in known:
        problems.append(Problem(key, f"expected the name of a sink, got '{name}'", did_you_mean(name, known)))
        return None
    shared = (config.mqtt or {}) if name == "mqtt" else {}  # a sink that bears the source's name uses the same broker
    try:
        made_by: Any = entry_points.loaded(known[name])
        settings: type[BaseModel] = get_type_hints(made_by.__init__)["settings"]
        return Adapter(made_by, settings.model_validate(shared | table))
    except ValidationError as error:
        problems += problems_of(settings, error, config.document, key)
    except TwinError as error:
        problems.append(Problem(key, error.what, error.remedy))
    return None


def _credentials(key: Key, table: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in table.items():
        if not isinstance(value, str):
            continue
        if name.endswith("_file") and not os.access(value, os.R_OK):
            what = f"expected a file that can be read, got {_path(name, value)}"
            yield Problem((*key, name), what, "create it, or mend the path or its permissions")
        if name.endswith("_env") and not os.environ.get(value):
            yield Problem((*key, name), *_unset(value))


def _path(name: str, value: str) -> str:
    """A path as it was given, unless it may be the secret itself, written where its file should stand."""
    if names_a_secret(name) and not {"/", "."} & set(value):
        return "what does not look like a path, and is not shown here"
    return f"'{value}' (looked for {Path(value).absolute()})"


def _unset(value: str) -> tuple[str, str]:
    expected = "expected the name of a variable of the environment"
    if _VARIABLE.fullmatch(value):
        return f"{expected}, but '{value}' is not set", f"export {value}=... before the start"
    remedy = "write the secret into a variable such as TWIN_SECRET, and that name here, in capitals"
    return f"{expected}; what came may be the secret itself, and is not shown here", remedy
