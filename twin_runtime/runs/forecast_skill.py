"""How good a twin's forecasts are, some time ahead, compared with those of two forecasters without physics."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from twin_runtime.core import SECOND, Code, Entry, FleetState, Reading
from twin_runtime.engine.tick import outlook
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.scores import QUANTILE_90

EVERY = 7
"""Of each sensor, one reading in so many is forecast: prime to what is periodic in the readings."""


@dataclass
class Score:
    """Sums over the forecasts of one sensor."""

    count: int = 0
    squares: dict[str, float] = field(default_factory=lambda: {"twin": 0.0, "persistence": 0.0, "mean": 0.0})
    covered: int = 0

    def add(self, value: float, forecasts: dict[str, float], sd: float) -> None:
        """One reading and what was forecast for it."""
        self.count += 1
        self.covered += abs(value - forecasts["twin"]) <= QUANTILE_90 * sd
        for name, forecast in forecasts.items():
            self.squares[name] += (value - forecast) ** 2


class ForecastSkill:
    """Forecasts of the readings of a type, each from the last tick that ended at least ``ahead`` ns before it."""

    def __init__(self, timeline: Timeline, ahead: int, place: int = 0) -> None:
        self._timeline, self._ahead, self._place = timeline, ahead, place
        self._states: dict[int, FleetState] = {}
        self._values: dict[tuple[int, int], tuple[list[int], list[float], list[float]]] = {}
        self._scores: dict[tuple[int, int], Score] = {}
        self._counts: Counter[tuple[int, int]] = Counter()

    def score(self, entries: Iterable[Entry]) -> None:
        """Compare forecasts with the readings among some entries; call it after every tick."""
        fleet = self._timeline.fleet
        if self._timeline.frontier is not None:
            self._states[self._timeline.frontier] = self._timeline.state.copy()  # later readings may revise it
        for reading in self._readings(entries):
            signal = reading.twin, reading.channel
            self._counts[signal] += 1
            issued = (reading.time - self._ahead) // fleet.tick
            if self._counts[signal] % EVERY == 0 and issued in self._states:
                self._compare(reading, issued)
            self._remember(reading)
        oldest = max(self._states, default=0) - 2 - 2 * self._ahead // fleet.tick
        self._states = {number: state for number, state in self._states.items() if number >= oldest}

    def scores(self) -> dict[str, dict[str, float]]:
        """Root mean square errors by forecaster, and the coverage of the twin's 90 % interval, by ``twin/sensor``."""
        fleet = self._timeline.fleet
        return {
            f"{fleet.twins[twin]}/{fleet.sensors[channel].name}": {
                "seconds": self._ahead / SECOND,
                "forecasts": score.count,
                **{f"rmse_{name}": math.sqrt(total / score.count) for name, total in score.squares.items()},
                "coverage_90": score.covered / score.count,
            }
            for (twin, channel), score in self._scores.items()
        }

    def _readings(self, entries: Iterable[Entry]) -> Iterator[Reading]:
        for entry in entries:
            reading = entry.reading if entry.type == self._place else None
            if entry.code is Code.ACCEPTED and reading and reading.channel < len(self._timeline.fleet.sensors):
                yield reading

    def _compare(self, reading: Reading, issued: int) -> None:
        fleet, start = self._timeline.fleet, issued * self._timeline.fleet.tick
        times, values, sums = self._values.get((reading.twin, reading.channel), ([], [], []))
        known = bisect_left(times, start)
        if known == 0:
            return
        row = self._timeline.rows[reading.twin : reading.twin + 1]
        lead = (reading.time - start) / SECOND
        output = fleet.sensors[reading.channel].output
        members = outlook(fleet, self._states[issued].rows(row), lead, row)[0, :, output]
        forecasts = {
            "twin": float(members.mean()),
            "persistence": values[known - 1],
            "mean": sums[known - 1] / known,
        }
        sd = math.sqrt(float(members.var(ddof=1)) + reading.sd**2)
        self._scores.setdefault((reading.twin, reading.channel), Score()).add(reading.value, forecasts, sd)

    def _remember(self, reading: Reading) -> None:
        times, values, sums = self._values.setdefault((reading.twin, reading.channel), ([], [], []))
        times.append(reading.time)
        values.append(reading.value)
        sums.append((sums[-1] if sums else 0.0) + reading.value)
