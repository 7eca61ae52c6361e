"""The MQTT messages of a recording."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product
from typing import NamedTuple

import msgspec

from twin_adapters.recordings import MergedStreams
from twin_runtime.config.deployment import Config
from twin_runtime.core import Message, RawReading
from twin_runtime.errors import ConfigError, did_you_mean

Topics = Mapping[tuple[str, str], str]
"""The topic of every (twin, channel), named as the recording names them."""

LARGEST = 1000
"""Readings in one message: 40 kB, below what the runtime takes at once."""


class Packet(NamedTuple):
    """A message, due at its arrival, and how many readings it carries."""

    message: Message
    readings: int


def topics_of(recording: MergedStreams, config: Config) -> Topics:
    """The topics of a recording's signals. Raises :class:`ConfigError` for a signal that the configuration lacks."""
    channels = {channel.name: channel for twin_type in config.types for channel in twin_type.channels}
    topics = {
        (twin, channel.name): twin_type.topic_of(channel, twin)
        for twin_type in config.types
        for twin in twin_type.twin.twins
        for channel in twin_type.channels
    }
    twins = {twin: twin for twin, _ in topics}
    if len(twins) == 1:
        [twins[""]] = list(twins)
    for name in recording.channels:
        _require(name, channels, f"channel {name!r} of the recording {recording.name!r}", config)
    for name in recording.twins:
        _require(name, twins, f"twin {name!r} of the recording {recording.name!r}", config)
    signals = product(recording.twins, recording.channels)
    return {(twin, name): topics[twins[twin], name] for twin, name in signals if (twins[twin], name) in topics}


def packets(readings: Iterable[RawReading], topics: Topics, units: Mapping[str, str], window: int) -> Iterator[Packet]:
    """Readings, sorted by time, as messages in the order in which they are due.

    With a ``window`` (ns; 0: none), what a signal measured in each window is one message, due with its last reading.
    """
    if window == 0:
        for reading in readings:
            yield _packet([reading], topics, units)
        return
    for _, block in groupby(readings, key=lambda reading: reading.time // window):
        parts = (_packet(part, topics, units) for signal in _by_signal(block) for part in _parts(signal))
        yield from sorted(parts, key=lambda packet: packet.message.arrival)


def _by_signal(readings: Iterable[RawReading]) -> Iterable[list[RawReading]]:
    signals: dict[tuple[str, str], list[RawReading]] = {}
    for reading in readings:
        signals.setdefault(reading[:2], []).append(reading)
    return signals.values()


def _parts(readings: list[RawReading]) -> Iterator[list[RawReading]]:
    """At most :data:`LARGEST` readings each."""
    return (readings[first : first + LARGEST] for first in range(0, len(readings), LARGEST))


def _packet(readings: Sequence[RawReading], topics: Topics, units: Mapping[str, str]) -> Packet:
    first = readings[0]
    body: dict[str, object] = {"unit": units[first.channel], "seq": first.sequence}
    if len(readings) == 1:
        body |= {"value": first.value, "time": first.time}
    else:
        body |= {"values": [reading.value for reading in readings], "times": [reading.time for reading in readings]}
    topic = topics[first.twin, first.channel]
    return Packet(Message(topic, msgspec.json.encode(body), readings[-1].time), len(readings))


def _require(name: str, known: Mapping[str, object], what: str, config: Config) -> None:
    if name not in known:
        remedy = f"{did_you_mean(name, filter(None, known))} in the mapping, or another configuration".lstrip()
        raise ConfigError(f"there is no {what}", where=str(config.document.path), remedy=remedy)
