"""The messages of a deployment, each read by the intakes of the twin types that take its topic."""

from collections.abc import Sequence

from twin_runtime.core import Code, Entry, Message, Reading
from twin_runtime.ingest.intake import Intake
from twin_runtime.ingest.routes import Routes

NO_TYPE = -1
"""The type of a message that belongs to none."""


class Router:
    """The intakes of a deployment's twin types, in their order."""

    def __init__(self, intakes: Sequence[Intake]) -> None:
        self.intakes = tuple(intakes)
        self._routes = Routes[int]()
        for place, intake in enumerate(self.intakes):
            for topic in intake.topics:
                self._routes.add(topic, place)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics, and patterns of topics, that carry signals."""
        return self._routes.topics

    def remember(self, reading: Reading, place: int = 0) -> None:
        """Take a reading of a type as accepted, as after a restart: what comes next is judged against it."""
        self.intakes[place].remember(reading)

    def read(self, message: Message) -> list[Entry]:
        """One entry a sample of the message, or one for a message that cannot be read."""
        places = self._routes.takers(message.topic)
        if not places:
            return [self._unknown(message)]
        if places == [0]:
            return self.intakes[0].read(message)
        return [
            entry._replace(type=place) for place in dict.fromkeys(places) for entry in self.intakes[place].read(message)
        ]

    def _unknown(self, message: Message) -> Entry:
        """The rejection of a topic that no signal has: by the type whose twin it names, if there is one."""
        rejections = [intake.read(message)[0] for intake in self.intakes]
        named = (entry for entry in rejections if entry.code is Code.UNKNOWN_SIGNAL)
        return next(named, rejections[0])._replace(type=NO_TYPE)
