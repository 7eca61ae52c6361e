"""Sensors that send, fall silent, lie about the time, begin to count anew; and others that send garbage."""

import asyncio
import json
from dataclasses import dataclass, field

from tests.simulation.broker import Broker, Packet
from tests.simulation.world import World
from tests.ward import EPOCH, pressure
from twin_runtime.core import SECOND

CHANNELS = ("abp", "flow")
PERIOD = 1.0
GARBAGE = (b"", b"{", b"nan", b"[[1]]", b'{"value": null}', b'{"value":1,"unit":"dB"}', b'{"value":1e300}', b"\xff\xfe")

Key = tuple[int, int, int]
"""What identifies a reading: row of the twin, channel, time."""


@dataclass
class Sent:
    """All that the sensors sent: payloads of readings, and when honest ones were sent."""

    keys: dict[tuple[str, bytes], Key] = field(default_factory=dict)
    honest: dict[Key, float] = field(default_factory=dict)


async def sensor(world: World, broker: Broker, sent: Sent, row: int, channel: int) -> None:
    """One sensor of one twin, until the sensors fall silent."""
    signals, number = world.story.patients * len(CHANNELS), row * len(CHANNELS) + channel
    sequence, restarts = 0, _restarts(world, number, signals)
    while world.loop.time() < world.story.last_sent:
        await asyncio.sleep(PERIOD * world.rng.uniform(0.9, 1.1))
        if restarts and world.loop.time() > restarts[0]:
            restarts.pop(0)
            sequence = 0
        if not world.on("silence", number, signals):
            _send(world, broker, sent, (row, channel), number, sequence)
            sequence += 1


def _restarts(world: World, number: int, signals: int) -> list[float]:
    faults = (fault for fault in world.story.faults if fault.kind == "restart of a sensor")
    return [fault.moment for fault in faults if fault.target % signals == number]


def _send(world: World, broker: Broker, sent: Sent, signal: tuple[int, int], number: int, sequence: int) -> None:
    signals = world.story.patients * len(CHANNELS)
    lie = world.on("lie in time", number, signals)
    time = world.true_time() + (round(lie.size * 30 * SECOND) if lie else 0)
    value = 80.0 if signal[1] else pressure((time - EPOCH) / SECOND * 25)
    payload = json.dumps({"value": value, "time": time, "seq": sequence}).encode()
    topic, qos = f"patient-{signal[0]}/{CHANNELS[signal[1]]}", 0 if world.on("QoS 0") else 1
    key = (*signal, time)
    sent.keys[topic, payload] = key
    if not lie and qos:
        sent.honest[key] = world.loop.time()
    broker.publish(Packet(topic, payload, qos))


async def vandal(world: World, broker: Broker) -> None:
    """Whoever sends what is no reading, on topics of signals and on others."""
    while world.loop.time() < world.story.last_sent:
        await asyncio.sleep(0.5)
        if world.on("garbage"):
            topic = world.rng.choice(["patient-0/abp", "patient-0/flow", "patient-0/mood", "elsewhere"])
            broker.publish(Packet(topic, world.rng.choice(GARBAGE)))
