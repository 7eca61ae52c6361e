"""Named points at which a process can be killed, to test that it recovers from it.

``TWIN_CRASH=commit`` ends the process the first time it comes to the point ``commit``, ``TWIN_CRASH=commit:3`` the
third time: with SIGKILL, so nothing is flushed or closed. Without the variable a point costs one comparison.
"""

import itertools
import os
import signal
from typing import Literal, get_args

from twin_runtime.errors import ConfigError

Point = Literal["append", "commit", "acknowledge", "tick", "checkpoint", "store", "outbox", "chapter"]

POINTS: tuple[Point, ...] = get_args(Point)
"""Every boundary at which a process can be ended."""


def _target(text: str) -> tuple[str, int]:
    """The point and the passage that ``text`` names: ``"commit:3"`` is ``("commit", 3)``."""
    name, _, passage = text.partition(":")
    if name and (name not in POINTS or not (passage or "1").isdecimal()):
        raise ConfigError(
            f"unknown crash point {text!r}",
            where="environment variable TWIN_CRASH",
            remedy=f"use one of {', '.join(POINTS)}, with :n for the n-th passage, or unset it",
        )
    return name, int(passage or 1)


_POINT, _PASSAGE = _target(os.environ.get("TWIN_CRASH", ""))
_passages = itertools.count(1)


def crash_point(name: Point) -> None:
    """Kill the process here, if this is the passage that ``TWIN_CRASH`` names."""
    if name == _POINT and next(_passages) == _PASSAGE:
        os.kill(os.getpid(), signal.SIGKILL)
