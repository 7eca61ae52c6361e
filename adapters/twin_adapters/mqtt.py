"""Readings from an MQTT broker, acknowledged only once they are durable here.

At QoS 1 and with a persistent session the broker keeps every message until it is acknowledged, through crashes and
restarts of this process, and delivers it again. What it keeps while nobody listens is its own affair: see
``adapters/README.md`` for the settings of mosquitto.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from typing import Self, cast

from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_errors import TAKEN_OVER, UNSPECIFIED, taken_over
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import SECOND, Message
from twin_runtime.errors import ConfigError, ConnectionFailed

__all__ = ["MqttSettings", "MqttSource"]

SHORT_LIFE = 10.0
"""Seconds; so soon after it was opened a connection ends, where two clients take a session from each other."""
SHORT_LIVES = 3
"""So many such connections in a row, each opened at the first attempt, are no chance."""

LOG = logging.getLogger(__name__)


class MqttSource:
    """A :class:`twin_runtime.core.Source` of the messages on ``topics``, and of what else ``settings.subscribe`` holds.

    Entering it connects and subscribes, and raises ConnectionFailed where that is refused. From then on it reconnects
    for ever, with growing pauses; ConnectionFailed comes only where another client has the session. While
    ``settings.window`` messages are unacknowledged nothing more is read.
    """

    resumes = True
    """Whether the broker is to hold what is not acknowledged, through connections."""

    def __init__(self, settings: MqttSettings, topics: Sequence[str]) -> None:
        self.settings = settings
        self.topics = settings.subscriptions(topics)
        self._changed = asyncio.Event()
        self._connection: Connection | None = None
        self._opened = 0.0
        self._short_lives = 0

    async def __aenter__(self) -> Self:
        self._connection = await self._connect(known=False)
        LOG.info("connected to %s as %s", self.settings.broker, self.settings.client_id)
        return self

    async def __aexit__(self, *exc: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close(self.last())

    def will(self) -> Publication | None:
        """What the broker publishes when a connection ends by itself."""
        return None

    def opened(self, connection: Connection) -> None:
        """A connection is there and subscribed."""

    def last(self) -> Publication | None:
        """What is published when the source is left."""
        return None

    async def batches(self) -> AsyncIterator[list[Message]]:
        """All that has arrived since the last batch, oldest first. Ends when the source is left."""
        while (connection := self._connection) is not None:
            await self._changed.wait()
            self._changed.clear()
            if batch := connection.take():
                self._changed.set()  # to find a loss that came with the batch
                yield batch
            elif connection.lost and self._connection is not None:
                await self._reconnect(connection)

    @property
    def connected(self) -> bool:
        """False while a lost connection is made again."""
        return self._connection is not None and not self._connection.lost

    @property
    def unread(self) -> bool:
        """Whether the window is full, and nothing is read until something has been acknowledged."""
        return self._connection is not None and self._connection.is_paused

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Report these as durable to the broker; those of an earlier connection are skipped, as they come again."""
        for message in messages:
            if message.token is not None:
                connection, mid = cast("tuple[Connection, int]", message.token)
                connection.acknowledge(mid)
        if self._connection is not None:
            self._connection.read_on()

    async def _connect(self, *, known: bool) -> Connection:
        """Connect and subscribe. Where the session is ``known`` to hold these topics, they are not subscribed again."""
        connection = Connection(self.settings, resume=self.resumes, on_change=self._changed.set, will=self.will())
        await connection.open()
        self._opened = asyncio.get_running_loop().time()
        try:
            if not (known and connection.session_present):
                await connection.subscribe(self.topics)
        except BaseException:
            await connection.close()
            raise
        self.opened(connection)
        return connection

    def _require_own_session(self, lost: Connection) -> None:
        """Raise ConnectionFailed where another client of the same name has the session, or takes it again and again.

        A broker that does not say so ends connections without a word, each soon after it was opened.
        """
        reason = None if lost.ended_by is None else lost.ended_by.value
        short = asyncio.get_running_loop().time() - self._opened < SHORT_LIFE
        self._short_lives = self._short_lives + 1 if short and reason == UNSPECIFIED else 0
        if reason == TAKEN_OVER or self._short_lives >= SHORT_LIVES:
            raise taken_over(self.settings)

    async def _reconnect(self, lost: Connection) -> None:
        LOG.warning("lost %s: %s; connecting again", self.settings.broker, lost.loss)
        await lost.close()
        self._require_own_session(lost)
        pause, trouble = self.settings.retry_min, ""
        while True:
            await asyncio.sleep(pause / SECOND * random.uniform(0.5, 1.0))  # spreads a fleet's attempts
            try:
                self._connection = connection = await self._connect(known=True)
                break
            except (ConnectionFailed, ConfigError) as error:  # files of certificates and passwords may be renewed
                self._short_lives = 0
                if str(error) != trouble:
                    LOG.warning("%s", error)
                trouble = str(error)
            pause = min(2 * pause, self.settings.retry_max)
        _report_resumption(connection, expected=self.resumes)


def _report_resumption(connection: Connection, *, expected: bool) -> None:
    broker = connection.settings.broker
    if not expected:
        LOG.info("connected to %s again", broker)
    elif connection.session_present:
        LOG.info("connected to %s again; the session goes on", broker)
    else:
        LOG.warning("connected to %s again, but it has forgotten the session: what it held for us is lost", broker)
