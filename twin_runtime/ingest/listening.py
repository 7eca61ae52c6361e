"""All that a source gives for a while."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from twin_runtime.core import SECOND, Message, Source


async def listen(source: Source, length: int, advance: Callable[[int], None]) -> list[Message]:
    """The messages of the next ``length`` nanoseconds; ``advance`` is called with the whole seconds that are over."""
    found = list[Message]()

    async def take() -> None:
        async for batch in source.batches():
            found.extend(batch)
            await source.acknowledge(batch)

    async with source:
        taking = asyncio.create_task(take())
        begun = asyncio.get_running_loop().time()
        while (over := asyncio.get_running_loop().time() - begun) < length / SECOND and not taking.done():
            advance(int(over))
            await asyncio.wait({taking}, timeout=min(0.25, length / SECOND - over))
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking
    return found
