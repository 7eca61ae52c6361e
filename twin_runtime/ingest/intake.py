"""Intake: every message becomes at least one entry of the journal, accepted or rejected with a code.

Nothing here waits, reads a clock or raises: the same messages after the same history give the same entries.
"""

import math
import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from twin_runtime.core import SECOND, Code, Entry, Message, Reading
from twin_runtime.errors import ConfigError, UnitError
from twin_runtime.ingest.agreed_time import AgreedTime, Agreement
from twin_runtime.ingest.channel import Channel
from twin_runtime.ingest.decode import LIMITS, Limits, Refused, Sample, decode
from twin_runtime.ingest.payloads import Payload, Wanted
from twin_runtime.ingest.payloads.native import NATIVE, Native
from twin_runtime.ingest.payloads.paths import Path
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.ingest.repeats import Repeats
from twin_runtime.ingest.routes import Routes
from twin_runtime.ingest.wrong_times import wrong_time
from twin_runtime.units import is_unit

_KEPT = 4096
"""Bytes of a rejected payload that are kept."""
_KEPT_TOPIC = 1024
_MOST_CONVERSIONS = 256
"""Units are looked up for so many different names only, as senders can make up any."""
_LARGEST = 1e100
"""Larger values could not be squared and summed any more."""
_UNDATED = "a retained message without `time`: when it was measured is not known; send `time`, or do not retain it"
_STEADY = 60 * SECOND
"""Times of messages in a row that are no further apart agree with each other."""
_FINEST, _COARSEST = 1e-6, 1e6
"""Bounds of a standard deviation in a message, relative to the channel's own."""


class _Signal:
    """One channel of one twin; sequence number and time of the last reading that was accepted and had both."""

    __slots__ = ("backwards", "channel", "off", "plausible", "repeats", "sequence", "spec", "time", "twin")

    def __init__(self, twin: int, channel: int, spec: Channel, plausible: Plausibility) -> None:
        self.twin, self.channel, self.spec, self.plausible = twin, channel, spec, plausible
        self.sequence, self.time = -1, 0
        self.off, self.backwards, self.repeats = Agreement(), Agreement(), Repeats()


class _Mapped(NamedTuple):
    """Signals that take values from the messages on one topic or pattern, which are read as ``payload`` declares.

    ``takers``: by what stands at the paths ``where``, the signals and the paths of their values.
    """

    payload: Payload | Native
    where: tuple[Path, ...]
    takers: dict[tuple[str, ...], list[tuple[_Signal, Path]]]


