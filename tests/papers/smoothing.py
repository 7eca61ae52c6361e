"""The fixed-lag smoother on Lorenz-96: ``python -m tests.papers.smoothing`` prints the error by lag.

The setting is that of :mod:`tests.papers.late`, with every reading in time. Evensen & van Leeuwen 2000 (Mon Wea Rev
128:1852-1867) give no number for it; what must hold is that the error falls with the lag.
"""

from typing import NamedTuple

import numpy as np

from tests.papers.late import CYCLES, DISCARDED, REPLICATES, SIZE, TICK, fleet, readings, world
from twin_runtime.core import SECOND, FloatArray
from twin_runtime.timeline.timeline import Timeline

LAGS = (1, 2, 4, 8, 16, 32)


class Score(NamedTuple):
    """Root-mean-square errors ``[replicate]`` of the means as they were first and last said, and the last spread."""

    filtered: FloatArray
    smoothed: FloatArray
    spread: FloatArray


def score(lag: int, cycles: int = CYCLES, discarded: int = DISCARDED, replicates: int = REPLICATES) -> Score:
    """Follow all replicates; cycles whose lag is not over at the end are not scored."""
    truth, read = world(cycles, replicates)
    timeline = Timeline(fleet(replicates, lag=lag), 0)
    sums = Score(*np.zeros((3, replicates)))
    for cycle in range(cycles):
        for reading in readings(read, cycle, range(SIZE), cycle):
            timeline.offer(reading)
        for record in timeline.advance(cycle):
            error = np.sqrt(np.square(record.figures[:, :, 0] - truth[record.tick]).mean(1))
            if discarded <= record.tick < cycles - lag:
                sums.filtered[:] += error * (record.revision == 0)
                sums.smoothed[:] += error * (record.revision == 1)
                sums.spread[:] += np.sqrt(np.square(record.figures[:, :, 1]).mean(1)) * (record.revision == 1)
    return Score(*(total / (cycles - lag - discarded) for total in sums))


def main() -> None:
    """Print the error by lag."""
    print("| lag | filtered (sd) | smoothed (sd) | spread of the smoothed |\n|---:|---:|---:|---:|")
    for lag in LAGS:
        columns = score(lag)
        first, last = (f"{column.mean():.3f} ({column.std(ddof=1):.3f})" for column in columns[:2])
        print(f"| {lag * TICK / SECOND:.2f} | {first} | {last} | {columns.spread.mean():.3f} |", flush=True)


if __name__ == "__main__":
    main()
