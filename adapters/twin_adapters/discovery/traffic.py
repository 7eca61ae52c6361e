"""What has arrived, by topic."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from twin_runtime.core import SECOND, Message

MOST_TOPICS = 10_000
KEPT = 32
"""The last messages of a topic that are kept."""


@dataclass
class TopicTraffic:
    """The messages on one topic: how many, how large, and the last of them."""

    topic: str
    count: int = 0
    bytes: int = 0
    retained: int = 0
    first: int = 0
    last: int = 0
    kept: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT))

    def take(self, message: Message) -> None:
        """Count a message. What a broker had retained says nothing of the rate."""
        self.count += 1
        self.bytes += len(message.payload)
        self.retained += message.retained
        if not message.retained:
            self.first = self.first or message.arrival
            self.last = message.arrival
        self.kept.append(message)

    @property
    def rate(self) -> float | None:
        """Messages a second; None where too few came to say."""
        fresh = self.count - self.retained
        return (fresh - 1) * SECOND / (self.last - self.first) if fresh > 1 and self.last > self.first else None

    @property
    def size(self) -> int:
        """Bytes of a message, on average."""
        return round(self.bytes / self.count)


class Traffic:
    """All that has arrived; further topics than :data:`MOST_TOPICS` are counted in ``left_out``."""

    def __init__(self) -> None:
        self.topics: dict[str, TopicTraffic] = {}
        self.left_out = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Count some messages."""
        for message in messages:
            if message.topic not in self.topics and len(self.topics) >= MOST_TOPICS:
                self.left_out += 1
                continue
            self.topics.setdefault(message.topic, TopicTraffic(message.topic)).take(message)
