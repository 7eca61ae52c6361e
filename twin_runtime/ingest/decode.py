"""What a sensor may send: JSON in four forms.

- a bare number, ``87.5``: stamped on arrival, without identity;
- one sample, ``{"value": 87.5, "time": 1700000000000000000, "seq": 17, "sd": 1.2, "unit": "mmHg"}``, where all but
  ``value`` may be missing;
- a waveform, ``{"values": [..], "time": .., "period": 0.008, "seq": 100}``: evenly spaced, ``period`` in seconds,
  ``time`` and ``seq`` those of the first value;
- samples, ``{"values": [..], "times": [..], "seq": 100}``: one time a value.

A time is a number of seconds, milliseconds, microseconds or (an integer) nanoseconds since the epoch, or an RFC 3339
text with an offset. Which unit a number has follows from its size: between 1973 and 5138 the four do not overlap. All
but nanoseconds are read to the microsecond. ``sd`` and ``unit`` hold for all values of a message.
``"unchanged": true`` says that the sender would have sent another value if there were one: a sensor is alive then, and
has measured nothing new; an input keeps its value.
Unknown fields are tolerated, so that senders can be extended; an optional field may be ``null``. Only a time under
another name (``timestamp``) is refused, where there is no ``time``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from twin_runtime.core import SECOND, Code

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FRACTIONS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
"""Numbers below so many are seconds, milliseconds, microseconds; and so many microseconds is one of them."""
_MOST_NANOSECONDS = 2**63 - 1
_LONGEST_PERIOD = 86_400.0
_NAMES_OF_TIME = frozenset(
    "time timestamp time_stamp timestamp_ms time_ms ts datetime date_time event_time measured_at epoch".split()  # noqa: SIM905
)
"""Names, in small letters, under which other programs send the time of a value."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one message may hold: ``bytes`` of payload, and ``samples`` in a batch."""

    bytes: int = 65_536
    samples: int = 4096


class Sample(NamedTuple):
    """One value as sent: ``time`` in ns since the epoch; None where the sender gives none."""

    value: float
    time: int | None = None
    sequence: int | None = None
    sd: float | None = None
    unit: str | None = None
    unchanged: bool = False


class Refused(Exception):
    """Input that is wrong in itself: ``code`` says in which way, ``detail`` what came."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


LIMITS = Limits()

_Time = int | float | Annotated[datetime, Meta(tz=True)]
_Positive = Annotated[float, Meta(gt=0)]


class _Body(msgspec.Struct, gc=False):
    """The union of the object forms."""

    value: float | UnsetType = UNSET
    time: _Time | None = None
    seq: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    sd: _Positive | None = None
    unit: Annotated[str, Meta(max_length=32)] | None = None
    values: list[float] | UnsetType = UNSET
    times: list[_Time] | None = None
    period: Annotated[float, Meta(ge=1e-9, le=_LONGEST_PERIOD)] | None = None
    unchanged: bool | None = None


_body: msgspec.json.Decoder[float | _Body] = msgspec.json.Decoder(float | _Body)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOT_A_NUMBER = re.compile(rb"(?i)(?<![\w\"])(nan|inf|infinity)(?![\w\"])")
_VALIDATION = (
    (re.compile("Number out of range"), Code.NOT_FINITE),
    (re.compile("Expected `(int|float)` [<>]"), Code.OUT_OF_RANGE),
)


def decode(payload: bytes, limits: Limits = LIMITS) -> list[Sample]:
    """The samples of a message, at least one; raises :class:`Refused` if it holds none that can be used."""
    if len(payload) > limits.bytes:
        raise Refused(Code.TOO_LARGE, f"{len(payload)} bytes; at most {limits.bytes} are taken")
    body = decoded(payload, _body)
    if isinstance(body, float):
        return [Sample(body)]
    if body.values is not UNSET:
        return _batch(body, body.values, limits)
    if body.value is UNSET:
        raise Refused(Code.MISSING_FIELD, "neither `value` nor `values`")
    if body.times is not None or body.period is not None:
        raise Refused(Code.WRONG_SHAPE, "`times` and `period` go with `values`, not with `value`")
    if body.time is None:
        _require_no_other_time(payload)
        return [Sample(body.value, None, body.seq, body.sd, body.unit, bool(body.unchanged))]
    return [Sample(body.value, nanoseconds(body.time), body.seq, body.sd, body.unit, bool(body.unchanged))]


def _require_no_other_time(payload: bytes) -> None:
    """Refuse a sample whose time has another name: it would be stamped on arrival instead."""
    for name, value in decoded(payload, _fields).items():
        if name != "time" and name.lower() in _NAMES_OF_TIME and bytes(value) != b"null":
            raise Refused(Code.MISSING_FIELD, f"no `time`, but `{name[:32]}`: send it as `time`")


def decoded(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The payload as the decoder reads it; raises :class:`Refused` for whatever is wrong with it."""
    try:
        if not payload.isascii():
            payload.decode()
        return decoder.decode(payload)
    except RecursionError:
        raise Refused(Code.TOO_DEEP, "nested too deeply") from None
    except UnicodeDecodeError as error:
        raise Refused(Code.NOT_JSON, f"not UTF-8: byte {error.start}") from None
    except msgspec.ValidationError as error:
        raise Refused(_meaning(error), str(error)) from None
    except msgspec.DecodeError as error:
        raise _malformed(payload, error) from None


