"""A process to be killed: writes numbered transactions, and says which of them it knows to be durable."""

import asyncio
import sys
from pathlib import Path

from tests.store.making import IDENTITY, accepted, checkpoint, record
from twin_runtime.store.outbox import drain
from twin_runtime.store.store import Store
from twin_runtime.store.writer import Writer
from twin_runtime.testing import MemorySink


async def run(path: Path) -> None:
    with Store.create_or_open(path, IDENTITY) as store:
        async with Writer(store) as writer:
            for number in range(20):
                entries = [accepted(3 * number + i) for i in range(3)]
                await writer.submit(entries, [record(number)], [checkpoint(number)], {"other": number})
                print(number, flush=True)
                await drain(path, writer, MemorySink())


asyncio.run(run(Path(sys.argv[1])))
