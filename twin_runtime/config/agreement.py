"""What the parts of a configuration must agree on, as far as that can be told without the model."""

from collections.abc import Iterator
from string import Formatter

import numpy as np

from twin_runtime.config.deployment import Config, ConfiguredChannel
from twin_runtime.config.document import Key, Problem
from twin_runtime.durations import duration_text
from twin_runtime.errors import did_you_mean

PLACEHOLDERS = {"twin", "channel"}
LONGEST_TOPIC = 65_535
SINGULAR = 1e-10
"""The smallest eigenvalue of a correlation that rounding cannot turn negative, for up to thousands of sensors."""


def disagreements(config: Config) -> list[Problem]:
    """Everything in a configuration that contradicts something else in it."""
    malformed = list(_malformed_topics(config))
    shared = () if malformed else _shared_topics(config)
    return [*_times(config), *_names(config), *_correlations(config), *malformed, *shared]


def table_of(channel: ConfiguredChannel) -> Key:
    """The table of a channel: ``("sensors", "abp")``."""
    return (f"{channel.kind}s", channel.name)


def _times(config: Config) -> Iterator[Problem]:
    wait, lateness = config.twin.wait, config.twin.lateness
    if wait > lateness:
        what = f"expected a wait no longer than the lateness of {duration_text(lateness)}, got {duration_text(wait)}"
        yield Problem(("twin", "wait"), what, f'set lateness = "{duration_text(wait)}" or more, or a shorter wait')


def _names(config: Config) -> Iterator[Problem]:
    twins = config.twin.twins
    for name in dict.fromkeys(twin for twin in twins if twins.count(twin) > 1):
        what = f"expected different names, got '{name}' {twins.count(name)} times"
        yield Problem(("twin", "twins"), what, "rename or remove one")
    for name in (name for name in config.inputs if name in config.sensors):
        what = f"expected different names for sensors and inputs, got '{name}' for both"
        yield Problem(("inputs", name), what, f"rename [inputs.{name}]; `drives` names the model's input")


def _correlations(config: Config) -> Iterator[Problem]:
    key: Key = ("assimilation", "correlated")
    pairs = [pair[:2] for pair in config.assimilation.correlated]
    unknown = [name for pair in pairs for name in pair if name not in config.sensors]
    for name in unknown:
        yield Problem(key, f"expected the name of a sensor, got '{name}'", did_you_mean(name, config.sensors))
    for one, other in pairs:
        if one == other or pairs.count((one, other)) + pairs.count((other, one)) > 1:
            yield Problem(key, f"expected each pair of different sensors once, got '{one}' and '{other}'", "remove it")
            return
    if not unknown and config.correlation is not None and np.linalg.eigvalsh(config.correlation).min() < SINGULAR:
        what = "expected correlations that can be, got some that contradict each other (not positive definite)"
        yield Problem(key, what, "give smaller ones")


def _malformed_topics(config: Config) -> Iterator[Problem]:
    for channel in config.channels:
        key, fault = (*table_of(channel), "topic"), _fault(channel.topic)
        if fault:
            yield Problem(key, f"{fault}, got '{channel.topic}'", 'write it like topic = "{twin}/abp"')
        elif len(config.twin.twins) > 1 and "twin" not in _placeholders(channel.topic):
            what = f"expected {{twin}} in the topic of a fleet of {len(config.twin.twins)}, got '{channel.topic}'"
            yield Problem(key, what, f'write it like topic = "{{twin}}/{channel.topic}"')


def _fault(topic: str) -> str:
    """What is wrong with a topic in itself; empty if nothing is."""
    try:
        unknown = _placeholders(topic) - PLACEHOLDERS
    except ValueError:
        return "expected braces in pairs"
    if unknown:
        return f"expected no placeholders but {{twin}} and {{channel}}, found {{{', '.join(sorted(unknown))}}}"
    if set(topic) & set("+#\0"):
        return "expected a topic without wildcards"
    return "expected a shorter topic" if len(topic.encode()) > LONGEST_TOPIC else ""


def _placeholders(topic: str) -> set[str]:
    """The placeholders, with all that was written between their braces."""
    return {
        f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"
        for _, name, form, conversion in Formatter().parse(topic)
        if name is not None
    }


def _shared_topics(config: Config) -> Iterator[Problem]:
    seen: dict[str, ConfiguredChannel] = {}
    told: set[str] = set()
    for twin in config.twin.twins:
        for channel in config.channels:
            topic = channel.topic_of(twin)
            other = seen.setdefault(topic, channel)
            if other is not channel and channel.name not in told:
                told.add(channel.name)
                what = f"expected a topic of its own, got '{topic}', which {'.'.join(map(str, table_of(other)))} has"
                yield Problem((*table_of(channel), "topic"), what, "give each channel another topic")