def _meaning(error: msgspec.ValidationError) -> Code:
    return next((code for pattern, code in _VALIDATION if pattern.search(str(error))), Code.WRONG_TYPE)


def _malformed(payload: bytes, error: msgspec.DecodeError) -> Refused:
    if not payload.strip():
        return Refused(Code.EMPTY, "no payload")
    if _NOT_A_NUMBER.search(payload):
        return Refused(Code.NOT_FINITE, "a value that is not a finite number")
    return Refused(Code.NOT_JSON, str(error))


def _batch(body: _Body, values: list[float], limits: Limits) -> list[Sample]:
    if body.value is not UNSET:
        raise Refused(Code.WRONG_SHAPE, "`value` and `values` in one message")
    if not values:
        raise Refused(Code.EMPTY, "no value in `values`")
    if len(values) > limits.samples:
        raise Refused(Code.TOO_LARGE, f"{len(values)} values; at most {limits.samples} are taken")
    times = _times(body, len(values))
    sequences: Iterable[int | None] = repeat(None) if body.seq is None else count(body.seq)
    rest = body.sd, body.unit, bool(body.unchanged)
    return [Sample(*stamped, *rest) for stamped in zip(values, times, sequences, strict=False)]


def _times(body: _Body, length: int) -> list[int]:
    """The times of a batch of ``length`` values, ns."""
    if body.times is not None:
        if len(body.times) != length:
            raise Refused(Code.WRONG_SHAPE, f"{length} values, {len(body.times)} times")
        return [nanoseconds(time) for time in body.times]
    if body.time is None or body.period is None:
        raise Refused(Code.MISSING_FIELD, "`values` need `times`, or `time` and `period`")
    start, period = nanoseconds(body.time), body.period * SECOND
    in_range(start + round((length - 1) * period))
    return [start + round(i * period) for i in range(length)]


def nanoseconds(time: int | float | datetime) -> int:
    """A time as sent, in ns since the epoch."""
    if isinstance(time, datetime):
        return in_range((time - _EPOCH) // _MICROSECOND * 1000)
    for limit, microseconds in _FRACTIONS:
        if 0 <= time < limit:
            return in_range(round(time * microseconds) * 1000)
    if not isinstance(time, int):
        raise Refused(Code.OUT_OF_RANGE, f"time {time:.6g}: nanoseconds since the epoch must be an integer")
    return in_range(time)


def in_range(time: int) -> int:
    """A time (ns), or :class:`Refused` if no clock shows it."""
    if not 0 <= time <= _MOST_NANOSECONDS:
        raise Refused(Code.OUT_OF_RANGE, "time is not between 1970 and 2262")
    return time
