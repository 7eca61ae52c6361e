"""How a demonstration goes so far: its estimates compared with the truth, which the twin does not have."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from twin_runtime.core import FIGURES, SECOND, Message, Record, Trust
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fold import Fold
from twin_simulators.demo.case import Case

QUANTITIES: Final = ("resistance", "compliance", "flow", "stroke_volume", "cardiac_output", "pressure")
"""What is compared with the truth."""

SETTLING: Final = 3.0
"""Seconds after which estimates count: until then the twin has had too few beats."""

WINDOW: Final = 5.0
"""Seconds over which rates are counted."""

MEAN, LOW, HIGH = (FIGURES.index(name) for name in ("mean", "q05", "q95"))


class Comparison(NamedTuple):
    """An estimate, its 90 % interval and the truth; ``share`` of the settled intervals so far held it."""

    quantity: str
    unit: str
    mean: float
    low: float
    high: float
    truth: float
    share: float | None

    @property
    def interval(self) -> str:
        """The interval in words."""
        return f"{self.low:.3g} to {self.high:.3g}"

    @property
    def inside(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


class Stream(NamedTuple):
    """One channel: age of its newest reading in s (None before the first), and readings a second lately."""

    channel: str
    age: float | None
    rate: float


@dataclass
class Progress:
    """The progress of a run that began at ``start`` (ns). ``arrived`` counts messages by topic."""

    assembly: Assembly
    case: Case
    start: int
    arrived: Counter[str]
    sent: int = 0
    revised: int = 0
    fold: Fold | None = None
    pressures: deque[float] = field(default_factory=lambda: deque(maxlen=256))
    _settled: int = 0
    _held: Counter[str] = field(default_factory=Counter)
    _counted: deque[tuple[float, Counter[str]]] = field(default_factory=deque)

    @property
    def topics(self) -> dict[str, str]:
        """The topic of each channel, in the twin's order."""
        return {
            channel.name: channel.topic_of(self.case.transmission.twin) for channel in self.assembly.types[0].channels
        }

    def sending(self, message: Message) -> Message:
        """Count a message that is about to be sent."""
        self.sent += 1
        return message

    def add(self, fold: Fold, records: Sequence[Record]) -> None:
        """Count and compare what a step of the run has given."""
        if self.fold is None:
            self.fold = fold
            self._counted.append((time.monotonic(), Counter()))
        for record in records:
            if record.revision.any():
                self.revised += 1
                continue
            comparisons = self._comparisons(record)
            self.pressures.append(comparisons[-1].mean)
            if self._seconds(record) >= SETTLING:
                self._settled += 1
                self._held.update(c.quantity for c in comparisons if c.inside)

    @property
    def newest(self) -> Record | None:
        """The newest estimates, as they stand now."""
        return None if self.fold is None else self.fold.fleets[0].timeline.newest_record

    @property
    def seconds(self) -> float:
        """How far the twin has come."""
        return 0.0 if self.newest is None else self._seconds(self.newest)

    def comparisons(self) -> list[Comparison]:
        """The newest estimates and the truth of their time; none before the first."""
        return [] if self.newest is None else self._comparisons(self.newest)

    @property
    def trust(self) -> Trust | None:
        """How far the newest estimates can be trusted; None before the first."""
        return None if self.newest is None else Trust(int(self.newest.trust[0]))

    @property
    def verdict(self) -> str:
        """The same in words, with the reasons."""
        if self.newest is None or self.trust is None:
            return "no verdict yet"
        reasons = ", ".join(self.assembly.types[0].identity.reasons(int(self.newest.reasons[0])))
        return f"{self.trust.name.lower()} ({reasons})" if reasons else self.trust.name.lower()

    def streams(self) -> list[Stream]:
        """Age and rate of every channel."""
        rates = self._rates()
        return [Stream(name, self._age(place), rates[topic]) for place, (name, topic) in enumerate(self.topics.items())]

    def _rates(self) -> dict[str, float]:
        """Messages a second by topic, over the last seconds."""
        now = time.monotonic()
        self._counted.append((now, Counter(self.arrived)))
        while len(self._counted) > 2 and now - self._counted[0][0] > WINDOW:
            self._counted.popleft()
        since, before = self._counted[0]
        span = max(now - since, 1e-3)
        return {topic: (self.arrived[topic] - before[topic]) / span for topic in self.topics.values()}

    def _age(self, channel: int) -> float | None:
        newest = 0 if self.fold is None else int(self.fold.fleets[0].watermarks.newest[0, channel])
        return (time.time_ns() - newest) / SECOND if newest > 0 else None

    def _seconds(self, record: Record) -> float:
        return ((record.tick + 1) * self.assembly.types[0].fleet.tick - self.start) / SECOND

    def _comparisons(self, record: Record) -> list[Comparison]:
        truth = self.case.truth.at(self._seconds(record))
        known = {quantity.name: i for i, quantity in enumerate(self.assembly.types[0].identity.quantities)}
        return [self._comparison(name, record.figures[0, known[name]].tolist(), truth[name]) for name in QUANTITIES]

    def _comparison(self, name: str, figures: list[float], truth: float) -> Comparison:
        share = self._held[name] / self._settled if self._settled else None
        unit = self.case.truth.units[name]
        return Comparison(name, unit, figures[MEAN], figures[LOW], figures[HIGH], truth, share)
