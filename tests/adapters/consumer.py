"""A process that appends every message to a file, durably, before it acknowledges: ``consumer.py BROKER FILE``."""

import asyncio
import os
import sys
from pathlib import Path

from twin_adapters.mqtt import MqttSettings, MqttSource


async def consume(broker: str, path: Path) -> None:
    """Run until killed."""
    with path.open("ab", buffering=0) as journal:
        async with MqttSource(MqttSettings(broker=broker, client_id="twin"), ["#"]) as source:
            async for batch in source.batches():
                journal.write(b"".join(message.payload + b"\n" for message in batch))
                os.fsync(journal.fileno())
                await source.acknowledge(batch)


if __name__ == "__main__":
    asyncio.run(consume(sys.argv[1], Path(sys.argv[2])))
