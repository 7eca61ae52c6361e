"""From what an asset measures to what leaves for its twin: packets in the order of sending, and a ledger of faults.

The same transmission can be published over MQTT, put before an intake message by message, or read as a recording.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import msgspec
import numpy as np

from twin_runtime.core import IntArray, Message, RawReading
from twin_runtime.errors import ConfigError, did_you_mean
from twin_simulators.asset import Signal, Simulation
from twin_simulators.faults import Fault
from twin_simulators.packets import Packets


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the samples of one channel. ``touched[kind]`` counts the packets that a kind of fault met."""

    measured: int
    published: int
    touched: Mapping[str, int]

    @property
    def lost(self) -> int:
        """Packets that never arrive."""
        return self.touched.get("loss", 0) + self.touched.get("dropout", 0)

    @property
    def duplicated(self) -> int:
        """Packets sent once more."""
        return self.touched.get("duplicates", 0)

    @property
    def is_balanced(self) -> bool:
        """``published = measured - lost + duplicated``."""
        return self.published == self.measured - self.lost + self.duplicated


@dataclass(frozen=True)
class Transmission:
    """All that one asset sends, sorted by the time of sending. ``source[packet]`` is the place in ``channels``."""

    twin: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    source: IntArray
    packets: Packets
    ledgers: Mapping[str, Ledger]

    def __len__(self) -> int:
        return len(self.packets)

    def messages(self, epoch: int, topics: Mapping[str, str] | None = None) -> Iterator[Message]:
        """JSON messages as they come through; arrival is ``epoch`` (ns) plus the time of sending.

        ``topics[channel]`` is TWIN/CHANNEL by default. The messages of several assets merge by their arrival.
        """
        topics = topics or {channel: f"{self.twin}/{channel}" for channel in self.channels}
        places = [(topics[channel], unit) for channel, unit in zip(self.channels, self.units, strict=True)]
        encode = msgspec.json.Encoder().encode
        for source, packet in zip(self.source.tolist(), self.packets, strict=True):
            topic, unit = places[source]
            fields = {"value": packet.value, "time": epoch + packet.stamp, "seq": packet.sequence, "unit": unit}
            yield Message(topic, encode(fields), epoch + packet.send)

    def as_recording(self, epoch: int) -> "SimulatedRecording":
        """The packets as a recording that starts at ``epoch`` (ns), in order of event time, duplicates included."""
        stamps = self.packets.stamp if len(self) else np.zeros(1, dtype=np.int64)
        first, last = epoch + int(stamps.min()), epoch + int(stamps.max())
        return SimulatedRecording(first, last, self.channels, epoch, self)


@dataclass
class SimulatedRecording:
    """A :class:`twin_runtime.core.Recording` of all that a transmission sends, from ``epoch`` (ns) on."""

    start: int
    end: int
    channels: Sequence[str]
    epoch: int
    transmission: Transmission

    @property
    def units(self) -> dict[str, str]:
        """The unit of each channel."""
        return dict(zip(self.channels, self.transmission.units, strict=True))

    def __len__(self) -> int:
        return len(self.transmission)

    def readings(self) -> Iterator[RawReading]:
        """All readings, sorted by (time, channel)."""
        sent = self.transmission
        alphabetical = np.argsort(np.argsort(sent.channels))
        order = np.lexsort([alphabetical[sent.source], sent.packets.stamp])
        for source, packet in zip(sent.source[order].tolist(), sent.packets.take(order), strict=True):
            time = self.epoch + packet.stamp
            yield RawReading(sent.twin, sent.channels[source], time, packet.value, packet.sequence)


def transmit(
    simulation: Simulation,
    faults: Iterable[Fault] = (),
    *,
    twin: str,
    seed: int,
    channels: Sequence[str] | None = None,
) -> Transmission:
    """Send the signals of a simulation (all, or those in ``channels``) through ``faults``.

    The random numbers of a fault depend on the seed, its channel and its place among the faults, on nothing else.
    Raises ConfigError for a channel that the asset does not have, and when nothing is left to send.
    """
    faults = tuple(faults)
    known = [signal.channel for signal in simulation.signals]
    _check_channels([*(channels or ()), *(fault.channel for fault in faults if fault.channel)], known)
    signals = [signal for signal in simulation.signals if channels is None or signal.channel in channels]
    if not signals:
        raise ConfigError("none of its channels is wanted", where="asset", remedy=f"it has {', '.join(known)}")
    sent = [_through(signal, faults, seed) for signal in signals]
    packets = Packets.join([packets for packets, _ in sent])
    source = np.repeat(np.arange(len(signals)), [len(packets) for packets, _ in sent])
    order = np.argsort(packets.send, kind="stable")
    ledgers = {signal.channel: ledger for signal, (_, ledger) in zip(signals, sent, strict=True)}
    units = tuple(signal.unit for signal in signals)
    return Transmission(twin, tuple(ledgers), units, source[order], packets.take(order), ledgers)


def _check_channels(wanted: Iterable[str], known: Sequence[str]) -> None:
    for channel in wanted:
        if channel not in known:
            raise ConfigError(
                "the asset has no such channel", where=f"channel {channel!r}", remedy=did_you_mean(channel, known)
            )


def _through(signal: Signal, faults: Sequence[Fault], seed: int) -> tuple[Packets, Ledger]:
    packets, touched = Packets.of(signal), Counter[str]()
    for place, fault in enumerate(faults):
        if fault.channel in ("", signal.channel):
            rng = np.random.default_rng([seed, crc32(signal.channel.encode()), place])
            packets, count = fault.apply(packets, rng)
            touched[fault.kind] += count
    return packets, Ledger(len(signal), len(packets), touched)
