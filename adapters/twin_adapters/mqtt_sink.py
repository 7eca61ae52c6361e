"""Estimates and verdicts for other systems: one retained JSON message a twin, on the broker the readings come from.

A message holds ``twin``, the valid time as ``time`` (RFC 3339) and ``time_ns`` (since the epoch), ``revision``,
``trust`` ("trusted", "degraded" or "untrusted"), ``reasons`` (names of checks), ``model_hash``, and under ``estimates``
for every quantity its ``mean``, ``sd``, ``q05``, ``q50``, ``q95`` and ``unit``. A figure that is not finite is null.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
from pydantic import Field, field_validator

from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import FIGURES, SECOND, StoredEstimate
from twin_runtime.store.identity import Identity


class MqttSinkSettings(MqttSettings):
    """The ``[sinks.mqtt]`` table: a topic for each twin. What it leaves out about the broker is as in ``[mqtt]``."""

    topic: str = Field(default="{twin}/estimate", description="the topic to publish on; {twin} stands for the name")

    @field_validator("topic")
    @classmethod
    def _is_a_topic(cls, topic: str) -> str:
        if "{twin}" not in topic or set("+#") & set(topic) or set("{}") & set(topic.replace("{twin}", "")):
            raise ValueError(f"expected a topic without wildcards and with {{twin}} in it, got {topic!r}")
        return topic


class MqttSink:
    """A :class:`twin_runtime.core.Sink` that publishes every estimate, at QoS 1.

    The retained message of a twin is its newest estimate; a revision of an older one is published but not retained.
    Raises ConnectionFailed when the broker is away or, over MQTT 5, refuses; a 3.1.1 broker cannot report that.
    """

    name = "mqtt"

    def __init__(self, settings: MqttSinkSettings, identity: Identity) -> None:
        self.settings = settings
        self.identity = identity
        own_session = {"client_id": f"{settings.client_id}-estimates"}  # two clients of one name end each other
        self._connected_as = settings.model_copy(update=own_session)
        self._connection: Connection | None = None
        self._newest: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        connection = Connection(self._connected_as, resume=False)
        await connection.open()
        self._connection = connection
        return self

    async def __aexit__(self, *exc: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Publish them in their order; returns when the broker has them all."""
        assert self._connection is not None, "send outside of `async with`"
        await self._connection.publish([self._publication(estimate) for estimate in estimates])

    def _publication(self, estimate: StoredEstimate) -> Publication:
        newest = self._newest[estimate.twin] = max(estimate.time, self._newest.get(estimate.twin, estimate.time))
        topic = self.settings.topic.replace("{twin}", estimate.twin)
        return Publication(topic, msgspec.json.encode(message(estimate, self.identity)), retain=estimate.time == newest)


def message(estimate: StoredEstimate, identity: Identity) -> dict[str, Any]:
    """The content of one message, ready for JSON (msgspec writes null for what is not finite)."""
    known = identity.types[estimate.type]
    return {
        "twin": estimate.twin,
        "time": rfc3339(estimate.time),
        "time_ns": estimate.time,
        "revision": estimate.revision,
        "trust": estimate.trust.name.lower(),
        "reasons": estimate.reasons,
        "model_hash": known.model_hash,
        "estimates": {
            quantity.name: dict(zip(FIGURES, figures, strict=True)) | {"unit": quantity.unit}
            for quantity, figures in zip(known.quantities, estimate.figures.tolist(), strict=True)
        },
    }


def rfc3339(time_ns: int) -> str:
    """A time in UTC with nine decimals: ``2020-01-01T00:00:00.040000000Z``."""
    seconds, fraction = divmod(time_ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
