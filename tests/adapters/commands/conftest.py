"""A deployment with a broker, for commands that work without the runtime."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from tests.servers import Server, mosquitto

CONFIG = """
[twin]
name = "artery"
model = "artery"
twins = ["patient-1", "patient-2"]
tick = "40 ms"
[sensors.abp]
observes = "pressure"
topic = "ward/{twin}/abp"
unit = "mmHg"
noise = 2.0
range = [-30, 300]
[inputs.r_peak]
topic = "ward/{twin}/r_peak"
unit = "1"
[mqtt]
client_id = "twin-artery"
broker = "mqtt://127.0.0.1:PORT"
"""

TWIN = Path(sys.executable).with_name("twin")
"""The command line, as it is installed."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """A running mosquitto that logs every packet."""
    with mosquitto(tmp_path / "mosquitto", ["allow_anonymous true", "log_type all"]) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, broker: Server) -> Path:
    """The configuration of two patients at that broker."""
    path = tmp_path / "ward.toml"
    path.write_text(CONFIG.replace("PORT", str(broker.port)))
    return path


class Listener:
    """A subscriber of its own that keeps (topic, payload) of all it hears, in order."""

    def __init__(self, broker: Server) -> None:
        self.received: list[tuple[str, bytes]] = []
        self._news = asyncio.Event()
        self._client = aiomqtt.Client("127.0.0.1", broker.port, identifier="listener")

    async def __aenter__(self) -> "Listener":
        await self._client.__aenter__()
        await self._client.subscribe("#", qos=1)
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._client.__aexit__(None, None, None)

    async def wait_for(self, count: int) -> list[tuple[str, bytes]]:
        """All that was received, once there are so many messages and no more come."""
        async with asyncio.timeout(30):
            while len(self.received) < count:
                await self._news.wait()
                self._news.clear()
        await asyncio.sleep(0.1)
        return self.received

    async def _listen(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            self.received.append((message.topic.value, message.payload))
            self._news.set()
