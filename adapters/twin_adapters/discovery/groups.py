"""Topics whose messages are alike: one place in a configuration, with ``{twin}`` where they differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twin_adapters.discovery.guess import Guess, guess
from twin_adapters.discovery.traffic import TopicTraffic


@dataclass(frozen=True, slots=True)
class Group:
    """Topics alike: their template, the twin of each (empty without a place for it), what they hold, how often."""

    template: str
    topics: tuple[str, ...]
    twins: tuple[str, ...]
    guess: Guess
    traffic: tuple[TopicTraffic, ...]


def grouped(topics: Sequence[TopicTraffic]) -> list[Group]:
    """The groups of all topics whose messages hold numbers."""
    alike: dict[tuple[object, ...], list[tuple[TopicTraffic, Guess]]] = {}
    for traffic in topics:
        found = guess(traffic.topic, list(traffic.kept))
        if found is not None:
            alike.setdefault(_likeness(traffic.topic, found), []).append((traffic, found))
    return [group for members in alike.values() for group in _groups(members)]


def _likeness(topic: str, found: Guess) -> tuple[object, ...]:
    levels = topic.split("/")
    paths = tuple(value.path for value in found.values)
    return found.kind, found.pattern, tuple(found.own.items()), len(levels), paths, found.kind is None and levels[-1]


def _groups(members: Sequence[tuple[TopicTraffic, Guess]]) -> Iterator[Group]:
    """One group, where the topics differ in one level, or one for each topic."""
    found, traffic = members[0][1], tuple(traffic for traffic, _ in members)
    topics = tuple(each.topic for each in traffic)
    level = _level(topics, found.pattern)
    if level is None:
        for each, own in members:
            yield Group(each.topic, (each.topic,), (), own, (each,))
        return
    levels = topics[0].split("/")
    template = "/".join((*levels[:level], "{twin}", *levels[level + 1 :]))
    yield Group(template, topics, tuple(topic.split("/")[level] for topic in topics), found, traffic)


def _level(topics: Sequence[str], pattern: str) -> int | None:
    """The level of the topics that names the twin; None where it cannot be told."""
    levels = [topic.split("/") for topic in topics]
    differing = [place for place, names in enumerate(zip(*levels, strict=True)) if len(set(names)) > 1]
    if "{twin}" in pattern:
        place = pattern.split("/").index("{twin}")
        return place if differing in ([], [place]) else None
    return differing[0] if len(differing) == 1 else None
