"""One session with an OPC UA server and the subscription in it; never used again after it is lost or closed.

A notification is acknowledged to the server once all its readings are durable here, as the next one is asked for only
then: what a busy twin does not take waits in the server's queues. After a connection was lost the next session takes
the subscription over, with all that the server has held for it meanwhile, if the server still has it. Else it begins
anew, with the current values: those that changed between are lost.

asyncua offers that only together with its own way of reconnecting, so what a subscription calls back is set in its
private ``_subscription_callbacks``; ``tests/adapters/opcua`` fails if that changes.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from asyncua import Client, ua

from twin_adapters.confirmations import Confirmations
from twin_adapters.native import description
from twin_adapters.opcua.errors import explain
from twin_adapters.opcua.monitored import monitored
from twin_adapters.opcua.node_ids import UnknownNamespace, parsed, uri_of
from twin_adapters.opcua.security import secure
from twin_adapters.opcua.settings import OpcuaSettings
from twin_adapters.opcua.values import Notified, has_overflowed, nanoseconds, notified
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.errors import ConnectionFailed

LOG = logging.getLogger(__name__)
logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # changes of state are logged here, once

ITEMS_A_REQUEST = 500
"""Nodes asked for in one request; servers limit their number."""

MISSED = 3
"""So many keep-alives may stay out before a subscription counts as lost."""

LEAVING_SECONDS = 0.7
"""How long a server has to answer to a goodbye."""

LIFETIME = 60
"""Seconds that the server keeps a subscription for which nobody asks."""

CONFIRMED_IN_TURNS = 4
"""So often in the interval of confirmations it is looked which are due."""

SESSION = 2 * LIFETIME
"""Seconds that it keeps a session of which nothing is heard: servers have room for a few."""

MILLISECOND = 1_000_000


class Subscription:
    """The nodes at some addresses. ``loss`` says why it has ended; empty while it lives."""

    def __init__(self, settings: OpcuaSettings, addresses: Sequence[str]) -> None:
        self.settings, self._addresses = settings, tuple(addresses)
        self._handles = {address: handle for handle, address in enumerate(self._addresses)}
        self.loss = ""
        self.is_continued = False
        """Whether the server has held for it all that changed since the last session."""
        self.absent: dict[str, str] = {}
        """Addresses that the server refuses, with its reason."""
        sampling = settings.publishing if settings.sampling is None else settings.sampling
        self._confirmations = Confirmations(settings.confirm, lag=settings.publishing + sampling)
        self._fresh = set(self._addresses)
        self._arrived: list[Message] = []
        self._durable = asyncio.Event()
        self._durable.set()
        self._changed = asyncio.Event()
        self._heard, self._due = math.inf, 0.0
        self._patience = math.inf
        self._id = 0
        timeout = settings.timeout / SECOND
        self._client = Client(settings.server, timeout=timeout, watchdog_intervall=timeout)
        self._client.session_timeout = SESSION * 1000

    async def open(self, earlier: "Subscription | None" = None) -> None:
        """Connect and subscribe, or take over an ``earlier`` subscription, which is lost.

        Raises ConnectionFailed with the likely cause and its remedy.
        """
        try:
            await secure(self._client, self.settings)
            self._client.connection_lost_callback = self._on_loss
            async with asyncio.timeout(self.settings.timeout / SECOND):
                await self._client.connect()
            if earlier is None or not await self._take_over(earlier):
                await self._subscribe()
        except (TimeoutError, ua.UaError, OSError) as error:
            await self.close()
            raise explain(error, self.settings) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave the server, as far as it still listens."""
        self._end("closed")
        with suppress(Exception):
            async with asyncio.timeout(LEAVING_SECONDS):
                await self._client.disconnect()
        self._client.disconnect_socket()

    async def next(self) -> list[Message]:
        """What has arrived; empty once the subscription is lost."""
        while not self._arrived and not self.loss:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.publishing / SECOND):
                    await self._changed.wait()
            self._look()
        batch, self._arrived = self._arrived, []
        return batch

    def acknowledge(self) -> None:
        """All that was taken is durable: the server may forget it, and send more."""
        self._durable.set()

    @property
    def is_held(self) -> bool:
        """Whether the server waits until what it has sent is durable."""
        return not self._durable.is_set()

    async def subscribe_absent(self) -> None:
        """Ask again for the nodes that the server did not have."""
        try:
            await self._monitor(list(self.absent))
        except (TimeoutError, ua.UaError, OSError, UnknownNamespace) as error:
            LOG.debug("%s: %r", self.settings.server, error)

    async def _take_over(self, earlier: "Subscription") -> bool:
        """Have the server give this session an earlier subscription; False where it does not, or has it no more."""
        session, parameters = self._client.uaclient.session, ua.TransferSubscriptionsParameters()
        parameters.SubscriptionIds, parameters.SendInitialValues = [earlier._id], True
        try:
            (transferred,) = await session.transfer_subscriptions(parameters)
            transferred.StatusCode.check()
            for number in transferred.AvailableSequenceNumbers:
                self._pass_on(await session.republish(earlier._id, number), whole=False)
        except (ua.UaError, ValueError) as error:
            LOG.info("%s does not give back the subscription: %s", self.settings.server, type(error).__name__)
            return False
        self._id, self._patience, self.absent = earlier._id, earlier._patience, earlier.absent
        self.is_continued, self._heard = True, _now()
        session._subscription_callbacks[self._id] = self._publish
        session.ensure_publish_loop()
        return True

    async def _subscribe(self) -> None:
        publishing, seconds = self.settings.publishing, self.settings.publishing / SECOND
        alive = max(1, round((self.settings.confirm or SECOND) / publishing))
        parameters = ua.CreateSubscriptionParameters()
        parameters.RequestedPublishingInterval = publishing / MILLISECOND
        parameters.RequestedMaxKeepAliveCount = alive
        parameters.RequestedLifetimeCount = max(MISSED * alive, math.ceil(LIFETIME / seconds))
        parameters.PublishingEnabled = True
        created = await self._client.uaclient.session.create_subscription(parameters, self._publish)
        self._id, seconds = created.SubscriptionId, created.RevisedPublishingInterval / 1000.0
        self._confirmations.lag += round(seconds * SECOND) - publishing
        if seconds > 1.5 * publishing / SECOND:
            LOG.warning("%s: it publishes every %g s, not faster", self.settings.server, seconds)
        self._patience = max(MISSED * seconds * created.RevisedMaxKeepAliveCount, self.settings.timeout / SECOND)
        self._heard = _now()
        await self._monitor(self._addresses)

    async def _monitor(self, addresses: Sequence[str]) -> None:
        """Have nodes sampled; those that the server refuses are ``absent`` from there on."""
        namespaces = await self._client.get_namespace_array() if any(map(uri_of, addresses)) else []
        for first in range(0, len(addresses), ITEMS_A_REQUEST):
            chosen = addresses[first : first + ITEMS_A_REQUEST]
            wanted = {address: request for address in chosen if (request := self._item(address, namespaces))}
            parameters = ua.CreateMonitoredItemsParameters()
            parameters.SubscriptionId, parameters.ItemsToCreate = self._id, list(wanted.values())
            parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
            results = await self._client.uaclient.session.create_monitored_items(parameters) if wanted else []
            for address, result in zip(wanted, results, strict=True):
                self.absent.pop(address, None)
                if not result.StatusCode.is_good():
                    self.absent[address] = result.StatusCode.name

    def _item(self, address: str, namespaces: Sequence[str]) -> ua.MonitoredItemCreateRequest | None:
        try:
            return monitored(parsed(address, namespaces), self._handles[address], self.settings)
        except UnknownNamespace:
            self.absent[address] = "the server has no such namespace"
            return None

    async def _publish(self, result: ua.PublishResult) -> None:
        """Pass a notification on; returns when it is durable, and so may be acknowledged."""
        self._heard = _now()
        if self._pass_on(result.NotificationMessage, whole=not result.MoreNotifications):
            self._durable.clear()
            await self._durable.wait()

    def _pass_on(self, message: ua.NotificationMessage, *, whole: bool) -> bool:
        """Whether a notification has come to anything; a ``whole`` one also says what has not changed."""
        arrival, batch = time.time_ns(), list[Message]()
        for notification in message.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                batch += [self._read(item, arrival) for item in notification.MonitoredItems]
            elif isinstance(notification, ua.StatusChangeNotification):
                self._end(f"the server ended the subscription: {notification.Status.name}")
        if whole and message.PublishTime is not None and self._heard >= self._due:
            self._due = self._heard + self.settings.confirm / SECOND / CONFIRMED_IN_TURNS
            batch += self._confirmations.due(self._addresses, nanoseconds(message.PublishTime), arrival)
        self._arrived += batch
        self._changed.set()
        return bool(batch)

    def _read(self, item: ua.MonitoredItemNotification, arrival: int) -> Message:
        topic = self._addresses[item.ClientHandle]
        if has_overflowed(item.Value):
            LOG.warning("%s: its queue for %s has overflowed: raise `queue`", self.settings.server, topic)
        message, value, moment = _notified(topic, item.Value, arrival, self.settings.time)
        if value is None:
            self._confirmations.forget([topic])
        else:
            self._confirmations.keep(topic, value, moment, initial=topic in self._fresh)
        self._fresh.discard(topic)
        return message

    def _look(self) -> None:
        """A subscription of which nothing is heard any more is lost, even if the connection stands."""
        if _now() - self._heard > self._patience and not self.is_held:
            self._end("nothing is heard of the subscription any more")

    async def _on_loss(self, error: Exception) -> None:
        self._end(str(error) or type(error).__name__)

    def _end(self, why: str) -> None:
        self.loss = self.loss or why
        self._durable.set()
        self._changed.set()


def _notified(topic: str, data: ua.DataValue, arrival: int, clock: Literal["source", "server"]) -> Notified:
    try:
        return notified(topic, data, arrival, clock)
    except Exception as error:  # an error that nobody foresaw: the library would drop the whole notification
        what = description(value=str(data)[:1024])
        return Notified(Message(topic, what, arrival, refusal=(Code.FAULT, f"this program failed on it: {error!r}")))


def refused(absent: dict[str, str], settings: OpcuaSettings) -> ConnectionFailed:
    """The error of nodes that the server does not give."""
    names = ", ".join(f"{address}: {reason}" for address, reason in list(absent.items())[:5])
    what = f"the server refuses {len(absent)} nodes ({names}{', ...' if len(absent) > 5 else ''})"
    remedy = "compare the topics with the server's address space, and allow this user to read them"
    return ConnectionFailed(what, where=settings.server, remedy=remedy)


def _now() -> float:
    return asyncio.get_running_loop().time()
