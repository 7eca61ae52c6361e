"""An OPC UA server as a source: it reconnects and subscribes anew for ever."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from typing import Self

from twin_adapters.opcua.node_ids import fault
from twin_adapters.opcua.settings import OpcuaSettings
from twin_adapters.opcua.subscription import Subscription, refused
from twin_runtime.core import SECOND, Message
from twin_runtime.errors import ConfigError, ConnectionFailed

LOG = logging.getLogger(__name__)


class OpcuaSource:
    """A :class:`twin_runtime.core.Source` of the values of nodes.

    Entering it connects and subscribes, and raises ConnectionFailed where that is refused. Nodes that the server does
    not have when it comes back are asked for again now and then, as a server may build them slowly.
    """

    EXAMPLE = 'write it like topic = "opcua:ns=2;s={twin}.Temperature"'
    address_fault = staticmethod(fault)

    def __init__(self, settings: OpcuaSettings, topics: Sequence[str]) -> None:
        self.settings, self.topics = settings, tuple(topics)
        self._subscription: Subscription | None = None
        self._asking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        subscription = Subscription(self.settings, self.topics)
        await subscription.open()
        if subscription.absent:
            await subscription.close()
            raise refused(subscription.absent, self.settings)
        self._subscription = subscription
        LOG.info("connected to %s, %d nodes", self.settings.server, len(self.topics))
        return self

    async def __aexit__(self, *exc: object) -> None:
        subscription, self._subscription = self._subscription, None
        if self._asking is not None:
            self._asking.cancel()
        if subscription is not None:
            await subscription.close()

    async def batches(self) -> AsyncIterator[list[Message]]:
        """The values of every notification, and confirmations of what has not changed."""
        while (subscription := self._subscription) is not None:
            batch = await subscription.next()
            if batch:
                batch[-1] = batch[-1]._replace(token=subscription)
                yield batch
            elif self._subscription is not None:
                await self._reconnect(subscription)

    @property
    def connected(self) -> bool:
        """False while a lost connection is made again."""
        return self._subscription is not None and not self._subscription.loss

    @property
    def unread(self) -> bool:
        """Whether the server waits with more until something has been acknowledged."""
        return self._subscription is not None and self._subscription.is_held

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the server forget what is durable here."""
        for message in messages:
            if isinstance(message.token, Subscription):
                message.token.acknowledge()

    async def _reconnect(self, lost: Subscription) -> None:
        LOG.warning("lost %s: %s; connecting again", self.settings.server, lost.loss)
        await lost.close()
        pause, trouble = self.settings.retry_min, ""
        while True:
            await asyncio.sleep(pause / SECOND * random.uniform(0.5, 1.0))  # spreads a fleet's attempts
            subscription = Subscription(self.settings, self.topics)
            try:
                await subscription.open(lost)
                break
            except (ConnectionFailed, ConfigError) as error:
                if str(error) != trouble:
                    LOG.warning("%s", error)
                trouble = str(error)
            pause = min(2 * pause, self.settings.retry_max)
        self._subscription = subscription
        meanwhile = "the subscription goes on" if subscription.is_continued else "what changed meanwhile is lost"
        LOG.info("connected to %s again; %s", self.settings.server, meanwhile)
        if subscription.absent:
            LOG.warning("%s; they are asked for again", refused(subscription.absent, self.settings))
            self._asking = asyncio.create_task(self._ask_for_absent(subscription))

    async def _ask_for_absent(self, subscription: Subscription) -> None:
        while subscription.absent and not subscription.loss:
            await asyncio.sleep(self.settings.retry_max / SECOND)
            await subscription.subscribe_absent()
