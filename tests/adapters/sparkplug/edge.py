"""An edge node for the tests: births, data by alias, deaths, and an answer to those who ask for its births."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from tests.adapters.talking import settings
from tests.servers import Server
from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.sparkplug.payload import decoded, encoded

DOUBLE, INT64 = 10, 4


def now() -> int:
    """ms since the epoch."""
    return time.time_ns() // 1_000_000


class Edge:
    """The edge node plant/edge-1 with one device, whose metrics have the aliases of their places."""

    def __init__(self, server: Server, metrics: Sequence[str], device: str = "boiler") -> None:
        self.asked = 0
        self.values = dict.fromkeys(metrics, 1.0)
        self.sequence, self.bd_seq = 0, 0
        self._server, self._device = server, device
        self._aliases = {name: alias for alias, name in enumerate(metrics, 10)}
        self._line: Connection

    async def __aenter__(self) -> "Edge":
        self.bd_seq += 1
        death = Publication("spBv1.0/plant/NDEATH/edge-1", encoded(metrics=[self._session()]))
        own = settings(self._server, client_id="edge-1")
        self._line = Connection(own, resume=False, on_change=self._heard, will=death)
        await self._line.open()
        await self._line.subscribe(["spBv1.0/plant/NCMD/edge-1"])
        self.be_born()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._line.close()

    async def die(self) -> None:
        """Go without a word: the broker publishes the will."""
        self._line._abandon("dies")
        await asyncio.sleep(0)

    def be_born(self) -> None:
        """Send the births: names, aliases, data types and current values."""
        self.sequence = 255
        self._send("NBIRTH", [self._session()], "")
        births = [
            {"name": name, "alias": self._aliases[name], "datatype": DOUBLE, "double_value": value, "timestamp": now()}
            for name, value in self.values.items()
        ]
        self._send("DBIRTH", births, self._device)

    def send(self, **values: float) -> None:
        """Send values by their aliases, measured now."""
        self.values.update(values)
        metrics = [
            {"alias": self._aliases[name], "double_value": value, "timestamp": now()} for name, value in values.items()
        ]
        self._send("DDATA", metrics, self._device)

    def lose(self) -> None:
        """A message that never arrives."""
        self.sequence += 1

    def _session(self) -> dict[str, Any]:
        return {"name": "bdSeq", "datatype": INT64, "long_value": self.bd_seq, "timestamp": now()}

    def _send(self, kind: str, metrics: Sequence[dict[str, Any]], device: str) -> None:
        self.sequence = (self.sequence + 1) % 256
        payload = encoded(timestamp=now(), seq=self.sequence, metrics=metrics)
        topic = f"spBv1.0/plant/{kind}/edge-1" + (f"/{device}" if device else "")
        self._line.send(Publication(topic, payload, qos=0))

    def _heard(self) -> None:
        for message in self._line.take():
            if [metric.name for metric in decoded(message.payload).metrics] == ["Node Control/Rebirth"]:
                self.asked += 1
                self.be_born()
