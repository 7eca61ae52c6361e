"""The tables of a configuration that belong to adapters: those of the sources and ``[sinks.NAME]``.

A table of a source bears the name of its kind, as ``[mqtt]`` does; several of a kind are ``[opcua.NAME]``. A class of a
source may say what is wrong with an address (a topic without the name of the source) by ``address_fault(address)``.
A source or a sink is a class found by entry point; the annotation of its argument ``settings`` is the pydantic class of
its table.
Keys that end in ``_file`` name an existing file, keys that end in ``_env`` a variable of the environment that is set.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from twin_runtime import entry_points
from twin_runtime.config.addresses import PLAIN, by_source, prefix_of, source_of
from twin_runtime.config.agreement import table_of
from twin_runtime.config.deployment import Config
from twin_runtime.config.document import Key, Problem
from twin_runtime.config.explain import names_a_secret, problems_of
from twin_runtime.config.twin_type import ConfiguredChannel, TwinType
from twin_runtime.core import Sink, Source
from twin_runtime.durations import duration_text
from twin_runtime.errors import ConfigError, TwinError, did_you_mean
from twin_runtime.ingest.sources import Sources
from twin_runtime.store.identity import Identity

EXAMPLES = {
    "mqtt": 'broker = "mqtt://HOST:1883" and a client_id',
    "sparkplug": 'broker = "mqtt://HOST:1883" and a client_id',
    "opcua": 'server = "opc.tcp://HOST:4840"',
}
"""What a source's table holds at least."""

CONFIRMATIONS = 3
"""A value is confirmed so many times before it may count as old: a confirmation is up to two intervals old itself."""

_VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A source or a sink as a configuration asks for it: its class, and its table, validated."""

    made_by: Callable[..., Any]
    settings: BaseModel


@dataclass(frozen=True, slots=True)
class Adapters:
    """The sources and the sinks by name."""

    sources: Mapping[str, Adapter]
    sinks: Mapping[str, Adapter]

    def open_source(self, topics: Sequence[str], *, visiting: bool = False) -> Source:
        """The source of the messages on some topics; each that they name is ``made_by(settings, addresses)``.

        ``visiting``: beside a run, from which it takes nothing; with ``settings.visiting()``.
        """
        wanted = by_source(topics, entry_points.found(entry_points.SOURCES)) or {PLAIN: []}
        made = {name: self._made(name, addresses, visiting) for name, addresses in wanted.items()}
        return made[PLAIN] if list(made) == [PLAIN] else Sources({name: (prefix_of(name), made[name]) for name in made})

    def _made(self, name: str, addresses: Sequence[str], visiting: bool) -> Source:
        if name not in self.sources:
            what = "expected, but missing: a live run needs a source"
            raise ConfigError(what, where=name, remedy=_wanted(name))
        adapter = self.sources[name]
        settings: Any = adapter.settings
        source: Source = adapter.made_by(settings.visiting() if visiting else settings, addresses)
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
        adapter = _adapter(config, key, table, problems)
        if adapter:
            found[key] = adapter
    sources = {".".join(map(str, key)): source for key, source in found.items() if key[0] != "sinks"}
    problems += dict.fromkeys(_misaddressed(config, sources))  # some concern all channels of a source
    if problems:
        raise config.document.error(problems)
    return Adapters(sources, {str(key[1]): sink for key, sink in found.items() if key[0] == "sinks"})


def _tables(config: Config) -> dict[Key, dict[str, Any]]:
    sinks: dict[Key, dict[str, Any]] = {("sinks", name): table for name, table in config.sinks.items()}
    return {tuple(name.split(".")): table for name, table in config.sources.items()} | sinks


def _adapter(config: Config, key: Key, table: dict[str, Any], problems: list[Problem]) -> Adapter | None:
    """One adapter; its problems are added to ``problems``."""
    is_sink = key[0] == "sinks"
    known = entry_points.found(entry_points.SINKS if is_sink else entry_points.SOURCES)
    name = str(key[1] if is_sink else key[0])
    if name not in known:
        problems.append(Problem(key, f"expected the name of a sink, got '{name}'", did_you_mean(name, known)))
        return None
    shared = (config.mqtt or {}) if is_sink and name == PLAIN else {}  # estimates go to the same broker
    try:
        made_by: Any = entry_points.loaded(known[name])
        settings: type[BaseModel] = get_type_hints(made_by.__init__)["settings"]
        return Adapter(made_by, settings.model_validate(shared | table))
    except ValidationError as error:
        problems += problems_of(settings, error, config.document, key)
    except TwinError as error:
        problems.append(Problem(key, error.what, error.remedy))
    return None


def _misaddressed(config: Config, sources: Mapping[str, Adapter]) -> Iterator[Problem]:
    """What is wrong between the channels and their sources; nothing where there is no source at all."""
    kinds = entry_points.found(entry_points.SOURCES)
    for twin_type in config.types if config.sources else ():
        for channel in twin_type.channels:
            key, name = (*twin_type.at, *table_of(channel), "topic"), source_of(channel.topic, kinds)
            if name not in config.sources:
                yield Problem(key, f"expected a table [{name}], from which '{channel.topic}' comes", _wanted(name))
            elif name in sources:
                yield from _disagreements(twin_type, channel, key, name, sources[name])


def _disagreements(
    twin_type: TwinType, channel: ConfiguredChannel, key: Key, name: str, source: Adapter
) -> Iterator[Problem]:
    if name.partition(".")[0] != PLAIN and channel.payload is not None:
        what = f"expected none, as [{name}] decodes by itself, got '{channel.payload}'"
        yield Problem((*key[:-1], "payload"), what, "remove it")
    find_fault = getattr(source.made_by, "address_fault", None)
    address = next(twin_type.topics(channel)).removeprefix(prefix_of(name))
    fault = find_fault(address) if find_fault else ""
    if fault:
        yield Problem(key, f"{fault}, got '{channel.topic}'", getattr(source.made_by, "EXAMPLE", ""))
    confirm = getattr(source.settings, "confirm", 0)
    if channel.stale is not None and channel.stale < CONFIRMATIONS * confirm:
        what = f"expected at least {CONFIRMATIONS} times the `confirm` of [{name}], {duration_text(confirm)}"
        remedy = f'set a longer `stale`, or confirm = "{duration_text(channel.stale // CONFIRMATIONS)}" in [{name}]'
        yield Problem((*key[:-1], "stale"), f"{what}, got {duration_text(channel.stale)}", remedy)
    lateness = twin_type.twin.lateness
    if lateness < 2 * confirm:
        what = f"expected at least twice the `confirm` of [{name}], {duration_text(confirm)}, so late as it comes"
        remedy = f'set a longer lateness, or confirm = "{duration_text(lateness // 2)}" in [{name}]'
        yield Problem((*twin_type.at, "twin", "lateness"), f"{what}, got {duration_text(lateness)}", remedy)


def _wanted(source: str) -> str:
    """The remedy for a source that is missing."""
    example = EXAMPLES.get(source.partition(".")[0], "what it needs")
    return f"add [{source}] with {example}"


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
