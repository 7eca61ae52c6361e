"""Hearing all that a broker sends for a while."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from twin_adapters.commands.broker import settings_for
from twin_adapters.discovery.traffic import Traffic
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.config import load
from twin_runtime.core import SECOND, Message

MOST_KEPT = 100_000
"""Messages that are kept whole."""


def broker_of(where: str) -> MqttSettings:
    """The settings of a broker by its address, or by a configuration's table ``[mqtt]``. Raises ConfigError."""
    if "://" in where:
        return settings_for("listen", None, where)
    return settings_for("listen", load(Path(where)), None).model_copy(update={"subscribe": ()})


async def heard(
    where: str, topics: Sequence[str], length: int, show: Callable[[Traffic, float], None]
) -> tuple[Traffic, list[Message]]:
    """All that comes on some topics for ``length`` ns; ``show`` is called twice a second with the seconds left.

    Ctrl-C ends it early. Raises ConnectionFailed.
    """
    traffic, kept = Traffic(), list[Message]()

    async def take(source: MqttSource) -> None:
        async for batch in source.batches():
            traffic.take(batch)
            kept.extend(batch[: MOST_KEPT - len(kept)])
            await source.acknowledge(batch)

    async with MqttSource(broker_of(where), topics) as source:
        loop = asyncio.get_running_loop()
        taking, end = asyncio.create_task(take(source)), loop.time() + length / SECOND
        with suppress(asyncio.CancelledError):
            while (left := end - loop.time()) > 0 and not taking.done():
                show(traffic, left)
                await asyncio.wait({taking}, timeout=min(0.5, left))
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking
    return traffic, kept