class Intake:
    """Decodes, validates and stamps what comes in for the twins of one type.

    Raises :class:`ConfigError` if two signals share a topic, save where the payload says which value is whose.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        twins: Sequence[str],
        plausibility: Plausibility,
        limits: Limits = LIMITS,
    ) -> None:
        self._channels, self._limits, self._on_wall = channels, limits, plausibility.clock == "wall"
        self._signals: dict[str, _Signal] = {}
        self._mapped = Routes[_Mapped]()
        self._groups: dict[tuple[str, int, tuple[Path, ...]], _Mapped] = {}
        self._roots = {channel.root_of(twin) for channel in channels for twin in twins} - {""}
        self._conversions: dict[tuple[str, str], tuple[float, float] | None] = {}
        self._agreed = AgreedTime(plausibility.future)
        bounds = [plausibility.bounded(channel.future, channel.oldest) for channel in channels]
        self._rows = [
            [_Signal(row, place, each, bounds[place]) for place, each in enumerate(channels)]
            for row in range(len(twins))
        ]
        for twin, signals in zip(twins, self._rows, strict=True):
            for signal in signals:
                self._add(signal.spec.topic_of(twin), signal, twin)

    def _add(self, topic: str, signal: _Signal, twin: str) -> None:
        if signal.spec.payload is not None or (signal.spec.is_shared and len(self._rows) > 1):
            self._add_mapped(topic, signal, signal.spec.wanted_of(twin))
            return
        other = self._signals.setdefault(topic, signal)
        if other is not signal:
            raise ConfigError(
                f"{other.spec.name!r} and {signal.spec.name!r} share the topic {topic!r}",
                where=f"channel {signal.spec.name!r}",
                remedy="give every signal a topic of its own, with {twin} in it for a fleet",
            )

    def _add_mapped(self, topic: str, signal: _Signal, wanted: Wanted) -> None:
        payload, where = signal.spec.payload or NATIVE, tuple(path for path, _ in wanted.where)
        key = (topic, id(payload), where)
        if key not in self._groups:
            self._groups[key] = _Mapped(payload, where, {})
            self._mapped.add(topic, self._groups[key])
        texts = tuple(text for _, text in wanted.where)
        self._groups[key].takers.setdefault(texts, []).append((signal, wanted.value))

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics and patterns that carry signals."""
        return tuple(dict.fromkeys((*self._signals, *self._mapped.topics)))

    def takes(self, topic: str) -> bool:
        """Whether a signal comes on a topic."""
        return topic in self._signals or bool(self._mapped.takers(topic))

    def signal(self, topic: str) -> tuple[int, int] | None:
        """The (twin, channel) whose topic this is."""
        signal = self._signals.get(topic)
        return None if signal is None else (signal.twin, signal.channel)

    def remember(self, reading: Reading) -> None:
        """Take a reading as accepted, as after a restart: what comes next is judged against it."""
        signal = self._rows[reading.twin][reading.channel]
        self._agreed.follow(reading.time)
        self._accept(signal, reading.time, reading.sequence)
        if reading.sequence >= 0:
            signal.repeats.remember(reading.sequence, reading.value)

    def read(self, message: Message) -> list[Entry]:
        """One entry a sample of the message, or one for a message that cannot be read."""
        signal = self._signals.get(message.topic)
        try:
            if message.refusal is not None:
                raise Refused(*message.refusal)
            if signal is None:
                takers = self._mapped.takers(message.topic)
                if takers:
                    return self._of_mapped(takers, message)
                raise self._unroutable(message.topic)
            samples = decode(message.payload, self._limits)
        except Refused as refused:
            return [_rejection(message, refused)]
        except Exception as error:
            return [_rejection(message, _fault(error))]
        if len(samples) == 1:
            return [self._entry(signal, samples[0], message)]
        return _once([self._entry(signal, sample, message) for sample in samples])

    def _of_mapped(self, groups: Sequence[_Mapped], message: Message) -> list[Entry]:
        """The entries of a message that is read as declared; of those that are rejected the first keeps the payload."""
        known: dict[int, Any] = {}
        entries = list[Entry]()
        for payload, where, takers in groups:
            if id(payload) not in known:
                known[id(payload)] = payload.records(message.payload, message.arrival, self._limits)
            for record in known[id(payload)]:
                for signal, value in takers.get(payload.texts(record, where), ()):
                    entries += self._samples_of(signal, payload.samples(record, value, message.arrival), message)
        return _once(entries) or [_rejection(message, Refused(Code.NO_VALUE, _absent(groups)))]

    def _samples_of(self, signal: _Signal, samples: Iterable[Sample | Refused], message: Message) -> Iterator[Entry]:
        for sample in samples:
            yield _rejection(message, sample) if isinstance(sample, Refused) else self._entry(signal, sample, message)

    def admit(self, twin: int, channel: int, sample: Sample, message: Message) -> Entry:
        """The entry of one sample of a known signal; ``message`` is kept if it is rejected."""
        return self._entry(self._rows[twin][channel], sample, message)

    def _entry(self, signal: _Signal, sample: Sample, message: Message) -> Entry:
        try:
            if message.retained and sample.time is None and not signal.spec.holds:
                raise Refused(Code.MISSING_FIELD, _UNDATED)
            reading = self._reading(signal, sample, message.arrival)
            return Entry(message.arrival, self._fate(signal, sample, reading), reading)
        except Refused as refused:
            return _rejection(message, refused)
        except Exception as error:
            return _rejection(message, _fault(error))

    @staticmethod
    def _fate(signal: _Signal, sample: Sample, reading: Reading) -> Code:
        """Whether an accepted reading that is stamped on arrival has come before; of others the timeline knows."""
        counted = sample.time is None and sample.sequence is not None
        return Code.DUPLICATE if counted and signal.repeats.add(reading.sequence, reading.value) else Code.ACCEPTED

    def _reading(self, signal: _Signal, sample: Sample, arrival: int) -> Reading:
        """The reading that a sample makes, or :class:`Refused`."""
        spec, sequence = signal.spec, -1 if sample.sequence is None else sample.sequence
        value, sd = self._measurement(spec, sample)
        time, order = (arrival, -1) if sample.time is None else (sample.time, sequence)
        self._check_time(signal, time, order, arrival)
        self._accept(signal, time, order)
        return Reading(signal.twin, signal.channel, time, value, sd, sequence)

    def _measurement(self, spec: Channel, sample: Sample) -> tuple[float, float]:
        """Value and standard deviation in the model's unit, if they are physically possible."""
        value, sd, unit = sample.value, sample.sd, sample.unit
        if unit is not None and unit != spec.unit:
            scale, offset = self._conversion(spec, unit)
            value, sd = value * scale + offset, None if sd is None else sd * abs(scale)
        if not spec.low <= value <= spec.high:
            raise Refused(Code.OUT_OF_RANGE, _outside(spec, value))
        value = value * spec.scale + spec.offset
        if not -_LARGEST < value < _LARGEST:
            raise Refused(Code.OUT_OF_RANGE, f"{value:g} in the model's unit is too large to calculate with")
        if spec.logarithm:
            value, sd = _logarithm(value, sd)
        return value, _unchanged(spec) if sample.unchanged else _deviation(spec, sd)

    def _check_time(self, signal: _Signal, time: int, sequence: int, arrival: int) -> None:
        """Refuse a time that cannot be, by now and by the signal's own past."""
        now = arrival if self._on_wall else self._agreed.newest
        oldest, future = signal.plausible.oldest, signal.plausible.future
        if oldest is not None and now is not None and time < now - oldest:
            if not signal.off.add(time - arrival if self._on_wall else time, future, arrival):
                raise Refused(Code.PAST, wrong_time(time, now))
        elif not self._is_present(signal, time, future, arrival):
            raise Refused(Code.FUTURE, wrong_time(time, arrival if now is None else now))
        if sequence > signal.sequence >= 0 and time < signal.time and not self._moved_back(signal, time, arrival):
            raise Refused(
                Code.CLOCK_BACKWARDS,
                f"from {signal.time} ns at sequence number {signal.sequence} to {time} ns at {sequence}",
            )

    def _is_present(self, signal: _Signal, time: int, future: int, arrival: int) -> bool:
        """Whether a time is not after now, or further messages agree on it."""
        present = time - arrival <= future if self._on_wall else self._agreed.follow(time, arrival, future)
        if present:
            signal.off.clear()
        return present or (self._on_wall and signal.off.add(time - arrival, future, arrival))

    def _moved_back(self, signal: _Signal, time: int, arrival: int) -> bool:
        """Whether so many messages agree on an earlier time that it was the last accepted time that was wrong."""
        return signal.backwards.add(time, _STEADY, arrival)

    @staticmethod
    def _accept(signal: _Signal, time: int, sequence: int) -> None:
        signal.backwards.clear()
        if sequence >= 0:
            signal.sequence, signal.time = sequence, time

    def _conversion(self, spec: Channel, unit: str) -> tuple[float, float]:
        key = (spec.name, unit)
        if key not in self._conversions and len(self._conversions) < _MOST_CONVERSIONS and is_unit(unit):
            try:
                self._conversions[key] = spec.convert(unit)
            except UnitError:
                self._conversions[key] = None
        conversion = self._conversions.get(key)
        if conversion is None:
            raise Refused(Code.WRONG_UNIT, f"{unit!r} where {spec.unit!r} is expected")
        return conversion

    def _unroutable(self, topic: str) -> Refused:
        levels = topic[:_KEPT_TOPIC].split("/")
        if {"+", "#"} & set(topic) or topic.startswith("$"):
            return Refused(Code.UNKNOWN_TOPIC, "wildcards and $-topics carry no signal")
        if any("/".join(levels[: depth + 1]) in self._roots for depth in range(len(levels))):
            names = ", ".join(channel.name for channel in self._channels)
            return Refused(Code.UNKNOWN_SIGNAL, f"the twin has no such channel; it has {names}")
        return Refused(Code.UNKNOWN_TOPIC, "no signal has this topic")


