"""What a run leaves out when it has fallen behind, as its configuration declares: the one place where load decides.

Every decision is an entry of the journal that is obeyed when it is taken, here and by whoever folds the journal again.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from twin_runtime.config.sections import OverloadSection
from twin_runtime.core import SECOND, Code, Entry, Omission

LOG = logging.getLogger(__name__)

QUIET = 60 * SECOND
"""Between two reports of decisions (ns)."""


class Overload:
    """The decisions for the twins of a type; ``tick`` in nanoseconds."""

    def __init__(self, declared: OverloadSection, twins: Sequence[str], tick: int) -> None:
        unnamed = [twin for twin in twins if twin not in declared.priority]
        self._first_to_go = [*reversed(unnamed), *(twin for twin in reversed(declared.priority) if twin in twins)]
        self._declared, self._ticks = declared, max(1, declared.span // tick)
        self.next = 0
        """The first tick for which nothing has been decided."""
        self._shed = 0
        """How many twins the newest decision leaves out."""
        self._reported: int | None = None

    def obey(self, omission: Omission) -> None:
        """Go on from a decision."""
        if omission.last >= self.next:
            self.next, self._shed = omission.last + 1, len(omission.twins)

    def decide(self, frontier: int, behind: int, now: int) -> Omission | None:
        """What is left out from the next tick on, the run lying ``behind`` (ns); None: nothing more than is."""
        if self._declared.policy == "catch-up" or frontier < self.next:
            return None
        is_behind, last = behind > self._declared.after, frontier + self._ticks - 1
        if self._declared.policy == "shed":
            self._shed = self._more() if is_behind else self._shed // 2
            decided = Omission("shed", frontier, last, tuple(self._first_to_go[: self._shed])) if self._shed else None
        else:
            decided = Omission("skip", frontier, last) if is_behind else None
        self._report(decided, behind, now)
        return decided

    def _more(self) -> int:
        """Half of the twins that run are shed too, the least important first; one runs always."""
        running = len(self._first_to_go) - self._shed
        return min(len(self._first_to_go) - 1, self._shed + max(1, running // 2))

    def _report(self, decided: Omission | None, behind: int, now: int) -> None:
        if decided is not None and (self._reported is None or now >= self._reported + QUIET):
            self._reported = now
            what = f"run without {', '.join(decided.twins)}" if decided.twins else "run without readings of sensors"
            message = "%.1f s behind: ticks %d to %d %s; what is left out is counted as 'overload'"
            LOG.warning(message, behind / SECOND, decided.first, decided.last, what)


def entry_of(omission: Omission, arrival: int, place: int) -> Entry:
    """A decision as the journal keeps it."""
    return Entry(arrival, Code.DECISION, None, payload=msgspec.json.encode(omission), type=place)


def omission_of(entry: Entry) -> Omission:
    """The decision that an entry holds."""
    return msgspec.json.decode(entry.payload, type=Omission)


def joined(before: Sequence[Omission], omission: Omission) -> list[Omission]:
    """Decisions with a later one, as one with the last of them where it goes on with the same."""
    last = before[-1] if before else omission
    if replace(last, first=last.last + 1, last=omission.last) == omission:
        return [*before[:-1], replace(last, last=omission.last)]
    return [*before, omission]


def left_out(omissions: Sequence[Omission], frontier: int | None) -> dict[str, Any]:
    """For the summary: how many ticks before the ``frontier`` ran without readings of sensors, or without a twin."""
    skipped, shed = 0, Counter[str]()
    for omission in omissions:
        ticks = len(range(omission.first, min(omission.last + 1, frontier or 0)))
        skipped += 0 if omission.twins else ticks
        shed.update(dict.fromkeys(omission.twins, ticks))
    return {"ticks_without_readings": skipped, "ticks_shed": dict(sorted(shed.items()))} if omissions else {}
