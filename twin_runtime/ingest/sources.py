"""Several sources as one: what fails at one is reported, and does not stop the others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self, cast

from twin_runtime.core import Message, Source, WatchedSource
from twin_runtime.errors import ConnectionFailed, without_credentials

LOG = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
"""Seconds before a source that has failed is entered again; doubled every time."""

LONGEST_PAUSE = 60.0


@dataclass(eq=False)
class _Part:
    """One source: the topics of its messages begin with ``prefix``. ``failure``: what has ended it for good."""

    name: str
    prefix: str
    source: Source
    is_open: bool = False
    failure: Exception | None = None

    async def enter(self) -> None:
        await self.source.__aenter__()
        self.is_open = True

    async def leave(self) -> None:
        if self.is_open:
            self.is_open = False
            await self.source.__aexit__(None, None, None)

    @property
    def connected(self) -> bool:
        if self.failure is not None:
            return True  # there is nothing to wait for any more
        return self.is_open and (not isinstance(self.source, WatchedSource) or self.source.connected)

    @property
    def unread(self) -> bool:
        return self.is_open and isinstance(self.source, WatchedSource) and self.source.unread

    def own(self, batch: Sequence[Message]) -> list[Message]:
        """The messages with their topics in this deployment, and with tokens that say whose they are."""
        return [m._replace(topic=self.prefix + m.topic, token=(self, m.token)) for m in batch]


class Sources:
    """A :class:`twin_runtime.core.Source` of all messages of some sources, ``name: (prefix of its topics, source)``.

    Entering it fails only where no source can be reached; those that cannot are tried again. A source that raises
    ConnectionFailed while it is read is given up, as it reconnects by itself where that can help; after any other error
    it is entered anew. The last one that is given up ends the run.
    """

    def __init__(self, sources: Mapping[str, tuple[str, Source]], pause: float = FIRST_PAUSE) -> None:
        self._parts = [_Part(name, prefix, source) for name, (prefix, source) in sources.items()]
        self._batches: asyncio.Queue[list[Message] | Exception] = asyncio.Queue(maxsize=1)
        self._pumps: list[asyncio.Task[None]] = []
        self._pause = pause

    async def __aenter__(self) -> Self:
        entering = (part.enter() for part in self._parts)
        failures = [e for e in await asyncio.gather(*entering, return_exceptions=True) if e is not None]
        fatal = next((error for error in failures if not isinstance(error, ConnectionFailed)), None)
        if fatal is not None or len(failures) == len(self._parts):
            await self._leave()
            raise fatal or failures[0]
        for failure in failures:
            LOG.error("%s; it is tried again, and the other sources go on", failure)
        self._pumps = [asyncio.create_task(self._pump(part)) for part in self._parts]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._leave()

    async def _leave(self) -> None:
        for result in await asyncio.gather(*(part.leave() for part in self._parts), return_exceptions=True):
            if isinstance(result, Exception):
                LOG.warning("a source could not be left: %s", without_credentials(repr(result)))

    async def batches(self) -> AsyncIterator[list[Message]]:
        """What each source yields, one batch after another; a source is read on when its batch has been taken."""
        while True:
            batch = await self._batches.get()
            if isinstance(batch, Exception):
                raise batch
            yield batch

    @property
    def connected(self) -> bool:
        """False while a lost connection is made again."""
        return all(part.connected for part in self._parts)

    @property
    def unread(self) -> bool:
        """Whether messages of some source are left unread."""
        return not self._batches.empty() or any(part.unread for part in self._parts)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge to each source its own."""
        for part, own in groupby(messages, key=_part_of):
            try:
                await part.source.acknowledge([m._replace(token=cast("tuple[_Part, object]", m.token)[1]) for m in own])
            except Exception as error:  # they come again, and are duplicates then
                LOG.warning("%s: cannot acknowledge: %s", part.name, without_credentials(repr(error)))

    async def _pump(self, part: _Part) -> None:
        """Pass on what a source yields, for as long as it can be read."""
        while part.failure is None:
            try:
                await self._entered(part)
                async for batch in part.source.batches():
                    await self._batches.put(part.own(batch))
                return
            except ConnectionFailed as error:
                LOG.error("%s: %s; it is given up, and the other sources go on", part.name, error)
                part.failure = error
            except Exception as error:  # whatever its author did not foresee
                cause = without_credentials(repr(error))
                LOG.error("%s: %s; it is opened again, and the other sources go on", part.name, cause)
                await part.leave()
        if all(each.failure for each in self._parts):
            await self._batches.put(part.failure)

    async def _entered(self, part: _Part) -> None:
        """Enter a source that is not open, however long that takes; a change of its error is reported."""
        pause, trouble = self._pause, ""
        while not part.is_open:
            await asyncio.sleep(pause)
            try:
                await part.enter()
                LOG.info("%s: connected", part.name)
            except ConnectionFailed as error:
                if str(error) != trouble:
                    LOG.warning("%s: %s", part.name, error)
                trouble, pause = str(error), min(2 * pause, LONGEST_PAUSE)


def _part_of(message: Message) -> _Part:
    return cast("tuple[_Part, object]", message.token)[0]
