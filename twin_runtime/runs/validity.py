"""Whether the verdicts of a store still say something of the assets: a run that goes on renews them in time."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from twin_runtime.core import SECOND, IntArray
from twin_runtime.store.reader import Reader

NO_ESTIMATE = -1
"""The newest tick of a twin without an estimate."""


def validity(reader: Reader, place: int, newest: IntArray, now: int) -> dict[str, Any] | None:
    """Until when the newest verdicts of a type count, in real time, and of which twins they do not any more.

    ``newest[row]`` is the newest tick of each twin, ``now`` the time of this machine (ns). None without estimates.
    """
    known, last = reader.identity.types[place], int(newest.max(initial=NO_ESTIMATE))
    if last == NO_ESTIMATE:
        return None
    elapsed = now - _told(reader, place, (last + 1) * known.tick)
    until = now - elapsed + known.validity
    over = (newest != NO_ESTIMATE) & ((last - newest) * known.tick + elapsed > known.validity)
    removed = reader.removed()
    return {
        "until": datetime.fromtimestamp(until // SECOND, UTC).isoformat(),
        "expired_seconds": max(0, now - until) / SECOND or None,
        "expired_twins": [known.twins[row] for row in np.flatnonzero(over) if known.twins[row] not in removed],
    }


def _told(reader: Reader, place: int, time: int) -> int:
    """When, in real time, an estimate was published: on the clock of a stream, with the newest reading that came."""
    arrival = reader.newest_arrival(place) if reader.identity.types[place].clock == "stream" else None
    return time if arrival is None else arrival
