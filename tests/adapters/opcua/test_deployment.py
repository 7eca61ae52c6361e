"""One deployment with plain MQTT, Sparkplug B and OPC UA at once, each from a real server."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.opcua.plant import Plant
from tests.adapters.sparkplug.edge import Edge
from tests.adapters.talking import eventually, publish
from tests.conftest import REPOSITORY
from tests.servers import Server
from twin_runtime.config import Config, load
from twin_runtime.config.adapters import adapters
from twin_runtime.core import Code
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.live import run
from twin_runtime.runs.replay import replay_store
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

OUTLET, FLOW = "hall-3/line-1/outlet", "sparkplug:plant/edge-1/line-1/Flow/Mass"
EXAMPLE = REPOSITORY / "deploy" / "examples" / "plant.toml"


def configured(folder: Path, broker: Server, plant: Plant) -> Config:
    text = EXAMPLE.read_text()
    for old, new in (
        ("127.0.0.1:1883", f"127.0.0.1:{broker.port}"),
        ("opc.tcp://127.0.0.1:4840", plant.address),
        (";s={twin}.Inlet", ";s=Boiler.Temperature"),
        ('tick = "1 s"', 'tick = "200 ms"'),
        ('wait = "1 s"', 'wait = "100 ms"'),
        ('confirm = "1 s" ', 'confirm = "200 ms" '),
    ):
        assert old in text
        text = text.replace(old, new)
    path = folder / "plant.toml"
    path.write_text(text)
    return load(path)


class Live:
    """A run in the background, and what its store holds."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.assembly: Assembly = assemble(config)
        self.path, self.stop = folder / "plant.db", asyncio.Event()
        self.source = adapters(config).open_source(self.assembly.router().topics)

    @contextmanager
    def running(self) -> Iterator["asyncio.Task[dict[str, Any]]"]:
        with Store.create_or_open(self.path, self.assembly.identity) as store:
            yield asyncio.create_task(run(self.assembly, self.source, store, stop=self.stop))

    def count(self, code: Code = Code.ACCEPTED) -> dict[str, int]:
        """Entries of the journal by channel; a confirmation counts for itself."""
        names = [channel.name for channel in self.assembly.types[0].channels]
        counts: dict[str, int] = {}
        with Reader.open(self.path) as reader:
            for _, entry in reader.entries():
                if entry.code is code:
                    name = entry.topic if entry.reading is None else names[entry.reading.channel]
                    counts[name] = counts.get(name, 0) + 1
        return counts


@pytest.mark.slow
async def test_three_kinds_of_sources_feed_one_twin_and_a_replay_agrees(
    broker: Server, plant: Plant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = Live(configured(tmp_path, broker, plant), tmp_path)
    edge = Edge(broker, ["Flow/Mass"], device="line-1")
    with live.running() as task:
        async with edge:
            for number in range(8):
                plant.set("Boiler.Temperature", 40.0 + number)
                edge.send(**{"Flow/Mass": 1.0 + number / 10})
                await publish(broker, [outlet(18.0)], OUTLET)
                await asyncio.sleep(0.1)
            await asyncio.to_thread(plant.stop)  # one source fails; the others go on
            before = live.count()
            edge.send(**{"Flow/Mass": 2.0})
            await publish(broker, [outlet(18.1)], OUTLET)
            await eventually(lambda: all(live.count()[name] > before[name] for name in ("outlet", "flow")))
            plant.start()
            before = live.count()
            plant.set("Boiler.Temperature", 50.0)
            await eventually(lambda: live.count()["inlet"] > before["inlet"])
            await edge.die()
            await eventually(lambda: live.count(Code.BAD_QUALITY) == {FLOW: 1})
        live.stop.set()
        summary = await task
    assert summary["readings"]["rejected"]["bad-quality"] == 1
    assert min(live.count().values()) >= 8
    assert replay_store(live.assembly, live.path)["state_hash"] == summary["state_hash"]
    assert "connecting again" in caplog.text


def outlet(value: float) -> bytes:
    return json.dumps({"value": value, "time": time.time_ns()}).encode()
