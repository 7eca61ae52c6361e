"""Estimates and verdicts for other systems: one retained JSON message a twin, on the broker the readings come from.

A message holds ``twin``, the valid time as ``time`` (RFC 3339) and ``time_ns`` (since the epoch), ``revision``,
``trust`` ("trusted", "degraded" or "untrusted"), ``reasons`` (names of checks), ``valid_until`` and ``valid_until_ns``,
``clock`` ("wall": times are those of this world, "stream": those of a recording), ``model_hash``, and under
``estimates`` for every quantity its ``mean``, ``sd``, ``q05``, ``q50``, ``q95`` and ``unit``. A figure that is not
finite is null.

A verdict does not outlive its twin: over MQTT 5 the broker forgets a retained message when its validity is over, and
with it what it holds for subscribers that are away. Whether the runtime is there says the retained message on
``status_topic``: ``deployment``, ``status`` ("online" or "offline"), and with "offline" whether it was ``clean``: told
by the runtime as it stopped, or by the broker as it lost it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
from pydantic import Field, field_validator

from twin_adapters.homeassistant import Topics, announcements
from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_errors import MessagesRefused
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import FIGURES, SECOND, StoredEstimate
from twin_runtime.errors import EstimatesRefused
from twin_runtime.store.identity import Identity

LOG = logging.getLogger(__name__)


class MqttSinkSettings(MqttSettings):
    """The ``[sinks.mqtt]`` table: a topic for each twin. What it leaves out about the broker is as in ``[mqtt]``."""

    topic: str = Field(default="{twin}/estimate", description="the topic to publish on; {twin} stands for the name")
    status_topic: str = Field(
        default="{deployment}/status",
        description='the topic that says whether the runtime is there; {deployment} stands for its name, "" for none',
    )

    discovery: str = Field(
        default="",
        description='where twins are announced to Home Assistant, "" for nowhere',
        examples=["homeassistant"],
    )

    @field_validator("discovery")
    @classmethod
    def _is_a_prefix(cls, topic: str) -> str:
        if set("+#{}") & set(topic) or topic.endswith("/"):
            raise ValueError(f"expected a topic without wildcards, places and a last slash, got {topic!r}")
        return topic

    @field_validator("topic")
    @classmethod
    def _is_a_topic(cls, topic: str) -> str:
        if "{twin}" not in topic or set("+#") & set(topic) or set("{}") & set(topic.replace("{twin}", "")):
            raise ValueError(f"expected a topic without wildcards and with {{twin}} in it, got {topic!r}")
        return topic

    @field_validator("status_topic")
    @classmethod
    def _is_a_status_topic(cls, topic: str) -> str:
        if set("+#") & set(topic) or set("{}") & set(topic.replace("{deployment}", "")):
            raise ValueError(f"expected a topic without wildcards, with {{deployment}} in it or not, got {topic!r}")
        return topic


class MqttSink:
    """A :class:`twin_runtime.core.Sink` that publishes every estimate, at QoS 1.

    The retained message of a twin is its newest estimate; a revision of an older one is published but not retained, and
    neither is, over MQTT 5, one whose validity is over. Raises ConnectionFailed when the broker is away or, over MQTT
    5, refuses for now, EstimatesRefused when it refuses for good; a 3.1.1 broker cannot report that.
    """

    name = "mqtt"

    def __init__(self, settings: MqttSinkSettings, identity: Identity) -> None:
        self.settings = settings
        self.identity = identity
        own_session = {"client_id": f"{settings.client_id}-estimates"}  # two clients of one name end each other
        self._connected_as = settings.model_copy(update=own_session)
        self._connection: Connection | None = None
        self._newest: dict[str, int] = {}
        self._takes_others = False
        self.now: Callable[[], int] = time.time_ns
        """The clock by which the validity of an estimate is over."""

    async def __aenter__(self) -> Self:
        self._connection = await self._connected()
        try:
            await self._report()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._leave(self._status("offline", clean=True))

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Publish them in their order; returns when the broker has them all."""
        now = self.now()
        refusal = await self._refusal([self._publication(estimate, now) for estimate in estimates])
        if refusal is not None and refusal.is_final(self._takes_others):
            raise EstimatesRefused(refusal.what, where=refusal.where, remedy=refusal.remedy) from refusal
        if refusal is not None:
            raise refusal

    async def _refusal(self, publications: Sequence[Publication]) -> MessagesRefused | None:
        """Publish; what the broker refused, if anything.

        mosquitto 2.0 ends a connection soon after it has refused something, so another one is used from there on.
        What it left unanswered is published again until it is known whether it takes anything from us.
        """
        first = None
        while publications:
            assert self._connection is not None, "send outside of `async with`"
            try:
                await self._connection.publish(publications)
                self._takes_others, publications = True, ()
            except MessagesRefused as refusal:
                first = first or refusal
                self._takes_others = self._takes_others or refusal.taken > 0
                await self._renew()
                publications = () if self._takes_others else refusal.unanswered
        return first

    async def _connected(self) -> Connection:
        connection = Connection(self._connected_as, resume=False, will=self._status("offline", clean=False))
        await connection.open()
        return connection

    async def _leave(self, last: Publication | None = None) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close(last)

    async def _renew(self) -> None:
        await self._leave()
        self._connection = await self._connected()

    def _publication(self, estimate: StoredEstimate, now: int) -> Publication:
        newest = self._newest[estimate.twin] = max(estimate.time, self._newest.get(estimate.twin, estimate.time))
        topic = self.settings.topic.replace("{twin}", estimate.twin)
        payload = msgspec.json.encode(message(estimate, self.identity))
        expiry = _expiry(estimate, self.identity, now)
        if estimate.time < newest or (expiry <= 0 and self.settings.protocol == 5):
            return Publication(topic, payload)
        return Publication(topic, payload, retain=True, expiry=expiry)

    def _status(self, status: str, **more: object) -> Publication | None:
        name = self.identity.name
        topic = self.settings.status_topic.replace("{deployment}", name)
        content = {"deployment": name, "status": status, **more}
        return Publication(topic, msgspec.json.encode(content), retain=True) if topic else None

    async def _report(self) -> None:
        """Say that the runtime is there, and what there is."""
        online = self._status("online", since=rfc3339(time.time_ns()))
        if online is not None:
            await self._tell("status", [online])
        if self.settings.discovery:
            topics = Topics(self.settings.discovery, self.settings.topic, "" if online is None else online.topic)
            await self._tell("announcement", list(announcements(self.identity, topics)))

    async def _tell(self, what: str, publications: Sequence[Publication]) -> None:
        """Publish what is not an estimate. That the broker does not let it is no reason to withhold estimates."""
        assert self._connection is not None, "outside of `async with`"
        try:
            await self._connection.publish(publications)
        except MessagesRefused as refusal:
            LOG.warning("no %s is published on %s: %s", what, publications[0].topic, refusal)
            await self._renew()


def _expiry(estimate: StoredEstimate, identity: Identity, now: int) -> int:
    """For how many seconds from ``now`` on a verdict counts; times of a recording say nothing of now."""
    since = now if identity.types[estimate.type].clock == "wall" else estimate.time
    return -((since - estimate.valid_until) // SECOND)


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
        "valid_until": rfc3339(estimate.valid_until),
        "valid_until_ns": estimate.valid_until,
        "clock": known.clock,
        "model_hash": known.model_hash,
        "estimates": {
            quantity.name: dict(zip(FIGURES, figures, strict=True))
            | {"unit": quantity.unit, "standing": standing.name.lower(), "trust": trust.name.lower()}
            for quantity, figures, standing, trust in zip(
                known.quantities, estimate.figures.tolist(), estimate.standing, estimate.quantity_trust, strict=True
            )
        },
    }


def rfc3339(time_ns: int) -> str:
    """A time in UTC with nine decimals: ``2020-01-01T00:00:00.040000000Z``."""
    seconds, fraction = divmod(time_ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
