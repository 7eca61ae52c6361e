"""What comes in and cannot be used is reported while it happens, without flooding the log."""

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable

from twin_runtime.core import Code, Entry

LOG = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""Between two reports of the same code."""
EXPECTED = (Code.ACCEPTED, Code.DUPLICATE)
"""Codes of which there is nothing to report."""


class RefusalLog:
    """Reports refused and late readings: of each code the first at once, then how many more came, once a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unreported: Counter[Code] = Counter()
        self._newest: dict[Code, str] = {}
        self._quiet_until: dict[Code, float] = {}

    def add(self, entries: Iterable[Entry]) -> None:
        """Count the refused among some entries with their fate, and report those that are due."""
        refused = [entry for entry in entries if entry.code not in EXPECTED]
        self._unreported.update(entry.code for entry in refused)
        self._newest.update({entry.code: _what(entry) for entry in refused})
        for code in {entry.code for entry in refused}:
            if self._clock() >= self._quiet_until.get(code, -math.inf):
                self._report(code)

    def conclude(self) -> None:
        """Report those that have not been, at the end of a run."""
        for code in sorted(self._unreported):
            self._report(code)

    def _report(self, code: Code) -> None:
        self._quiet_until[code] = self._clock() + QUIET_SECONDS
        LOG.warning("%d readings refused as '%s'; the newest: %s", self._unreported.pop(code), code, self._newest[code])


def _what(entry: Entry) -> str:
    if entry.reading is not None:
        return f"a value of event time {entry.reading.time} ns"
    return f"topic '{entry.topic}': {entry.detail}" if entry.detail else f"topic '{entry.topic}'"
