"""The messages of a deployment, each read by the intake of the twin type to which its topic belongs."""

from collections.abc import Sequence

from twin_runtime.core import Code, Entry, Message, Reading
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.intake import Intake

NO_TYPE = -1
"""The type of a message that belongs to none."""


class Router:
    """The intakes of a deployment's twin types, in their order.

    Raises :class:`ConfigError` if two types share a topic.
    """

    def __init__(self, intakes: Sequence[Intake]) -> None:
        self.intakes = tuple(intakes)
        self._types: dict[str, int] = {}
        for place, intake in enumerate(self.intakes):
            for topic in intake.topics:
                if self._types.setdefault(topic, place) != place:
                    remedy = "give every signal a topic of its own"
                    raise ConfigError(f"two twin types share the topic {topic!r}", remedy=remedy)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that carry signals, one a signal."""
        return tuple(self._types)

    def remember(self, reading: Reading, place: int = 0) -> None:
        """Take a reading of a type as accepted, as after a restart: what comes next is judged against it."""
        self.intakes[place].remember(reading)

    def read(self, message: Message) -> list[Entry]:
        """One entry a sample of the message, or one for a message that cannot be read."""
        place = self._types.get(message.topic)
        if place is None:
            return [self._unknown(message)]
        entries = self.intakes[place].read(message)
        return [entry._replace(type=place) for entry in entries] if place else entries

    def _unknown(self, message: Message) -> Entry:
        """The rejection of a topic that no signal has: by the type whose twin it names, if there is one."""
        rejections = [intake.read(message)[0] for intake in self.intakes]
        named = (entry for entry in rejections if entry.code is Code.UNKNOWN_SIGNAL)
        return next(named, rejections[0])._replace(type=NO_TYPE)
