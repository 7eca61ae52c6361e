"""Reading a message as its payload is declared, against the native form; and for one of ten thousand channels."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.timing import Row
from twin_runtime.config import load
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.ingest.router import Router
from twin_runtime.runs.assembly import assemble

MICRO = 1e6
MESSAGES, REPEATS, CHANNELS = 5000, 15, 10_000
BEGIN = 1_767_603_600
BOUND_OF_MANY = 1.5

HEAD = """
[twin]
name = "room"
model = "windkessel"
tick = "1 s"
clock = "stream"
twins = {twins}
[inputs.flow]
unit = "mL/s"
[sensors.t]
observes = "pressure"
unit = "mmHg"
noise = 1.0
"""

PAYLOADS: Mapping[str, tuple[str, str, Callable[[int], object]]] = {
    "zigbee2mqtt": (
        'topic = "zigbee2mqtt/{twin}"\npayload = "zigbee2mqtt"\nvalue = "temperature"',
        "zigbee2mqtt/dev0",
        lambda n: {"temperature": 21.4, "humidity": 40.1, "battery": 97, "last_seen": (BEGIN + n) * 1000},
    ),
    "tasmota": (
        'topic = "tele/{twin}/SENSOR"\npayload = "here"\nvalue = "AM2301.Temperature"\n'
        '[payloads.here]\nextends = "tasmota"\nzone = "Europe/Berlin"',
        "tele/dev0/SENSOR",
        lambda n: {"Time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(BEGIN + n)), "AM2301": {"Temperature": 21.4}},
    ),
    "telegraf": (
        'topic = "telegraf"\npayload = "telegraf"\nvalue = "t"\nwhere = { "tags.host" = "{twin}" }',
        "telegraf",
        lambda n: {"name": "m", "tags": {"host": "dev0"}, "fields": {"t": 21.4}, "timestamp": BEGIN + n},
    ),
}


def rows() -> Iterator[Row]:
    """A row for each kind of payload, and one for many channels."""
    with TemporaryDirectory() as folder:
        native = router_of(Path(folder), 'topic = "{twin}/t"')
        stamped = messages("dev0/t", lambda n: {"value": 21.4, "time": BEGIN + n})
        for name, (keys, topic, payload) in PAYLOADS.items():
            ours, peer = timed([(router_of(Path(folder), keys), messages(topic, payload)), (native, stamped)])
            yield Row(f"reading a message of {name}", ours, "native form", peer, "us", math.inf)
        keys, topic, payload = PAYLOADS["telegraf"]
        many, sent = router_of(Path(folder), keys, CHANNELS), messages(topic, payload)
        ours, peer = timed([(many, sent), (router_of(Path(folder), keys), sent)])
        name = f"a message for one of {CHANNELS} channels on one topic (bound: {BOUND_OF_MANY} x one)"
        yield Row(name, ours, "one channel", peer, "us", BOUND_OF_MANY)


def router_of(folder: Path, keys: str, twins: int = 1) -> Router:
    """The intake of a small deployment."""
    path = folder / "room.toml"
    path.write_text(HEAD.replace("{twins}", json.dumps([f"dev{n}" for n in range(twins)])) + keys + "\n")
    return assemble(load(path)).router()


def messages(topic: str, payload: Callable[[int], object]) -> list[Message]:
    """Messages a second apart."""
    stamps = range(MESSAGES * (REPEATS + 1))
    return [Message(topic, json.dumps(payload(n)).encode(), (BEGIN + n) * SECOND) for n in stamps]


def timed(pairs: Sequence[tuple[Router, Sequence[Message]]]) -> list[float]:
    """The median microseconds a message, in turns; the first turn is not counted."""
    seconds: list[list[float]] = []
    for repeat in range(REPEATS + 1):
        seconds.append([read(router, sent[repeat * MESSAGES : (repeat + 1) * MESSAGES]) for router, sent in pairs])
    return [median(column) / MESSAGES * MICRO for column in zip(*seconds[1:], strict=True)]


def read(router: Router, sent: Sequence[Message]) -> float:
    """The seconds that all of them take."""
    begun = time.perf_counter()
    codes = {entry.code for message in sent for entry in router.read(message)}
    elapsed = time.perf_counter() - begun
    assert codes == {Code.ACCEPTED}, codes
    return elapsed
