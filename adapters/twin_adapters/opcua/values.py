"""What a notification says: a reading, or why there is none."""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from asyncua import ua

from twin_adapters.native import description, reading
from twin_runtime.core import Code, Message
from twin_runtime.ingest.decode import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_OVERFLOW = 0x480
"""Bits of a status code: the information is about a data value, and the server's queue had no room for others."""


class Notified(NamedTuple):
    """The message of a notification, and its value and time (ns) where that is a reading."""

    message: Message
    value: float | None = None
    time: int = 0


def nanoseconds(moment: datetime) -> int:
    """A time of the protocol in ns since the epoch; asyncua keeps microseconds of it."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND * 1000


def has_overflowed(data: ua.DataValue) -> bool:
    """Whether the server has thrown away values of this node before this one."""
    return data.StatusCode is not None and data.StatusCode.value & _OVERFLOW == _OVERFLOW


def notified(topic: str, data: ua.DataValue, arrival: int, clock: Literal["source", "server"]) -> Notified:
    """What a notification of a node says."""
    try:
        _require_good(data)
        value, time = _number(data), _time(data, clock)
    except Refused as refused:
        what = description(value=_held(data), status=_status(data), time=data.SourceTimestamp)
        return Notified(Message(topic, what, arrival, refusal=(refused.code, refused.detail)))
    return Notified(Message(topic, reading(value, time), arrival), value, time)


def _require_good(data: ua.DataValue) -> None:
    if data.StatusCode is not None and not data.StatusCode.is_good():
        raise Refused(Code.BAD_QUALITY, f"its status is {_status(data)}, not Good")


def _status(data: ua.DataValue) -> str:
    return "Good" if data.StatusCode is None else f"{data.StatusCode.name} (0x{data.StatusCode.value:08X})"


def _held(data: ua.DataValue) -> object:
    return None if data.Value is None else data.Value.Value


def _number(data: ua.DataValue) -> float:
    value = _held(data)
    if value is None:
        raise Refused(Code.NO_VALUE, "null: there is no value")
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, list | tuple):
        raise Refused(Code.WRONG_SHAPE, f"expected one number, got an array of {len(value)}")
    raise Refused(Code.WRONG_TYPE, f"expected a number or a boolean, got {type(value).__name__}")


def _time(data: ua.DataValue, clock: Literal["source", "server"]) -> int:
    moment = data.SourceTimestamp if clock == "source" else data.ServerTimestamp
    if moment is None:
        other = 'set time = "server" in its table' if clock == "source" and data.ServerTimestamp else "none came"
        raise Refused(Code.MISSING_FIELD, f"no {clock} timestamp: {other}")
    return nanoseconds(moment)
