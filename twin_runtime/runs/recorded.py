"""What a recording is: its readings in order of time, and what is remarkable about their times."""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from twin_runtime.core import SECOND, RawReading, Recording
from twin_runtime.errors import RecordingError

LOG = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OLD = 315_532_800 * SECOND
"""1980: clocks that were never set, and times in another unit, are before it."""


class Findings(NamedTuple):
    """Of all readings: the ``first`` and the ``last`` event time, and the longest ``silence`` with its beginning.

    ``unsorted`` readings stand behind later ones, by up to ``back``. All times are in ns.
    """

    readings: int = 0
    first: int = 0
    last: int = 0
    silence: int = 0
    silent_from: int = 0
    unsorted: int = 0
    back: int = 0

    def summary(self) -> dict[str, Any]:
        """For the summary of a replay; durations in seconds."""
        return {
            "readings": self.readings,
            "first": time_text(self.first),
            "last": time_text(self.last),
            "longest_silence": self.silence / SECOND,
            "unsorted": self.unsorted,
        }


def in_order(recording: Recording) -> tuple[Findings, Iterable[RawReading]]:
    """What is found in a recording, and its readings in order of time, whatever their order in it."""
    found = examined(recording.readings())
    if not found.unsorted:
        return found, recording.readings()
    readings = sorted(recording.readings(), key=_place)
    return examined(iter(readings))._replace(unsorted=found.unsorted, back=found.back), readings


def report(found: Findings, pause_after: int) -> None:
    """Warn of what is remarkable; twins pause after a silence of ``pause_after`` ns, 0: never.

    Raises :class:`RecordingError` for times before 1970: ticks are counted from there.
    """
    if found.first < 0:
        what = f"the recording begins in {time_text(found.first)}; expected times from 1970 on"
        raise RecordingError(what, remedy="mend the epoch or the unit of its times in the mapping")
    if found.unsorted:
        message = "%d of %d recorded readings stand behind later ones, by up to %.1f s: put in order of time"
        LOG.warning(message, found.unsorted, found.readings, found.back / SECOND)
    if found.readings and found.first < OLD:
        LOG.warning(
            "the recording begins in %s: are the epoch and the unit of its times right?", time_text(found.first)
        )
    if 0 < pause_after < found.silence:
        message = "the recording has no reading for %s from %s on: twins pause meanwhile"
        LOG.warning(message, timedelta(seconds=round(found.silence / SECOND)), time_text(found.silent_from))


def _place(reading: RawReading) -> tuple[int, str, str, int]:
    return reading.time, reading.twin, reading.channel, reading.sequence


def examined(readings: Iterator[RawReading]) -> Findings:
    """The findings of some readings; of the silences, only where they are in order."""
    count = first = newest = longest = since = unsorted = back = 0
    for count, (_, _, time, _, _) in enumerate(readings, 1):
        if count == 1:
            first = newest = time
        if time < newest:
            unsorted, back = unsorted + 1, max(back, newest - time)
        else:
            if time - newest > longest:
                longest, since = time - newest, newest
            newest = time
    return Findings(count, first, newest, longest, since, unsorted, back)


def time_text(time: int) -> str:
    """An event time (ns) to the second, as in "2020-01-01T00:05:00+00:00"."""
    return (EPOCH + timedelta(microseconds=time // 1000)).isoformat(timespec="seconds")
