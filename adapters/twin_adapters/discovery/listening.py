"""Hearing all that a broker sends for a while."""

from collections.abc import Callable, Sequence
from pathlib import Path

from twin_adapters.commands.broker import settings_for
from twin_adapters.discovery.traffic import Traffic
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.config import load
from twin_runtime.core import Message
from twin_runtime.ingest.listening import listen

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

    def take(batch: Sequence[Message]) -> None:
        traffic.take(batch)
        kept.extend(batch[: MOST_KEPT - len(kept)])

    await listen(MqttSource(broker_of(where), topics), length, take, lambda left: show(traffic, left))
    return traffic, kept
