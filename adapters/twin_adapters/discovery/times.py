"""Which time a message tells, in which unit and zone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from twin_adapters.discovery.leaves import leaves_of, path_text
from twin_runtime.core import SECOND, Message
from twin_runtime.ingest.decode import Refused
from twin_runtime.ingest.payloads import Payload
from twin_runtime.ingest.payloads.formats import Record
from twin_runtime.ingest.payloads.instants import SCALES, instant
from twin_runtime.ingest.payloads.paths import ABSENT, Path, at

_NEAR = 86_400 * SECOND
_QUARTER = 900 * SECOND
_UTC = ZoneInfo("UTC")
_NAMES = {
    "time",
    "timestamp",
    "time_stamp",
    "timestamp_ms",
    "time_ms",
    "ts",
    "t",
    "datetime",
    "date_time",
    "event_time",
}
_NAMES |= {"measured_at", "epoch", "at", "date", "last_seen"}


@dataclass(frozen=True, slots=True)
class Clock:
    """The time in messages: whether one is ``found``, where, its unit and its zone, and how old the newest was (ns)."""

    found: bool
    path: Path | None = None
    unit: str = ""
    zone: str = ""
    age: int | None = None


NO_CLOCK = Clock(False)
Records = Sequence[tuple[Message, Record]]


def clock_of(payload: Payload, records: Records, *, free: bool) -> tuple[Clock, dict[str, Any]]:
    """The time that records tell, and what a configuration must declare for it besides the payload's kind.

    ``free``: whether the time may stand anywhere, as the kind does not say where.
    """
    own = [(message, record.time) for message, record in records if record.time is not None]
    if own:
        return Clock(True, unit="ns", age=min(message.arrival - time for message, time in own)), {}
    paths = list(dict.fromkeys(_paths(records))) if free else [payload.time] if payload.time else []
    for path in paths:
        found = [(message, at(record.tree, path)) for message, record in records]
        clock = _read(path, [(message, raw) for message, raw in found if raw is not ABSENT and raw is not None])
        if clock is not None:
            return clock, _declared(payload, clock, free=free)
    return NO_CLOCK, {}


def _paths(records: Records) -> Iterator[Path]:
    """Where times may stand, by their names; in rows without names anywhere."""
    for _, record in records:
        for path, raw in leaves_of(record.tree):
            if not path or isinstance(raw, bool) or not isinstance(raw, str | int | float):
                continue
            if path[-1].lower() in _NAMES or path[-1].isdigit():
                yield path


def _read(path: Path, found: Sequence[tuple[Message, object]]) -> Clock | None:
    """The clock that values at a path would be; None where they are no times near their arrival."""
    ages = list[int]()
    for message, raw in found:
        try:
            ages.append(message.arrival - instant(raw, "auto", _UTC, message.arrival))
        except Refused:
            return None
    if not ages or any(abs(age) > _NEAR for age in ages):
        return None
    raw = found[-1][1]
    unit, ahead = _unit(raw), 0
    if isinstance(raw, str) and unit == "iso" and not _has_offset(raw):
        ahead = -round(min(ages) / _QUARTER) * _QUARTER
    return Clock(
        True, path, unit, _zone(ahead) if unit == "iso" and not _has_offset(str(raw)) else "", min(ages) + ahead
    )


def is_a_time(number: float, arrival: int) -> bool:
    """Whether a number is a time near its arrival, in some unit."""
    try:
        return number > 1e9 and abs(instant(number, "auto", _UTC, arrival) - arrival) < _NEAR
    except Refused:
        return False


def _declared(payload: Payload, clock: Clock, *, free: bool) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if free and clock.path is not None:
        own["time"] = path_text(clock.path)
    if clock.zone:
        own["zone"] = clock.zone
    if payload.time_unit != "auto" and clock.unit in SCALES and clock.unit != payload.time_unit:
        own["time_unit"] = clock.unit
    return own


def _unit(raw: object) -> str:
    """The unit of a number by its size, or "iso"."""
    try:
        size = abs(float(str(raw)))
    except ValueError:
        return "iso"
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def _has_offset(text: str) -> bool:
    return text.strip().endswith(("Z", "z")) or "+" in text or text.count("-") > 2


def _zone(ahead: int) -> str:
    """A zone so many nanoseconds ahead of UTC, without summer time; its sign is that of POSIX."""
    hours = round(ahead / (3600 * SECOND))
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"
