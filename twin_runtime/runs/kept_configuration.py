"""What a chapter keeps of its configuration: all that its replay needs, and no address, credential or file.

Readings are in the journal in the model's own units, so how messages were read is not needed either.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twin_runtime.config import Config, TwinType
from twin_runtime.engine.carrying import contents_of
from twin_runtime.errors import StoreError, TwinError
from twin_runtime.runs.assembly import Assembly, TypeAssembly, assemble
from twin_runtime.store.chapter import Chapter, Contents, Kept, Signal

READING = ("payload", "value", "where", "future", "oldest")
"""How the messages of a channel are read."""
TABLES = {*TwinType.model_fields} - {"overload"}
"""The tables of a twin type alone: not those of the deployment, which name addresses and passwords."""
SHOWN = 60
"""Letters of a value that are shown."""


def kept_of(assembly: Assembly) -> Kept:
    """What the first chapter of a deployment keeps."""
    return Kept(configuration_text(assembly.config), tuple(map(contents, assembly.types)))


def configuration_text(config: Config) -> str:
    """A configuration as JSON."""
    return json.dumps({"name": config.name, "types": [_of_type(each) for each in config.types]}, sort_keys=True)


def _of_type(config: TwinType) -> dict[str, Any]:
    found: dict[str, Any] = config.model_dump(mode="json", include=TABLES)
    del found["trust"]["evidence"], found["twin"]["groups"]
    for channel in (*found.get("sensors", {}).values(), *found.get("inputs", {}).values()):
        for name in READING:
            channel.pop(name, None)
    return found


def contents(of: TypeAssembly) -> Contents:
    """What lies in the states of a type."""
    model = of.fleet.model
    units = {row.name: row.unit for row in model.inputs} | {row.name: row.unit for row in model.outputs}
    channels = [Signal(each.name, each.target, units[each.target]) for each in of.config.channels]
    return contents_of(of.fleet, channels)


def assembled_again(chapter: Chapter) -> Assembly:
    """The assembly that wrote a chapter; raises :class:`StoreError` where it cannot be had any more."""
    where, remedy = f"chapter {chapter.number}", "install the versions of its models that wrote it"
    if not chapter.kept.configuration:
        raise StoreError("keeps no configuration: it was made in code", where=where)
    try:
        given = json.loads(chapter.kept.configuration)
        types = [TwinType.model_validate(each) for each in given["types"]]
        of = [each.model_copy(update={"twin": _with(each, known.twins)}) for each, known in _pairs(types, chapter)]
        assembly = assemble(replace(Config.of(*of), name=given["name"]))
    except (TwinError, ValueError) as error:
        said = error.what if isinstance(error, TwinError) else str(error)
        raise StoreError(f"its configuration cannot be used any more: {said}", where=where, remedy=remedy) from error
    for now, then in zip(assembly.identity.types, chapter.identity.types, strict=True):
        if now.model_hash != then.model_hash:
            what = f"the code of the model of '{then.name}' is no longer that which wrote it"
            raise StoreError(what, where=where, remedy=remedy)
        if now.config_hash != then.config_hash:
            raise StoreError(f"what it keeps of '{then.name}' does not give its configuration again", where=where)
    return assembly


def _pairs(types: list[TwinType], chapter: Chapter) -> Iterator[tuple[TwinType, Any]]:
    return zip(types, chapter.identity.types, strict=True)


def _with(config: TwinType, twins: tuple[str, ...]) -> Any:  # noqa: ANN401  # a section
    """The table [twin] with the twins that there were at the end."""
    return config.twin.model_copy(update={"twins": twins})


def configuration_changes(before: str, now: str) -> tuple[str, ...]:
    """The settings that differ between two kept configurations, as "sensors.abp.noise 2.0 -> 3.0"."""
    if not before or not now:
        return ()
    old, new = (dict(_flat("", _by_name(json.loads(text)))) for text in (before, now))
    return tuple(
        f"{key} {_short(old.get(key))} -> {_short(new.get(key))}"
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    )


def _by_name(given: dict[str, Any]) -> dict[str, Any]:
    """The types by their names; of a single one its tables."""
    types = {each["twin"]["name"]: each for each in given["types"]}
    return next(iter(types.values())) if len(types) == 1 else types


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flat(f"{prefix}.{key}".lstrip("."), part)
    else:
        yield prefix, value


def _short(value: object) -> str:
    text = "(default)" if value is None else json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
