"""Local date-times in UTC."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twin_adapters.recordings.cells import MISSING
from twin_adapters.recordings.mapping import UNIX_EPOCH
from twin_runtime.core import IntArray


class TimeError(ValueError):
    """A column does not hold the times it should; ``place`` is the entry that shows it, where it is one."""

    def __init__(self, what: str, place: int | None = None, remedy: str = "") -> None:
        super().__init__(what)
        self.place, self.remedy = place, remedy or "mend `time` or `time_unit` in the mapping"


def in_utc(local: IntArray, zone: str | None, places: IntArray) -> IntArray:
    """Local times in UTC. Raises :class:`TimeError` for one that occurs twice or never when clocks are changed."""
    if not np.any(local != MISSING):
        return local
    first = int(np.flatnonzero(local != MISSING)[0])
    if zone is None:
        what = f"{_text(local[first])} has no offset from UTC"
        raise TimeError(what, int(places[first]), 'say zone = "Europe/Brussels", zone = "+01:00" or zone = "UTC"')
    naive = pa.array(local, pa.timestamp("ns"), mask=local == MISSING)
    earliest, latest = (
        pc.assume_timezone(naive, zone, ambiguous=which, nonexistent=which).cast(pa.int64()).fill_null(MISSING)
        for which in ("earliest", "latest")
    )
    times = np.from_dlpack(earliest)
    unclear = np.flatnonzero(times != np.from_dlpack(latest))
    if len(unclear):
        here = int(unclear[0])
        what = f"{_text(local[here])} occurs {_how_often(local[here], zone)} in {zone}, where clocks were changed"
        raise TimeError(what, int(places[here]), "write these times with their offset, or as UTC")
    return np.asarray(times, dtype=np.int64)


def _how_often(local: np.int64, zone: str) -> str:
    moment = datetime.fromisoformat(_text(local)[:26])
    there = (moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UNIX_EPOCH.tzinfo)).astimezone(ZoneInfo(zone))
    return "twice" if there.replace(tzinfo=None) == moment else "never"


def _text(time: np.int64) -> str:
    return str(np.datetime64(int(time), "ns")).rstrip("0").rstrip(".")
