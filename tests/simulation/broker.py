"""A broker in memory, with a persistent session: it keeps what was not acknowledged, and sends it again."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Self

from tests.simulation.world import World
from twin_runtime.core import Message

WINDOW = 200
"""Packets on their way to the client at a time."""
BATCH = 40
TURN = 0.002
"""Seconds between two batches: what the client's socket takes."""


@dataclass(eq=False)
class Packet:
    """A published message; without acknowledgement where ``qos`` is 0."""

    topic: str
    payload: bytes
    qos: int = 1


class Broker:
    """The session of one client."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.connection = 0
        self.acknowledged: list[Packet] = []
        self.on_the_way = 0
        self._waiting: deque[Packet] = deque()
        self._in_flight: dict[int, Packet] = {}
        self._number = 0
        self._changed = asyncio.Event()
        self._reachable_from = 0.0
        self._free: dict[str, float] = {}

    @property
    def kept(self) -> int:
        """Messages that were not acknowledged yet."""
        return len(self._waiting) + len(self._in_flight) + self.on_the_way

    def publish(self, packet: Packet) -> None:
        """Take a message on; those of one topic stay in order, those of several overtake each other."""
        rng, now = self.world.rng, self.world.loop.time()
        delayed = self.world.on("delay")
        delay = rng.uniform(0.0, delayed.length if delayed else 0.3)
        for _ in range(2 if self.world.on("duplicates") and rng.random() < 0.3 else 1):
            arrival = self._free[packet.topic] = max(self._free.get(packet.topic, 0.0), now + delay)
            self.on_the_way += 1
            self.world.loop.call_at(arrival, self._come, packet)

    def connect(self) -> None:
        """A new connection of the client: what was not acknowledged is sent again, first."""
        self.connection += 1
        self._waiting.extendleft(reversed([p for p in self._in_flight.values() if p.qos]))
        self._in_flight.clear()
        self._changed.set()

    def disconnect(self, seconds: float) -> None:
        """The connection is lost, and cannot be made again for a while."""
        self._reachable_from = max(self._reachable_from, self.world.loop.time() + seconds)
        self.connect()

    async def next_batch(self) -> list[tuple[int, Packet]]:
        """What the client reads next from its socket, with packet identifiers."""
        while True:
            wait = self._reachable_from - self.world.loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            elif self._waiting and len(self._in_flight) < WINDOW:
                return [self._sent() for _ in range(min(len(self._waiting), BATCH, WINDOW - len(self._in_flight)))]
            else:
                self._changed.clear()
                await self._changed.wait()

    def acknowledge(self, connection: int, number: int) -> None:
        """The client has a packet for good; means nothing on a connection that is lost."""
        if connection == self.connection and (packet := self._in_flight.pop(number, None)) is not None:
            self.acknowledged.append(packet)
            self._changed.set()

    def _come(self, packet: Packet) -> None:
        self.on_the_way -= 1
        lost = self.world.loop.time() < self._reachable_from or self.world.rng.random() < 0.1
        if packet.qos or not lost:
            self._waiting.append(packet)
            self._changed.set()

    def _sent(self) -> tuple[int, Packet]:
        packet = self._waiting.popleft()
        self._number += 1
        if packet.qos:
            self._in_flight[self._number] = packet
        return self._number, packet


class SimulatedSource:
    """The client of a broker, in a process that has power until it dies."""

    def __init__(self, broker: Broker) -> None:
        self.broker, self.world = broker, broker.world
        self.has_power = True

    async def __aenter__(self) -> Self:
        self.broker.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def batches(self) -> AsyncIterator[list[Message]]:
        """All that is there, a batch at a time."""
        while True:
            batch = await self.broker.next_batch()
            self.world.note("batch", len(batch), batch[0][1].topic)
            arrival, connection = self.world.wall(), self.broker.connection
            yield [Message(p.topic, p.payload, arrival, (connection, number)) for number, p in batch]
            await asyncio.sleep(TURN)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker, if there is power."""
        if self.has_power:
            self.world.note("acknowledged", len(messages))
            for message in messages:
                assert isinstance(message.token, tuple)
                self.broker.acknowledge(*message.token)
