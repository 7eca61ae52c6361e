"""What ships for testing twins and their parts without the outside world."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Self

from twin_runtime.assimilation.conformance import AssimilatorTests, CovarianceTests, KalmanTests, SquareRootTests
from twin_runtime.core import Message, RawReading, StoredEstimate
from twin_runtime.errors import ConnectionFailed
from twin_runtime.modelling.conformance import ModelTests
from twin_runtime.store.conformance import SINK_IDENTITY, SinkTests, some_estimates

__all__ = [
    "SINK_IDENTITY",
    "AssimilatorTests",
    "CovarianceTests",
    "KalmanTests",
    "MemoryRecording",
    "MemorySink",
    "MemorySource",
    "ModelTests",
    "SinkTests",
    "SquareRootTests",
    "some_estimates",
]


class MemorySource:
    """A source that plays batches of messages, ``pause`` seconds before each, and then is silent, as a broker may be.

    What has been acknowledged is in ``acknowledged``, in that order.
    """

    def __init__(self, batches: Iterable[Sequence[Message]], pause: float = 0.0) -> None:
        self.acknowledged: list[Message] = []
        self._batches, self._pause = batches, pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def batches(self) -> AsyncIterator[list[Message]]:
        """The batches; never ends."""
        for batch in self._batches:
            await asyncio.sleep(self._pause)
            yield list(batch)
        await asyncio.Event().wait()

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Keep these messages as acknowledged."""
        self.acknowledged.extend(messages)


class MemoryRecording:
    """A recording of some readings, given in any order; ``units`` by channel where they are not the configured ones."""

    def __init__(self, readings: Iterable[RawReading], units: Mapping[str, str] | None = None) -> None:
        self._readings = sorted(readings, key=lambda r: (r.time, r.twin, r.channel))
        self.units: Mapping[str, str] = units or {}

    @property
    def start(self) -> int:
        """Event time of the first reading."""
        return self._readings[0].time

    @property
    def end(self) -> int:
        """Event time of the last reading."""
        return self._readings[-1].time

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that occur."""
        return tuple(sorted({reading.channel for reading in self._readings}))

    def __len__(self) -> int:
        return len(self._readings)

    def readings(self) -> Iterator[RawReading]:
        """All readings in order."""
        return iter(self._readings)


class MemorySink:
    """A sink that keeps what it is sent in ``received``, after the first ``failures`` attempts to send have failed."""

    def __init__(self, name: str = "memory", failures: int = 0) -> None:
        self.name, self.failures = name, failures
        self.received: list[StoredEstimate] = []
        self.attempts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Keep the estimates, or raise :class:`ConnectionFailed` where this attempt is to fail."""
        self.attempts += 1
        if self.attempts <= self.failures:
            raise ConnectionFailed(f"attempt {self.attempts} of {self.failures} that are to fail", where=self.name)
        self.received.extend(estimates)
