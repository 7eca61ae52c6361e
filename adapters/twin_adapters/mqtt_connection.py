"""One connection to an MQTT broker; all private use of aiomqtt and paho is in this file.

aiomqtt acknowledges a message before the application has seen it, makes a task for every message, and ignores the
broker's answer to a publication. All three are changed through its private attribute ``_client``, the paho client in
it: acknowledgements become manual, and messages, CONNACK and PUBACK are taken from paho's callbacks.
``tests/adapters/test_mqtt_connection.py`` fails if that attribute changes.
"""

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, ConnectFlags, MQTTMessage
from paho.mqtt.client import Client as Paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from twin_adapters.addresses import is_loopback, warn_of_clear_text
from twin_adapters.mqtt_certificates import expired, warn_of_ends
from twin_adapters.mqtt_errors import (
    PACKET_AT_FAULT,
    MessagesRefused,
    Publication,
    check_granted,
    explain,
    loss,
    may_be_expired,
    reason_of,
)
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import SECOND, Message
from twin_runtime.errors import ConnectionFailed

PACKETS_A_TURN = 100
"""Packets read before the event loop gets its turn."""

TOPICS_A_PACKET = 500
"""Subscriptions asked for in one packet; brokers limit its size."""

PUBLICATIONS_A_ROUND = 1000
"""Messages sent before their confirmations are awaited, each round within the timeout."""

BYTES_IN_FLIGHT = 64 * 2**20
"""Payloads read and not yet acknowledged; then nothing more is read."""

LARGEST_RECEIVE_MAXIMUM = 65_535

DAY_SECONDS = 86_400.0


__all__ = ["Connection", "Publication"]

PUBLISH_OVERHEAD = 32
"""Bytes of a packet besides topic and payload, at most."""


def nothing() -> None:
    """Do nothing at a change: for a connection that is not waited for."""


