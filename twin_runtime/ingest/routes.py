"""Which channels take something from the messages on a topic."""

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST_TOPICS = 65_536
"""Topics that came and match a wildcard are remembered up to so many: senders can make up any."""


class Routes(Generic[T]):
    """What takes messages, by topic; the topic may have the wildcards ``+`` and ``#`` of MQTT."""

    def __init__(self) -> None:
        self._exact: dict[str, list[T]] = {}
        self._wild: dict[str, list[T]] = {}
        self._matched: dict[str, list[T]] = {}

    def add(self, topic: str, taker: T) -> None:
        """Have messages on a topic taken."""
        (self._wild if is_wild(topic) else self._exact).setdefault(topic, []).append(taker)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics and patterns."""
        return (*self._exact, *self._wild)

    def takers(self, topic: str) -> list[T]:
        """What takes the messages on a topic."""
        if not self._wild:
            return self._exact.get(topic, [])
        found = self._matched.get(topic)
        if found is None:
            found = list(self._found(topic))
            if len(self._matched) < _MOST_TOPICS:
                self._matched[topic] = found
        return found

    def _found(self, topic: str) -> Iterator[T]:
        yield from self._exact.get(topic, [])
        for pattern, takers in self._wild.items():
            if matches(pattern, topic):
                yield from takers


def is_wild(topic: str) -> bool:
    """Whether a topic is a pattern."""
    return "+" in topic or "#" in topic


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic matches a pattern (MQTT 5, 4.7): ``+`` is one level, a last ``#`` all that follow and none."""
    if topic.startswith("$") or is_wild(topic):
        return False
    levels, wanted = topic.split("/"), pattern.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(one in ("+", level) for one, level in zip(wanted, levels, strict=True))
