"""Stamped messages sent to a broker at the pace of their stamps: for recordings played and assets simulated."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_settings import MqttSettings
from twin_adapters.pacing import paced
from twin_runtime.core import SECOND, Message
from twin_runtime.errors import ConfigError, ConnectionFailed

LOG = logging.getLogger(__name__)

PATIENCE = 60 * SECOND
"""How long a sender tries to get a batch through before it gives up."""


def unobserved(count: int) -> None:
    """Do nothing after a batch: for a sender without a display."""
    del count


async def publish(
    messages: Iterable[Message],
    settings: MqttSettings,
    *,
    origin: int,
    speed: float = 1.0,
    sent: Callable[[int], None] = unobserved,
    patience: int = PATIENCE,
) -> int:
    """Publish ``messages``, sorted by ``arrival``, at QoS 1, each when it is due; return how many were sent.

    ``origin`` is the arrival time (ns) that corresponds to now, before connecting: what falls due meanwhile is sent at
    once. Speed ``inf`` sends as fast as the broker confirms.
    ``sent`` is called with the size of each batch. When the broker goes away, the batch is sent again once it is back,
    so messages may come twice. Raises ConnectionFailed at once if the broker cannot be reached at the start, and
    later when it has been away for longer than ``patience`` (ns).
    """
    began, count = time.monotonic(), 0
    connection = await _opened(settings)
    try:
        async for batch in paced(messages, attrgetter("arrival"), origin=origin, speed=speed, began=began):
            publications = [Publication(message.topic, message.payload) for message in batch]
            connection = await _get_through(connection, publications, patience)
            count += len(batch)
            sent(len(batch))
    finally:
        await connection.close()
    return count


async def _get_through(connection: Connection, publications: Sequence[Publication], patience: int) -> Connection:
    """Send, over a new connection if need be; returns the connection that worked."""
    settings, give_up = connection.settings, time.monotonic_ns() + patience
    pause = settings.retry_min
    while True:
        try:
            if connection.lost:
                connection = await _opened(settings)
            await connection.publish(publications)
            return connection
        except (ConnectionFailed, ConfigError) as error:
            await connection.close()
            if time.monotonic_ns() + pause > give_up:
                raise
            LOG.warning("%s; trying again in %.1f s", error, pause / SECOND)
        await asyncio.sleep(pause / SECOND)
        pause = min(2 * pause, settings.retry_max)


async def _opened(settings: MqttSettings) -> Connection:
    connection = Connection(settings, resume=False)
    await connection.open()
    return connection
