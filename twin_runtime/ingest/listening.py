"""All that a source gives for a while."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from twin_runtime.core import SECOND, Message, Source

GLANCE = 0.5
"""Seconds between two reports of how long is left."""


async def listen(
    source: Source, length: int, take: Callable[[Sequence[Message]], object], left: Callable[[float], None]
) -> None:
    """Give the messages of the next ``length`` nanoseconds to ``take``, and the seconds that are left to ``left``.

    Ctrl-C ends it early. Raises what the source raises.
    """

    async def take_all() -> None:
        async for batch in source.batches():
            take(batch)
            await source.acknowledge(batch)

    async with source:
        loop = asyncio.get_running_loop()
        taking, end = asyncio.create_task(take_all()), loop.time() + length / SECOND
        with suppress(asyncio.CancelledError):
            while (remaining := end - loop.time()) > 0 and not taking.done():
                left(remaining)
                await asyncio.wait({taking}, timeout=min(GLANCE, remaining))
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking
