"""What kind of messages come on a topic: by which profile they can be read, and which numbers they hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import topic_matches_sub

from twin_adapters.discovery.leaves import leaves_of, path_text
from twin_adapters.discovery.quantities import slug, usual_unit
from twin_adapters.discovery.times import Clock, Records, clock_of, is_a_time
from twin_runtime.config.payloads import PayloadSection, payload_of, profiles
from twin_runtime.core import Message
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.decode import LIMITS, Refused, decode
from twin_runtime.ingest.payloads import Payload
from twin_runtime.ingest.payloads.formats import Record
from twin_runtime.ingest.payloads.paths import ABSENT, Path, at, path_of

GENERIC = ("json", "csv", "text")
"""Kinds that say nothing of the sender, tried when no other fits."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number that messages of a topic hold: where, an example, and its probable ``unit`` (None: not known)."""

    path: str
    example: float
    name: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Guess:
    """What the messages of a topic probably are.

    ``kind`` is a profile, None for the native form; ``own`` is what has to be declared besides. ``pattern`` is where
    such messages usually come. ``readable``: the share of the messages that are understood.
    """

    kind: str | None
    values: tuple[Value, ...]
    clock: Clock
    own: Mapping[str, Any]
    pattern: str = ""
    readable: float = 1.0

    @property
    def rank(self) -> tuple[bool, bool, bool, float]:
        """What makes one guess better than another: that values are found, a time is, and that the topic is usual."""
        return bool(self.values), self.clock.found, bool(self.pattern), self.readable


def guess(topic: str, messages: Sequence[Message]) -> Guess | None:
    """The best guess of what messages are; None where nothing is found in them."""
    known = [name for name in profiles() if name not in GENERIC]
    tries = [_native(topic, messages), *(_by(name, topic, messages) for name in (*known, *GENERIC))]
    found = [each for each in tries if each is not None and each.values]
    return max(found, key=lambda each: each.rank, default=None)


def _native(topic: str, messages: Sequence[Message]) -> Guess | None:
    samples = list(_decoded(messages))
    if not samples:
        return None
    ages = [message.arrival - time for message, time in ((m, s.time) for m, s in samples) if time is not None]
    last = samples[-1][1]
    name = slug(topic.rpartition("/")[2])
    value = Value("", last.value, name, last.unit or usual_unit(name, last.value))
    clock = Clock(bool(ages), age=max(ages, default=None))
    return Guess(None, (value,), clock, {}, readable=len(samples) / len(messages))


def _decoded(messages: Sequence[Message]) -> Iterator[tuple[Message, Any]]:
    for message in messages:
        try:
            yield message, decode(message.payload, LIMITS)[-1]
        except Refused:
            continue


def _by(name: str, topic: str, messages: Sequence[Message]) -> Guess | None:
    """The guess that messages are of a kind; None where they cannot be."""
    section = profiles()[name]
    pattern = next((p for p in section.topics or () if topic_matches_sub(p.replace("{twin}", "+"), topic)), "")
    payload = _payload(name)
    if payload is None:
        return None
    records = [(message, record) for message in messages for record in _records(payload, message)]
    if not pattern and name not in GENERIC and not any(_holds(section, record) for _, record in records):
        return None
    clock, own = clock_of(payload, records, free=name in GENERIC)
    values = tuple(_values(payload, topic, records, clock.path))
    readable = len({id(message) for message, _ in records}) / len(messages)
    return Guess(name, values, clock, own, pattern, readable)


def _payload(name: str) -> Payload | None:
    """A kind of payload; its local times are taken for UTC, from which :func:`clock_of` finds the zone."""
    try:
        return payload_of("guessed", {"guessed": PayloadSection(extends=name, zone="UTC")})
    except ConfigError:  # its library is not installed
        return None


def _records(payload: Payload, message: Message) -> list[Record]:
    try:
        return payload.records(message.payload, message.arrival, LIMITS)
    except Refused:
        return []


def _holds(section: PayloadSection, record: Record) -> bool:
    if section.holds is None or section.format != "json":
        return section.format != "json"
    return all(at(record.tree, path_of(path)) is not ABSENT for path in section.holds)


def _values(payload: Payload, topic: str, records: Records, time: Path | None) -> Iterator[Value]:
    """The numbers of all records, each path once, with the last value there."""
    found: dict[Path, tuple[float, str | None]] = {}
    used = {path for path in (payload.time, payload.sequence, payload.quality, time) if path is not None}
    for message, record in records:
        base = next((b for b in payload.under if b and at(record.tree, b) is not ABSENT), ())
        for path, raw in leaves_of(at(record.tree, base)):
            number = None if (*base, *path) in used else _number(payload, raw)
            if number is not None and not is_a_time(number, message.arrival):
                found[path] = number, record.units.get(path[0] if path else "")
    for path, (number, unit) in found.items():
        name = _name(path, topic)
        yield Value(path_text(path), number, name, unit or usual_unit(name, number))


def _name(path: Path, topic: str) -> str:
    """What to call a value: by the end of its path, or of its topic."""
    names = [part for part in path if not part.isdigit()]
    last = [part for part in topic.split("/") if not part.isdigit()][-1:]
    return slug("_".join(names[-2:] or (*last, *path[-1:])))


def _number(payload: Payload, raw: object) -> float | None:
    try:
        return None if isinstance(raw, bool) else payload.number(raw)
    except Refused:
        return None
