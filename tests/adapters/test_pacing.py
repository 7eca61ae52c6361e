"""Items come at absolute deadlines: a delay is caught up, not carried on."""

import asyncio
import math
import time
from itertools import chain

import pytest

from twin_adapters.pacing import paced
from twin_runtime.core import SECOND

MS = SECOND // 1000


def itself(item: int) -> int:
    return item


async def test_each_item_waits_for_its_time() -> None:
    started = time.monotonic()
    async for batch in paced([0, 20 * MS, 60 * MS], itself, origin=0):
        assert time.monotonic() - started >= batch[-1] / SECOND - 0.001


async def test_speed_divides_every_wait() -> None:
    started = time.monotonic()
    batches = [batch async for batch in paced([10 * SECOND, 11 * SECOND], itself, origin=10 * SECOND, speed=50)]
    assert 0.019 <= time.monotonic() - started < 0.5
    assert list(chain(*batches)) == [10 * SECOND, 11 * SECOND]


async def test_what_fell_due_while_the_consumer_was_busy_comes_in_one_batch() -> None:
    batches = []
    async for batch in paced([i * 10 * MS for i in range(10)], itself, origin=0):
        batches.append(batch)
        if len(batches) == 1:
            await asyncio.sleep(0.055)
    assert 50 * MS in batches[0] + batches[1]
    assert list(chain(*batches)) == [i * 10 * MS for i in range(10)]


async def test_infinite_speed_gives_the_largest_batches_without_waiting() -> None:
    items = [i * SECOND for i in range(25)]
    sizes = [len(batch) async for batch in paced(items, itself, origin=0, speed=math.inf, largest=10)]
    assert sizes == [10, 10, 5]


async def test_nothing_is_nothing() -> None:
    assert [batch async for batch in paced(list[int](), itself, origin=0)] == []


@pytest.mark.parametrize("speed", [0, -1, math.nan])
async def test_time_that_stands_still_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        await anext(paced([1], itself, origin=0, speed=speed))


async def test_what_fell_due_before_the_first_was_asked_for_comes_at_once() -> None:
    earlier = time.monotonic() - 0.05
    items = paced([0, 20 * MS, 40 * MS, 100 * MS], itself, origin=0, began=earlier)
    assert await anext(items) == [0, 20 * MS, 40 * MS]
    assert await anext(items) == [100 * MS]
