"""Times as senders write them: numbers in some unit since the epoch, or ISO 8601 text with or without an offset."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused, in_range, nanoseconds

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]
SCALES: dict[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?\d{1,25}(\.\d{0,20})?([eE][+-]?\d{1,3})?")


def instant(raw: object, unit: TimeUnit, zone: ZoneInfo | None, arrival: int) -> int:
    """A time in ns since the epoch, or :class:`Refused`.

    Text without an offset is local time in ``zone``. Where the clocks were set back and it can be two moments, it is
    the one nearer to the arrival.
    """
    if isinstance(raw, str):
        text = raw.strip()
        if _NUMBER.fullmatch(text):
            return _from_number(_parsed(text), unit)
        return _from_text(text, zone, arrival)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise Refused(Code.WRONG_TYPE, f"expected a time, got {str(raw)[:40]}")
    return _from_number(raw, unit)


def _parsed(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _from_number(number: int | float, unit: TimeUnit) -> int:
    if unit == "auto":
        return nanoseconds(number)
    if isinstance(number, int):
        return in_range(number * SCALES[unit])
    if not math.isfinite(number):
        raise Refused(Code.NOT_FINITE, "a time that is not a finite number")
    return in_range(round(number * SCALES[unit] / 1000) * 1000 if unit != "ns" else round(number))


def _from_text(text: str, zone: ZoneInfo | None, arrival: int) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(Code.WRONG_TYPE, f"expected a time such as 2026-01-05T10:00:00Z, got '{text[:40]}'") from None
    if moment.tzinfo is not None:
        return _since_epoch(moment)
    if zone is None:
        what = f"the time '{text[:40]}' has no offset: declare the sender's `zone`"
        raise Refused(Code.WRONG_TYPE, what)
    either = {_since_epoch(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)}
    return min(either, key=lambda time: abs(time - arrival))


def _since_epoch(moment: datetime) -> int:
    try:
        return in_range((moment - _EPOCH) // _MICROSECOND * 1000)
    except OverflowError:
        raise Refused(Code.OUT_OF_RANGE, "time is not between 1970 and 2262") from None
