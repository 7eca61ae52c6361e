"""What is wrong with an event time, in words."""

from datetime import UTC, datetime, timedelta

from twin_runtime.core import SECOND
from twin_runtime.durations import rough_duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAR = 86_400 * SECOND
_UNITS = (10**9, 10**6, 10**3)
"""How many times larger one unit of time is than another."""


def wrong_time(time: int, now: int) -> str:
    """How far an event time (ns) is from now, and by what power of 1000 it would fit: then its unit is a wrong one."""
    order = "after" if time > now else "before"
    far = f"event time {_text(time)} is {rough_duration(abs(time - now))} {order} {_text(now)}"
    fitting = [
        f"; its number would fit if its unit of time were {factor:,} times {'longer' if time < now else 'shorter'}"
        for factor in _UNITS
        if abs((time * factor if time < now else time // factor) - now) < _NEAR
    ]
    return far + "".join(fitting)


def _text(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time // 1000)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
