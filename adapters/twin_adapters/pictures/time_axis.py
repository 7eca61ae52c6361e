"""Times on an axis: dates where a stream has them, else seconds, minutes or hours since its start."""

from datetime import UTC, datetime
from typing import Any

import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from twin_runtime.core import SECOND, IntArray

OLD = 315_532_800 * SECOND
"""1980: times before it are no dates, but count from the start of a recording."""
UNITS = ((2 * 3600, 3600, "h"), (180, 60, "min"), (0, 1, "s"))
"""From which length (s) on, how many seconds, which unit."""


class TimeAxis:
    """How the times of one picture, from ``first`` to ``last`` (ns), are shown."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.dated = first >= OLD
        length = (last - first) / SECOND
        self._seconds, self._unit = next((by, name) for least, by, name in UNITS if length >= least)
        self.label = "time (UTC)" if self.dated else f"time ({self._unit})"

    def of(self, times: IntArray) -> npt.NDArray[Any]:
        """What matplotlib takes for some times (ns)."""
        return times.view("datetime64[ns]") if self.dated else times / SECOND / self._seconds

    def text(self, time: int) -> str:
        """One time (ns) in words."""
        if self.dated:
            return f"{datetime.fromtimestamp(time / SECOND, UTC):%H:%M:%S}"
        return f"{time / SECOND / self._seconds:.4g} {self._unit}"

    def finish(self, panel: Axes) -> None:
        """Limits, ticks and label of the lowest panel."""
        if self.dated:
            locator = AutoDateLocator(maxticks=9)  # type: ignore[no-untyped-call]
            panel.xaxis.set_major_locator(locator)
            panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        panel.set_xlabel(self.label)
