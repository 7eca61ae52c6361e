"""Which channels take something from the messages on a topic."""

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST_TOPICS = 65_536
"""Topics that came and match a pattern are remembered up to so many: senders can make up any."""


class _Level(Generic[T]):
    """What takes the topics that end here, and the levels that follow."""

    __slots__ = ("below", "next", "takers")

    def __init__(self) -> None:
        self.takers: list[T] = []
        self.below: list[T] = []
        """Takers of all that follows, and of nothing: a last ``#``."""
        self.next: dict[str, _Level[T]] = {}


class Routes(Generic[T]):
    """What takes messages, by topic; the topic may have the wildcards ``+`` and ``#`` of MQTT."""

    def __init__(self) -> None:
        self._exact: dict[str, list[T]] = {}
        self._patterns: dict[str, None] = {}
        self._top = _Level[T]()
        self._matched: dict[str, list[T]] = {}

    def add(self, topic: str, taker: T) -> None:
        """Have messages on a topic taken."""
        if not is_wild(topic):
            self._exact.setdefault(topic, []).append(taker)
            return
        self._patterns[topic] = None
        level, names = self._top, topic.split("/")
        for name in names if names[-1] != "#" else names[:-1]:
            level = level.next.setdefault(name, _Level[T]())
        (level.below if names[-1] == "#" else level.takers).append(taker)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics and patterns."""
        return (*self._exact, *self._patterns)

    def takers(self, topic: str) -> list[T]:
        """What takes the messages on a topic."""
        if not self._patterns:
            return self._exact.get(topic, [])
        found = self._matched.get(topic)
        if found is None:
            found = [*self._exact.get(topic, []), *self._by_pattern(topic)]
            if len(self._matched) < _MOST_TOPICS:
                self._matched[topic] = found
        return found

    def _by_pattern(self, topic: str) -> Iterator[T]:
        """What takes a topic by a pattern; ``$`` at its beginning is matched by no wildcard (MQTT 5, 4.7)."""
        if is_wild(topic):
            return
        levels = [self._top]
        for depth, name in enumerate(topic.split("/")):
            free = depth > 0 or not topic.startswith("$")
            for level in levels if free else ():
                yield from level.below
            keys = (name, "+") if free else (name,)
            levels = [level.next[key] for level in levels for key in keys if key in level.next]
        for level in levels:
            yield from (*level.takers, *level.below)


def is_wild(topic: str) -> bool:
    """Whether a topic is a pattern: a level of it is a wildcard. ``opcua:ns=2;s=Pump#1`` is none."""
    return ("+" in topic or "#" in topic) and not {"+", "#"}.isdisjoint(topic.split("/"))
