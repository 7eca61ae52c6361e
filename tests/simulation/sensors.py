"""Sensors that send, fall silent, lie about the time, begin to count anew; and others that send garbage."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.broker import Broker, Packet
from tests.simulation.story import Signal
from tests.simulation.world import World
from tests.ward import EPOCH, pressure
from twin_runtime.core import SECOND

PERIOD = 1.0
GARBAGE = (b"", b"{", b"nan", b"[[1]]", b'{"value": null}', b'{"value":1,"unit":"dB"}', b'{"value":1e300}', b"\xff\xfe")

Key = tuple[int, int, int, int]
"""What identifies a reading: type and row of the twin, channel, time."""

FURTHEST_LIE = 15
"""By how many seconds a sensor's clock may be wrong."""


class Sample(NamedTuple):
    """What a sensor has measured."""

    time: int
    value: float
    is_honest: bool


@dataclass
class Sent:
    """All that the sensors sent: the readings of each message, and when honest ones were sent."""

    keys: dict[tuple[str, bytes], list[Key]] = field(default_factory=dict)
    honest: dict[Key, float] = field(default_factory=dict)


async def sensor(world: World, broker: Broker, sent: Sent, number: int) -> None:
    """One sensor of one twin, until the sensors fall silent."""
    signals = world.story.signals
    sequence, restarts, samples = 0, _restarts(world, number, len(signals)), list[Sample]()
    while world.loop.time() < world.story.last_sent:
        await asyncio.sleep(PERIOD * world.rng.uniform(0.9, 1.1))
        if restarts and world.loop.time() > restarts[0]:
            restarts.pop(0)
            sequence = 0
        if not world.on("silence", number, len(signals)):
            samples.append(_sample(world, signals[number], number))
        if len(samples) == world.story.batch:
            _send(world, broker, sent, signals[number], samples, sequence)
            sequence += len(samples)
            samples = []


def _restarts(world: World, number: int, signals: int) -> list[float]:
    faults = (fault for fault in world.story.faults if fault.kind == "restart of a sensor")
    return [fault.moment for fault in faults if fault.target % signals == number]


def _sample(world: World, signal: Signal, number: int) -> Sample:
    lie = world.on("lie in time", number, len(world.story.signals))
    time = world.true_time() + (round(lie.size * FURTHEST_LIE * SECOND) if lie else 0)
    return Sample(time, 80.0 if signal.channel else pressure((time - EPOCH) / SECOND * 25), not lie)


def _send(world: World, broker: Broker, sent: Sent, signal: Signal, samples: Sequence[Sample], sequence: int) -> None:
    qos = 0 if world.on("QoS 0") else 1
    payload = json.dumps(_content(samples) | {"seq": sequence}).encode()
    keys = [(signal.type, signal.row, signal.channel, sample.time) for sample in samples]
    sent.keys[signal.topic, payload] = keys
    if qos:
        sent.honest |= {key: world.loop.time() for key, s in zip(keys, samples, strict=True) if s.is_honest}
    broker.publish(Packet(signal.topic, payload, qos))


def _content(samples: Sequence[Sample]) -> dict[str, object]:
    if len(samples) == 1:
        return {"value": samples[0].value, "time": samples[0].time}
    return {"values": [sample.value for sample in samples], "times": [sample.time for sample in samples]}


async def vandal(world: World, broker: Broker) -> None:
    """Whoever sends what is no reading, on topics of signals and on others."""
    while world.loop.time() < world.story.last_sent:
        await asyncio.sleep(0.5)
        if world.on("garbage"):
            topic = world.rng.choice(["patient-0/abp", "patient-0/flow", "patient-0/mood", "elsewhere"])
            broker.publish(Packet(topic, world.rng.choice(GARBAGE)))
