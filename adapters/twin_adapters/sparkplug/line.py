"""The connection to the broker of the edge nodes: a fresh session each time, and the STATE of a primary host."""

import json
import time
from collections.abc import Callable, Sequence

from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.sparkplug.settings import SparkplugSettings
from twin_runtime.core import Message

MILLISECOND = 1_000_000


class Line(MqttSource):
    """A source of all messages of some edge nodes, as they are. ``opened`` is called with every new connection."""

    resumes = False

    def __init__(self, settings: SparkplugSettings, topics: Sequence[str], opened: Callable[[], None]) -> None:
        super().__init__(settings, topics)
        self._host, self._on_open = settings.host_id, opened
        self._since = 0

    def will(self) -> Publication | None:
        """Say that the host is gone, with the time of the birth to which that belongs."""
        self._since = time.time_ns() // MILLISECOND
        return self._state(online=False)

    def opened(self, connection: Connection) -> None:
        """Say that the host is there."""
        birth = self._state(online=True)
        if birth is not None:
            connection.send(birth)
        self._on_open()

    def last(self) -> Publication | None:
        """Say that the host leaves."""
        return self._state(online=False)

    def command(self, topic: str, payload: bytes) -> None:
        """Send a command to an edge node, at QoS 0 as the specification demands, if there is a connection."""
        if self._connection is not None and not self._connection.lost:
            self._connection.send(Publication(topic, payload, qos=0))

    def heard(self, message: Message) -> None:
        """A host that is there contradicts a STATE that says otherwise, such as the will of its last connection."""
        birth = self._state(online=True)
        if birth is not None and b"false" in message.payload and self._connection is not None:
            self._connection.send(birth)

    def _state(self, *, online: bool) -> Publication | None:
        if self._host is None:
            return None
        payload = json.dumps({"online": online, "timestamp": self._since}).encode()
        return Publication(f"spBv1.0/STATE/{self._host}", payload, retain=True)