def _outside(spec: Channel, value: float) -> str:
    if spec.low == spec.high:
        return f"an event has a time and no value: expected {spec.low:g} {spec.unit}, got {value:g}"
    return f"{value:g} {spec.unit} is not between {spec.low:g} and {spec.high:g}"


def _logarithm(value: float, sd: float | None) -> tuple[float, float | None]:
    """The natural logarithm of a value, and the share of it that its standard deviation is."""
    if not value > 0.0:
        raise Refused(Code.OUT_OF_RANGE, f"{value:g} has no logarithm")
    return math.log(value), None if sd is None else sd / value


def _deviation(spec: Channel, sd: float | None) -> float:
    """The standard deviation of a reading, in the model's unit, given the one in the message in the channel's unit."""
    if sd is None or spec.kind == "input":
        return spec.sd
    scaled = sd * abs(spec.scale)
    if not spec.sd * _FINEST <= scaled <= min(spec.sd * _COARSEST or _LARGEST, _LARGEST):
        raise Refused(Code.OUT_OF_RANGE, f"a standard deviation of {sd:g} {spec.unit} is no measurement's")
    return scaled


def _unchanged(spec: Channel) -> float:
    """The standard deviation of a value that is only confirmed: a sensor's must carry no weight a second time."""
    if spec.low == spec.high:
        raise Refused(Code.DUPLICATE, "an event that has not happened again")
    return math.inf if spec.kind == "sensor" else 0.0


