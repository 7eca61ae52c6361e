"""A recording as arrays: many streams, merged by event time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from twin_runtime.core import FloatArray, IntArray, RawReading
from twin_runtime.durations import duration_text
from twin_runtime.errors import RecordingError


@dataclass(frozen=True, slots=True, eq=False)
class MergedStreams:
    """A :class:`twin_runtime.core.Recording`: one entry a reading in every array, sorted by (time, twin, channel).

    ``twin`` and ``channel`` are places in ``twins`` and ``channels``, in the order in which the mapping names them.
    ``sequence`` counts the readings of each signal from 0, whatever section of the recording this is.
    """

    name: str
    twins: Sequence[str]
    channels: Sequence[str]
    units: dict[str, str]
    """The unit of each channel, as recorded."""
    twin: IntArray
    channel: IntArray
    time: IntArray
    value: FloatArray
    sequence: IntArray

    @property
    def start(self) -> int:
        """Event time of the first reading."""
        return int(self.time[0])

    @property
    def end(self) -> int:
        """Event time of the last reading."""
        return int(self.time[-1])

    def __len__(self) -> int:
        """How many readings there are."""
        return len(self.time)

    def readings(self) -> Iterator[RawReading]:
        """All readings, sorted by (time, twin, channel)."""
        twins = map(self.twins.__getitem__, self.twin.tolist())
        channels = map(self.channels.__getitem__, self.channel.tolist())
        columns = zip(twins, channels, self.time.tolist(), self.value.tolist(), self.sequence.tolist(), strict=True)
        return starmap(RawReading, columns)

    def between(self, start: int, end: int) -> "MergedStreams":
        """The readings of event times in [start, end). Raises :class:`RecordingError` where there are none."""
        first, last = np.searchsorted(self.time, [start, end])
        if first >= last:
            whole = duration_text(self.end - self.start)
            raise RecordingError("no reading lies in that section", where=self.name, remedy=f"it lasts {whole} in all")
        return replace(
            self,
            twin=self.twin[first:last],
            channel=self.channel[first:last],
            time=self.time[first:last],
            value=self.value[first:last],
            sequence=self.sequence[first:last],
        )