class Connection:
    """A connection that is opened once and never used again after it is lost or closed.

    ``on_change`` is called when messages have arrived and when the connection is lost. ``resume`` keeps the session
    between connections, so that the broker holds what is not acknowledged and delivers it again. The broker publishes
    the ``will`` when the connection ends without :meth:`close`.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        resume: bool,
        on_change: Callable[[], None] = nothing,
        will: Publication | None = None,
    ) -> None:
        self.settings = settings
        self.session_present = False
        self.loss = ""
        self.ended_by: ReasonCode | None = None
        """The reason with which the broker, or paho for it, ended it."""
        self._on_change = on_change
        self._inbox: list[Message] = []
        self._outstanding: dict[int, int] = {}
        self._held = 0
        self._unconfirmed: dict[int, Publication] = {}
        self._refusals: list[ReasonCode] = []
        self._largest: float = math.inf
        self._confirmed: asyncio.Future[None] | None = None
        self._monitor: asyncio.Task[None] | None = None
        self._next_warning: asyncio.TimerHandle | None = None
        self._limit: float = settings.window
        self._paused = False
        self._client = _client(settings, resume, will)
        self._paho: Paho = self._client._client
        self._take_over(self._paho)

    def _take_over(self, paho: Paho) -> None:
        paho.manual_ack_set(True)
        paho.disable_logger()  # changes of state are logged here, once
        confirm = paho.on_connect

        def on_connect(
            client: Paho, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            self.session_present = flags.session_present
            self._largest = getattr(properties, "MaximumPacketSize", math.inf)
            confirm(client, userdata, flags, reason, properties)  # type: ignore[misc, call-arg, arg-type]

        paho.on_connect = on_connect
        paho.on_message = self._on_message
        paho.on_publish = self._on_publish

    @property
    def lost(self) -> bool:
        """True when this connection has ended; ``loss`` is the reason."""
        return self._monitor is None or self._monitor.done()

    @property
    def is_paused(self) -> bool:
        """Whether reading has stopped because the window is full."""
        return self._paused and not self.lost

    async def open(self) -> None:
        """Connect. Raises ConnectionFailed with the likely cause and its remedy."""
        try:
            await self._client.__aenter__()
        except aiomqtt.MqttError as error:
            self._abandon()
            raise await self._cause(error) from error
        except BaseException:
            self._abandon()
            raise
        self._monitor = asyncio.create_task(self._until_lost())
        self._monitor.add_done_callback(lambda _: self._on_change())
        self._paho.on_socket_register_write = self._on_packets_to_write
        self._warn_daily()
        self._resume_reading()

    async def _cause(self, error: aiomqtt.MqttError) -> ConnectionFailed:
        """What has gone wrong at the start: a certificate that has expired, or what the error says."""
        ended = None
        if may_be_expired(error, self.settings):
            untrusted = isinstance(error.__context__, ssl.SSLCertVerificationError)
            ended = await asyncio.to_thread(expired, self.settings, untrusted=untrusted)
        return ended or explain(error, self.settings)

    def _warn_daily(self) -> None:
        """Warn of certificates that end soon, now and on every day that the connection lasts."""
        if self.settings.tls and not self.lost:
            warn_of_ends(self.settings, self._paho.socket())
            self._next_warning = asyncio.get_running_loop().call_later(DAY_SECONDS, self._warn_daily)

    async def close(self, last: Publication | None = None) -> None:
        """Send what is queued, and a ``last`` message that nobody waits for; disconnect, and free the socket."""
        if last is not None and not self.lost:
            self._send(last)
        with suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)
        self._free()
        if self._monitor is not None:
            await asyncio.wait({self._monitor})

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics at QoS 1; raises ConnectionFailed if the broker grants less than all of them.

        The answer comes behind the backlog of a resumed session, so reading goes beyond the window until it is there
        (MQTT 5 brokers send no more than the window before the first acknowledgement).
        """
        self._limit = math.inf
        self.read_on()
        try:
            for first in range(0, len(topics), TOPICS_A_PACKET):
                chosen = topics[first : first + TOPICS_A_PACKET]
                check_granted(chosen, await self._client.subscribe(self._subscriptions(chosen)), self.settings)
        except aiomqtt.MqttError as error:
            raise explain(error, self.settings) from error
        finally:
            self._limit = self.settings.window

    def _subscriptions(self, topics: Sequence[str]) -> list[tuple[str, int]] | list[tuple[str, SubscribeOptions]]:
        if self.settings.protocol == 4:
            return [(topic, 1) for topic in topics]
        only_if_new = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        return [(topic, SubscribeOptions(qos=1, retainHandling=only_if_new)) for topic in topics]

    # Receiving

    def take(self) -> list[Message]:
        """All that has arrived since the last call; the token of a message is its connection and its number there."""
        batch, self._inbox = self._inbox, []
        self.read_on()
        return batch

    def acknowledge(self, mid: int) -> None:
        """Acknowledge a message to the broker. Does nothing once the connection is lost: the message comes again."""
        if mid in self._outstanding:
            self._held -= self._outstanding.pop(mid)
            self._paho.ack(mid, 1)

    @property
    def _is_full(self) -> bool:
        held = max(len(self._outstanding), len(self._inbox))  # nothing of QoS 0 is outstanding
        return held >= self._limit or (self._limit < math.inf and self._held >= BYTES_IN_FLIGHT)

    def read_on(self) -> None:
        """Read again if a full window had stopped reading and there is room now."""
        if self._paused and not self._is_full:
            self._resume_reading()

    def _resume_reading(self) -> None:
        # Replaces aiomqtt's own reader, which takes one packet a turn of the event loop and cannot pause.
        self._paused = False
        sock = self._paho.socket()
        if sock is not None:
            loop = asyncio.get_running_loop()
            loop.add_reader(sock, self._read)
            loop.call_soon(self._read)  # TLS may hold decrypted bytes that the selector does not see

    def _read(self) -> None:
        """Take packets until nothing more comes, the window is full, or others should have their turn."""
        try:
            for _ in range(PACKETS_A_TURN):
                if self._is_full:
                    return self._pause()
                if not self._read_packet():
                    return
        except Exception as error:  # a packet that paho cannot digest: only a new connection helps
            return self._abandon(f"broken packet: {error}")
        asyncio.get_running_loop().call_soon(self._read)

    def _read_packet(self) -> bool:
        """Read at most one message; False when there is nothing left to read now."""
        before = len(self._inbox)
        self._paho.loop_read()
        return len(self._inbox) > before or _decrypted(self._paho.socket())

    def _pause(self) -> None:
        sock = self._paho.socket()
        if sock is not None and not self._paused:
            self._paused = True
            asyncio.get_running_loop().remove_reader(sock)

    def _on_message(self, _client: Paho, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:  # intake rejects it, as an unknown topic
            topic = error.object.decode("utf-8", "replace")
        token = None
        if message.qos:
            self._held += len(message.payload) - self._outstanding.get(message.mid, 0)
            self._outstanding[message.mid] = len(message.payload)
            token = (self, message.mid)
        self._inbox.append(Message(topic, bytes(message.payload), time.time_ns(), token, bool(message.retain)))
        self._on_change()

    # Sending

    async def publish(self, publications: Sequence[Publication]) -> None:
        """Send at QoS 1; returns when the broker has taken all.

        Raises MessagesRefused if it refused one, ConnectionFailed if it went away. A refusal shows in MQTT 5 only: a
        3.1.1 broker confirms what it throws away.
        """
        for first in range(0, len(publications), PUBLICATIONS_A_ROUND):
            await self._publish_round(publications[first : first + PUBLICATIONS_A_ROUND])

    async def _publish_round(self, publications: Sequence[Publication]) -> None:
        self._refusals.clear()
        confirmed = self._confirmed = asyncio.get_running_loop().create_future()
        self._unconfirmed = {mid: p for p in publications if (mid := self._send(p)) is not None}
        if not self._unconfirmed:
            confirmed.set_result(None)
        assert self._monitor is not None, "publish on a connection that was never opened"
        await asyncio.wait(
            {self._monitor, confirmed}, timeout=self.settings.timeout / SECOND, return_when=asyncio.FIRST_COMPLETED
        )
        if self._refusals:
            raise MessagesRefused(self._refusals, len(publications), list(self._unconfirmed.values()), self.settings)
        if not confirmed.done() and self.ended_by is not None and self.ended_by.value in PACKET_AT_FAULT:
            raise MessagesRefused([self.ended_by] * len(self._unconfirmed), len(publications), (), self.settings)
        if not confirmed.done():
            what = f"{len(self._unconfirmed)} of {len(publications)} messages not confirmed"
            raise self._failure(what, "look whether the broker runs; the messages are sent again")

    def send(self, publication: Publication) -> None:
        """Queue a message; nobody waits for its confirmation."""
        self._send(publication)

    def _send(self, publication: Publication) -> int | None:
        """Queue a message; its number, or None where it is refused without being sent."""
        topic, payload, retain, expiry, qos = publication
        properties = _expiring(expiry) if expiry is not None and self.settings.protocol == 5 else None
        try:
            if len(topic.encode()) + len(payload) + PUBLISH_OVERHEAD <= self._largest:
                return self._paho.publish(topic, payload, qos, retain, properties).mid
            reason = "Packet too large"
        except ValueError:  # of paho, for a topic that no broker takes
            reason = "Topic name invalid"
        self._refusals.append(ReasonCode(PacketTypes.DISCONNECT, reason))
        return None

    def _on_packets_to_write(self, *_: object) -> None:
        # At once: aiomqtt adds its writer a turn later, when the socket may be closed and its number someone else's.
        sock = self._paho.socket()
        if sock is not None:
            asyncio.get_running_loop().add_writer(sock, self._write)

    def _write(self) -> None:
        try:
            self._paho.loop_write()
        except Exception as error:
            self._abandon(f"cannot write: {error}")

    def _failure(self, what: str, remedy: str) -> ConnectionFailed:
        return ConnectionFailed(
            f"{what}; {self.loss}" if self.loss else what, where=self.settings.broker, remedy=remedy
        )

    def _on_publish(self, _client: Paho, _userdata: object, mid: int, reason: ReasonCode, _: Properties) -> None:
        self._unconfirmed.pop(mid, None)
        if reason.is_failure:
            self._refusals.append(reason)
        if not self._unconfirmed and self._confirmed is not None and not self._confirmed.done():
            self._confirmed.set_result(None)

    # Ending

    async def _until_lost(self) -> None:
        try:
            async for _ in self._client.messages:  # none comes this way; the iterator ends with the connection
                pass
        except aiomqtt.MqttError as error:
            self.loss, self.ended_by = self.loss or loss(error, self.settings), reason_of(error)
        self._outstanding.clear()
        self._held = 0

    def _abandon(self, why: str = "") -> None:
        """End at once, whatever state paho and aiomqtt are in."""
        self.loss = why
        self._free()
        if self._monitor is not None:
            self._monitor.cancel()

    def _free(self) -> None:
        self._outstanding.clear()
        self._held = 0
        if self._next_warning is not None:
            self._next_warning.cancel()
        self._paho._sock_close()  # takes aiomqtt's tasks and callbacks with it; the public ways out wait for the broker


def _client(settings: MqttSettings, resume: bool, will: Publication | None) -> aiomqtt.Client:
    modern = settings.protocol == 5
    if settings.has_password and not (settings.tls or is_loopback(settings.host)):
        warn_of_clear_text("the password", settings.broker)
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password(),
        identifier=settings.client_id,
        protocol=aiomqtt.ProtocolVersion(settings.protocol),
        clean_session=None if modern else not resume,
        clean_start=not resume if modern else MQTT_CLEAN_START_FIRST_ONLY,
        properties=_properties(settings, resume) if modern else None,
        will=None if will is None else aiomqtt.Will(will.topic, will.payload, 1, will.retain),
        keepalive=settings.keepalive // SECOND,
        timeout=settings.timeout / SECOND,
        tls_context=settings.tls_context(),
    )


def _properties(settings: MqttSettings, resume: bool) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry // SECOND if resume else 0
    properties.MaximumPacketSize = settings.largest_message
    properties.ReceiveMaximum = min(settings.window, LARGEST_RECEIVE_MAXIMUM)
    return properties


@lru_cache(1000)
def _expiring(seconds: int) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = seconds
    return properties


def _decrypted(sock: object) -> bool:
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