def _fault(error: Exception) -> Refused:
    """An error that nobody foresaw: the message may neither end the process nor be sent again for ever."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return Refused(Code.FAULT, f"this program failed on it: {error!r} in {at.name}, line {at.lineno}; please report it")


def _once(entries: list[Entry]) -> list[Entry]:
    """The entries of one message, whose payload is kept once: with the first that is rejected."""
    first = next((place + 1 for place, entry in enumerate(entries) if entry.payload), len(entries))
    return entries[:first] + [entry._replace(payload=b"") if entry.payload else entry for entry in entries[first:]]


def _absent(groups: Sequence[_Mapped]) -> str:
    """What a message would have held."""
    values = (value for group in groups for takers in group.takers.values() for _, value in takers)
    paths = [f"`{'.'.join(value)}`" for value in dict.fromkeys(islice(values, 100))]
    return f"understood, but it holds no value at {', '.join(paths[:3])}{' ...' if len(paths) > 3 else ''}"


def _rejection(message: Message, refused: Refused) -> Entry:
    payload, detail = message.payload, refused.detail
    if len(payload) > _KEPT:
        payload, detail = payload[:_KEPT], f"{detail}; of {len(payload)} bytes the first {_KEPT} are kept"
    return Entry(message.arrival, refused.code, None, _printable(message.topic), payload, _printable(detail))


def _printable(text: str) -> str:
    """Short enough to keep, and UTF-8 whatever came."""
    return text[:_KEPT_TOPIC].encode(errors="backslashreplace").decode()
