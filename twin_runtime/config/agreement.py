"""What the parts of a configuration must agree on, as far as that can be checked without the model."""

from collections.abc import Iterator
from string import Formatter

import numpy as np

from twin_runtime import entry_points
from twin_runtime.config.addresses import PLAIN, source_of
from twin_runtime.config.deployment import Config
from twin_runtime.config.document import Key, Problem
from twin_runtime.config.outlooks import outlook_problems
from twin_runtime.config.twin_type import ConfiguredChannel, TwinType
from twin_runtime.durations import duration_text
from twin_runtime.errors import did_you_mean

PLACEHOLDERS = {"twin", "group", "channel"}
LONGEST_TOPIC = 65_535
SINGULAR = 1e-10
"""The smallest eigenvalue of a correlation that rounding cannot turn negative, for up to thousands of sensors."""


def disagreements(config: Config) -> list[Problem]:
    """Everything in a configuration that contradicts something else in it."""
    own = [
        problem._replace(key=(*twin_type.at, *problem.key))
        for twin_type in config.types
        for problem in (
            *_times(twin_type),
            *_names(twin_type),
            *_correlations(twin_type),
            *_overload(twin_type),
            *outlook_problems(twin_type),
        )
    ]
    malformed = [
        problem._replace(key=(*twin_type.at, *problem.key))
        for twin_type in config.types
        for problem in (*_malformed_topics(twin_type), *_groups(twin_type))
    ]
    shared = () if malformed else _shared_topics(config)
    return [*own, *_shared_twins(config), *malformed, *shared]


def table_of(channel: ConfiguredChannel) -> Key:
    """The table of a channel: ``("sensors", "abp")``."""
    return (f"{channel.kind}s", channel.name)


def _times(twin_type: TwinType) -> Iterator[Problem]:
    wait, lateness, due = twin_type.twin.wait, twin_type.twin.lateness, twin_type.twin.tick + twin_type.twin.wait
    if wait > lateness:
        what = f"expected a wait no longer than the lateness of {duration_text(lateness)}, got {duration_text(wait)}"
        yield Problem(("twin", "wait"), what, f'set lateness = "{duration_text(wait)}" or more, or a shorter wait')
    if twin_type.twin.valid_for <= due:
        validity = duration_text(twin_type.twin.valid_for)
        what = f"expected more than a tick and its wait together, {duration_text(due)}, got {validity}"
        yield Problem(("twin", "validity"), what, "an estimate must count until the next one is published")


def _names(twin_type: TwinType) -> Iterator[Problem]:
    twins = twin_type.twin.twins
    for name in dict.fromkeys(twin for twin in twins if twins.count(twin) > 1):
        what = f"expected different names, got '{name}' {twins.count(name)} times"
        yield Problem(("twin", "twins"), what, "rename or remove one")
    for name in (name for name in twin_type.inputs if name in twin_type.sensors):
        what = f"expected different names for sensors and inputs, got '{name}' for both"
        yield Problem(("inputs", name), what, f"rename [inputs.{name}]; `drives` names the model's input")


def _correlations(twin_type: TwinType) -> Iterator[Problem]:
    key: Key = ("assimilation", "correlated")
    pairs = [pair[:2] for pair in twin_type.assimilation.correlated]
    unknown = [name for pair in pairs for name in pair if name not in twin_type.sensors]
    for name in unknown:
        yield Problem(key, f"expected the name of a sensor, got '{name}'", did_you_mean(name, twin_type.sensors))
    for one, other in pairs:
        if one == other or pairs.count((one, other)) + pairs.count((other, one)) > 1:
            yield Problem(key, f"expected each pair of different sensors once, got '{one}' and '{other}'", "remove it")
            return
    correlation = None if unknown else twin_type.correlation
    if correlation is not None and np.linalg.eigvalsh(correlation).min() < SINGULAR:
        what = "expected correlations that can be, got some that contradict each other (not positive definite)"
        yield Problem(key, what, "give smaller ones")


def _overload(twin_type: TwinType) -> Iterator[Problem]:
    declared, twin = twin_type.overload, twin_type.twin
    for name in (name for name in declared.priority if name not in twin.twins):
        what = f"expected the name of a twin, got '{name}'"
        yield Problem(("overload", "priority"), what, did_you_mean(name, twin.twins))
    if declared.policy == "catch-up":
        return
    key: Key = ("overload", "policy")
    if twin.clock == "stream":
        what = f'expected "catch-up" on the clock "stream", which falls behind nothing, got "{declared.policy}"'
        yield Problem(key, what, 'remove it, or set clock = "wall"')
    if declared.policy == "shed" and len(twin.twins) < 2:
        yield Problem(key, 'expected several twins to shed some of, got one and "shed"', 'take "skip", or remove it')
    if declared.policy == "shed" and twin_type.assimilation.smoothing:
        what = 'expected "catch-up" or "skip" with smoothing, which needs every tick, got "shed"'
        yield Problem(key, what, "remove one of both")


