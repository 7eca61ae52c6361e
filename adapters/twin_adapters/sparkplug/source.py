"""Sparkplug B edge nodes as a source: what they send, resolved to readings before anything is journalled.

Edge nodes send at QoS 0: the broker keeps nothing for us. What is lost shows as a gap in the sequence numbers and is
answered with a request for births, which bring current values but not those between.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Self

from twin_adapters.confirmations import Confirmations
from twin_adapters.sparkplug.addresses import fault, parsed
from twin_adapters.sparkplug.line import MILLISECOND, Line
from twin_adapters.sparkplug.nodes import EdgeNode
from twin_adapters.sparkplug.payload import decoded, rebirth
from twin_adapters.sparkplug.settings import SparkplugSettings
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.ingest.decode import Refused

LOG = logging.getLogger(__name__)

NAMESPACE = "spBv1.0"
KINDS = ("BIRTH", "DATA", "DEATH")
"""Messages of interest, behind N for those of a node or D for those of a device."""

FIRST_PATIENCE, LONGEST_PATIENCE = 2.0, 300.0
"""Seconds before a node is asked again for births that have not come; doubled each time."""

IDLE_SECONDS = 1.0
"""Between two looks at what is due, where nothing comes."""


class SparkplugSource:
    """A :class:`twin_runtime.core.Source` of the metrics at some addresses, ``GROUP/NODE/DEVICE/METRIC``."""

    EXAMPLE = 'write it like topic = "sparkplug:plant/edge-1/{twin}/Temperature"'
    address_fault = staticmethod(fault)

    def __init__(self, settings: SparkplugSettings, topics: Sequence[str]) -> None:
        self.settings = settings
        self._confirmations = Confirmations(settings.confirm, lag=settings.confirm)
        self._nodes = {
            (group, node): EdgeNode(f"{group}/{node}", signals, self._confirmations)
            for (group, node), signals in _signals(topics).items()
        }
        self._asked: dict[tuple[str, str], tuple[float, float]] = {}
        subscribed = [f"{NAMESPACE}/{group}/+/{node}/#" for group, node in self._nodes]
        if settings.host_id is not None:
            subscribed.append(f"{NAMESPACE}/STATE/{settings.host_id}")
        self._line = Line(settings, subscribed, self._begin)
        self._pause = min(settings.confirm / SECOND or IDLE_SECONDS, IDLE_SECONDS) / 2
        self._due = 0.0

    async def __aenter__(self) -> Self:
        await self._line.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._line.__aexit__(*exc)

    @property
    def connected(self) -> bool:
        """False while a lost connection is made again."""
        return self._line.connected

    @property
    def unread(self) -> bool:
        """Whether nothing is read until something has been acknowledged."""
        return self._line.unread

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Report these as durable to the broker, those that it waits for."""
        await self._line.acknowledge(messages)

    async def batches(self) -> AsyncIterator[list[Message]]:
        """The readings of all that has arrived since the last batch, and confirmations of what has not changed."""
        arriving = aiter(self._line.batches())
        waiting: asyncio.Future[list[Message] | None] = asyncio.ensure_future(anext(arriving, None))
        try:
            while True:
                self._ask_for_births()
                await asyncio.wait({waiting}, timeout=self._pause)
                batch: list[Message] = []
                if waiting.done():
                    messages = waiting.result()
                    if messages is None:
                        return
                    batch = await self._read(messages)
                    waiting = asyncio.ensure_future(anext(arriving, None))
                batch += self._confirmed()
                if batch:
                    yield batch
        finally:
            waiting.cancel()
            await asyncio.wait({waiting})

    async def _read(self, messages: Sequence[Message]) -> list[Message]:
        """The readings of some messages, the last of each with its token; a message without any is acknowledged."""
        batch: list[Message] = []
        for message in messages:
            readings = list(self._readings(message))
            if readings:
                readings[-1] = readings[-1]._replace(token=message.token)
                batch += readings
            else:
                await self._line.acknowledge([message])
        return batch

    def _readings(self, message: Message) -> Iterator[Message]:
        _, group, kind, name, *device = (*message.topic.split("/"), "", "", "")[:5]
        node = self._nodes.get((group, name))
        if group == "STATE":
            self._line.heard(message)
        if node is None or kind[1:] not in KINDS or kind[0] != ("D" if any(device) else "N"):
            return
        try:
            yield from node.take(kind[1:], device[0], decoded(message.payload), message.arrival)
        except Refused as refused:
            yield message._replace(token=None, refusal=(refused.code, refused.detail))
        except UnicodeDecodeError as error:
            yield message._replace(token=None, refusal=(Code.WRONG_SHAPE, f"a name that is not UTF-8: {error}"))
        except Exception as error:  # an error that nobody foresaw: the message may not end the source
            yield message._replace(token=None, refusal=(Code.FAULT, f"this program failed on it: {error!r}"))

    def _confirmed(self) -> list[Message]:
        """What is to be confirmed, looked for now and then."""
        moment, now = asyncio.get_running_loop().time(), time.time_ns()
        if moment < self._due or not self.connected:
            return []
        self._due = moment + self._pause
        return [message for node in self._nodes.values() for message in node.confirmed(now)]

    def _begin(self) -> None:
        """A new connection: births may have been missed, so that nothing is known."""
        self._asked.clear()
        for node in self._nodes.values():
            node.forget("its births are not known yet")

    def _ask_for_births(self) -> None:
        """Ask the nodes whose births are needed, each at growing intervals until they come."""
        now = asyncio.get_running_loop().time()
        for place, node in self._nodes.items():
            if not node.trouble:
                self._asked.pop(place, None)
                continue
            due, patience = self._asked.get(place, (now, FIRST_PATIENCE))
            if now >= due:
                self._ask(place, node, first=place not in self._asked)
                self._asked[place] = now + patience, min(2 * patience, LONGEST_PATIENCE)

    def _ask(self, place: tuple[str, str], node: EdgeNode, *, first: bool) -> None:
        group, name = place
        if not self.settings.rebirth:
            if first:
                LOG.warning("edge node %s: %s; `rebirth = false`: waiting for its next birth", node.name, node.trouble)
            return
        LOG.log(logging.INFO if first else logging.WARNING, "edge node %s: %s; asked", node.name, node.trouble)
        self._line.command(f"{NAMESPACE}/{group}/NCMD/{name}", rebirth(time.time_ns() // MILLISECOND))


def _signals(addresses: Sequence[str]) -> dict[tuple[str, str], dict[tuple[str, str], str]]:
    """The addresses by edge node, and by device and name there."""
    signals: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for address in addresses:
        metric = parsed(address)
        signals.setdefault((metric.group, metric.node), {})[metric.device, metric.name] = address
    return signals
