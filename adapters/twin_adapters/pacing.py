"""Real time as a thin layer over stamped items: each falls due at an absolute deadline of a monotonic clock.

A deadline is counted from the start, never from the item before, so a slow consumer or too long a sleep does not shift
what follows: what is overdue comes at once, in one batch, until the pace is met again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from twin_runtime.core import SECOND

Item = TypeVar("Item")

SHORTEST_SLEEP = 0.5e-3
"""Seconds. The event loop's timer is coarser than this; rather than overshoot, an item may come so much early."""


async def paced(
    items: Iterable[Item],
    due: Callable[[Item], int],
    *,
    origin: int,
    speed: float = 1.0,
    largest: int = 500,
    began: float | None = None,
) -> AsyncIterator[list[Item]]:
    """Yield ``items``, sorted by ``due`` (ns), when their time has come at ``speed`` times real time.

    Each batch holds all that is due by now: one item when the consumer keeps up, at most ``largest`` when it does not.
    ``origin`` is the time on the scale of ``due`` that corresponds to ``began`` (of ``time.monotonic``), by default to
    now. Speed ``inf`` does not wait at all.
    """
    if not speed > 0:
        raise ValueError(f"expected a speed above 0, got {speed}")
    started = time.monotonic() if began is None else began
    batch: list[Item] = []
    for item in items:
        deadline = started + (due(item) - origin) / SECOND / speed
        if batch and (len(batch) == largest or _remaining(deadline) > 0):
            yield batch
            batch = []
        if (remaining := _remaining(deadline)) > 0:
            await asyncio.sleep(remaining)
        batch.append(item)
    if batch:
        yield batch


def _remaining(deadline: float) -> float:
    """Seconds worth sleeping until the deadline, or 0."""
    remaining = deadline - time.monotonic()
    return remaining if remaining > SHORTEST_SLEEP else 0.0
