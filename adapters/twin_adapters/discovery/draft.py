"""What a configuration says of what arrives, as TOML."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twin_adapters.discovery.groups import Group
from twin_adapters.discovery.guess import Guess, Value
from twin_runtime.durations import rough_duration


def channels(groups: Sequence[Group]) -> str:
    """A table for each number that arrives, to be pasted: as a sensor, with what is not known as a question."""
    names, kinds = dict[str, int](), dict[str, dict[str, Any]]()
    blocks = []
    for group in groups:
        kind = kind_of(group.guess, kinds)
        for value in group.guess.values:
            names[value.name] = names.get(value.name, 0) + 1
            name = value.name if names[value.name] == 1 else f"{value.name}_{names[value.name]}"
            blocks.append("\n".join(_sensor(name, group, value, kind)))
    return "\n\n".join([*blocks, *payload_tables(kinds)])


def kind_of(found: Guess, kinds: dict[str, dict[str, Any]]) -> str | None:
    """The name of a payload's kind; one that has to be declared is added to ``kinds``."""
    if not found.own:
        return found.kind
    table = {"extends": found.kind, **found.own}
    same = next((name for name, known in kinds.items() if known == table), None)
    if same is None:
        taken = sum(known["extends"] == found.kind for known in kinds.values())
        same = f"own-{found.kind}{f'-{taken + 1}' if taken else ''}"
        kinds[same] = table
    return same


def payload_tables(kinds: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The tables of kinds of payload that have to be declared."""
    for name, table in kinds.items():
        remark = "   # ? the sender's zone: this one knows no summer time" if "zone" in table else ""
        lines = [f"{key} = {json.dumps(value)}{remark if key == 'zone' else ''}" for key, value in table.items()]
        yield "\n".join((f"[payloads.{name}]", *lines))


def _sensor(name: str, group: Group, value: Value, kind: str | None) -> Iterator[str]:
    if group.twins:
        more = f" and {len(group.twins) - 5} more" if len(group.twins) > 5 else ""
        yield f"# twins: {', '.join(group.twins[:5])}{more}"
    yield f"[sensors.{name}]   # or [inputs.{name}], without `noise`"
    yield 'observes = ""   # ? the output of the model, or for an input `drives`'
    yield from read_from(group.template, group.guess, value, kind)
    yield "noise = 0.0   # ? the standard deviation of a measurement, in `unit`"


def read_from(topic: str, found: Guess, value: Value, kind: str | None) -> Iterator[str]:
    """Where a channel's value comes from."""
    yield f"topic = {json.dumps(topic)}   # {_described(found)}"
    if kind is not None:
        yield f"payload = {json.dumps(kind)}"
    if value.path:
        yield f"value = {json.dumps(value.path)}   # such as {value.example:g}"
    unit = f"{json.dumps(value.unit)}" if value.unit else '"1"   # ? not known'
    yield f"unit = {unit}"


def _described(found: Guess) -> str:
    if not found.clock.found:
        return "without a time: stamped on arrival"
    age = "" if found.clock.age is None else f", {rough_duration(max(found.clock.age, 0))} old on arrival"
    return f"its time: {found.clock.unit or 'given'}{age}"