def _groups(twin_type: TwinType) -> Iterator[Problem]:
    """Groups hold twins that there are, each in one group, and all of them where a topic has a place for the group."""
    taken: dict[str, str] = {}
    for group, twins in twin_type.twin.groups.items():
        key: Key = ("twin", "groups", group)
        for twin in twins:
            if twin not in twin_type.twin.twins:
                remedy = did_you_mean(twin, twin_type.twin.twins)
                yield Problem(key, f"expected the name of a twin, got '{twin}'", remedy)
            elif taken.setdefault(twin, group) != group:
                yield Problem(key, f"'{twin}' is in '{taken[twin]}', too", "put it into one group")
    alone = [twin for twin in twin_type.twin.twins if twin not in taken]
    for channel in twin_type.channels if alone else ():
        if "{group}" in channel.topic:
            what = f"expected every twin in a group for '{channel.topic}', but '{alone[0]}' is in none"
            yield Problem((*table_of(channel), "topic"), what, "add it under [twin.groups]")


def _malformed_topics(twin_type: TwinType) -> Iterator[Problem]:
    kinds = entry_points.found(entry_points.SOURCES)
    for channel in twin_type.channels:
        source = source_of(channel.topic, kinds)
        wild = channel.payload is not None or source != PLAIN
        key, fault = (*table_of(channel), "topic"), _fault(channel.topic, wild=wild, plain=source == PLAIN)
        if fault:
            yield Problem(key, f"{fault}, got '{channel.topic}'", 'write it like topic = "{twin}/abp"')
        elif channel.kind == "sensor" and channel.payload is None and _is_shared(channel, twin_type):
            what = f"expected {{twin}} in the topic of a fleet of {len(twin_type.twin.twins)}, got '{channel.topic}'"
            yield Problem(key, what, f'write it like topic = "{{twin}}/{channel.topic}"')


def _is_shared(channel: ConfiguredChannel, twin_type: TwinType) -> bool:
    """Whether several twins have the channel's topic."""
    return len(twin_type.twin.twins) > 1 and "twin" not in _placeholders(channel.topic)


def _fault(topic: str, *, wild: bool, plain: bool) -> str:
    """What is wrong with a topic in itself; empty if nothing is."""
    try:
        unknown = _placeholders(topic) - PLACEHOLDERS
    except ValueError:
        return "expected braces in pairs"
    if unknown:
        return f"expected no placeholders but {{twin}} and {{channel}}, found {{{', '.join(sorted(unknown))}}}"
    if "\0" in topic or (set(topic) & set("+#") and not wild):
        return "expected a topic without wildcards, which go with a `payload`"
    misplaced = any(level != mark and mark in level for level in topic.split("/") for mark in "+#") or "#/" in topic
    if plain and misplaced:
        return "expected '+' as a whole level and '#' as the last"
    return "expected a shorter topic" if len(topic.encode()) > LONGEST_TOPIC else ""


def _placeholders(topic: str) -> set[str]:
    """The placeholders, with all that was written between their braces."""
    return {
        f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"
        for _, name, form, conversion in Formatter().parse(topic)
        if name is not None
    }


def _shared_twins(config: Config) -> Iterator[Problem]:
    """A twin is of one type."""
    owner: dict[str, TwinType] = {}
    for twin_type in config.types:
        for twin in twin_type.twin.twins:
            other = owner.setdefault(twin, twin_type)
            if other is not twin_type:
                what = f"expected a name of its own, got '{twin}', which {'.'.join(map(str, other.at))} has"
                yield Problem((*twin_type.at, "twin", "twins"), what, "rename one of the twins")


def _shared_topics(config: Config) -> Iterator[Problem]:
    """Only where a payload is declared do messages on one topic say which value is whose."""
    owner: dict[str, Key] = {}
    reported: set[Key] = set()
    for twin_type in config.types:
        channels = [c for c in twin_type.channels if c.payload is None and not _is_shared(c, twin_type)]
        for channel in channels:
            key = (*twin_type.at, *table_of(channel))
            for topic in twin_type.topics(channel):
                other = owner.setdefault(topic, key)
                if other != key and key not in reported:
                    reported.add(key)
                    what = f"expected a topic of its own, got '{topic}', which {'.'.join(map(str, other))} has"
                    yield Problem((*key, "topic"), what, "give each channel another topic")
