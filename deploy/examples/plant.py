"""The plant of plant.toml, simulated: a pipe that is measured by three systems.

The inlet is a node of an OPC UA server, the flow a metric of a Sparkplug B edge node, the outlet a plain MQTT topic.
It needs a broker on this machine, such as mosquitto.

    python deploy/examples/plant.py 600        # seconds
    twin run deploy/examples/plant.toml        # in another terminal
"""

import asyncio
import json
import sys
import time
from operator import attrgetter
from typing import Any

from asyncua import Server, ua

from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_settings import MqttSettings
from twin_adapters.pacing import paced
from twin_adapters.sparkplug.payload import decoded, encoded
from twin_simulators.assets import make_asset
from twin_simulators.faults import parse_fault
from twin_simulators.transmission import transmit

TWIN, FLOW, DOUBLE, INT64 = "line-1", "Flow/Mass", 10, 4
FAULTS = ("inlet:noise,sd=0.05", "outlet:noise,sd=0.06", "flow:noise,sd=0.005")


class EdgeNode:
    """The edge node edge-1 of the group plant, whose device is the pipe."""

    def __init__(self) -> None:
        death = Publication("spBv1.0/plant/NDEATH/edge-1", encoded(metrics=[self._session()]))
        settings = MqttSettings(client_id="edge-1")
        self._line = Connection(settings, resume=False, on_change=self._heard, will=death)
        self._sequence, self._value = 0, 1.0

    async def open(self) -> None:
        """Connect and be born."""
        await self._line.open()
        await self._line.subscribe(["spBv1.0/plant/NCMD/edge-1"])
        self._be_born()

    def send(self, value: float, time_ns: int) -> None:
        """Send the flow by its alias."""
        self._value = value
        metric = {"alias": 1, "double_value": value, "timestamp": time_ns // 1_000_000}
        self._publish(f"DDATA/edge-1/{TWIN}", [metric])

    def _be_born(self) -> None:
        self._sequence = 255
        self._publish("NBIRTH/edge-1", [self._session()])
        metric = {"name": FLOW, "alias": 1, "datatype": DOUBLE, "double_value": self._value}
        self._publish(f"DBIRTH/edge-1/{TWIN}", [metric])

    def _heard(self) -> None:
        """Be born again for whoever asks."""
        for message in self._line.take():
            if any(metric.name == "Node Control/Rebirth" for metric in decoded(message.payload).metrics):
                self._be_born()

    def _session(self) -> dict[str, Any]:
        return {"name": "bdSeq", "datatype": INT64, "long_value": 1}

    def _publish(self, what: str, metrics: list[dict[str, Any]]) -> None:
        kind, _, where = what.partition("/")
        self._sequence = (self._sequence + 1) % 256
        payload = encoded(timestamp=time.time_ns() // 1_000_000, seq=self._sequence, metrics=metrics)
        self._line.send(Publication(f"spBv1.0/plant/{kind}/{where}", payload, qos=0))


async def opcua_server() -> tuple[Server, ua.NodeId]:
    """A server with one node, the inlet."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:4840")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("http://example.org/plant")
    inlet = ua.NodeId(f"{TWIN}.Inlet", space)
    await server.nodes.objects.add_variable(inlet, "Inlet", 20.0)
    await server.start()
    return server, inlet


async def main(seconds: float) -> None:
    """Have the pipe measured, each channel by its own system, at its own pace."""
    life = make_asset("pipe", 1).simulate(seconds, 1)
    measured = transmit(life, [parse_fault(fault) for fault in FAULTS], twin=TWIN, seed=1)
    (server, inlet), edge = await opcua_server(), EdgeNode()
    meter = Connection(MqttSettings(client_id="meter"), resume=False)
    await edge.open()
    await meter.open()
    print("the plant runs; Ctrl-C ends it")
    epoch = time.time_ns()
    messages, began = measured.messages(epoch), time.monotonic()
    async for batch in paced(messages, attrgetter("arrival"), origin=epoch, speed=1.0, began=began):
        for message in batch:
            sample, channel = json.loads(message.payload), message.topic.partition("/")[2]
            if channel == "flow":
                edge.send(sample["value"], sample["time"])
            elif channel == "outlet":
                await meter.publish([Publication(f"hall-3/{TWIN}/outlet", message.payload)])
            elif channel == "inlet":
                at = ua.win_epoch_to_datetime(sample["time"] // 100 + 116_444_736_000_000_000)
                value = ua.DataValue(ua.Variant(sample["value"]), SourceTimestamp=at)
                await server.write_attribute_value(inlet, value)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0))
