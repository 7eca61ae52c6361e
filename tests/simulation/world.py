"""The simulated surroundings of one process: time, power, and which faults are on."""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.loop import VirtualLoop
from tests.simulation.story import Fault, Kind, Story
from tests.simulation.trace import Trace
from tests.ward import EPOCH
from twin_runtime.core import SECOND


@dataclass
class World:
    """One simulation; ``path`` is where its store lies."""

    story: Story
    loop: VirtualLoop
    path: Path
    trace: Trace = field(default_factory=Trace)
    step: int = 0
    """By how much the system clock is wrong, ns."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.story.seed + 1)
        self.surroundings: set[asyncio.Task[Any]] = set()
        self._on: dict[Kind, list[Fault]] = {}

    def true_time(self) -> int:
        """What time it is, ns."""
        return EPOCH + round(self.loop.time() * SECOND)

    def wall(self) -> int:
        """What the system clock says, ns."""
        return self.true_time() + self.step

    def note(self, *what: object) -> None:
        """Add an event to the trace."""
        self.trace.add(self.loop.time(), *what)

    def begin(self, fault: Fault) -> None:
        """A fault is on until its end."""
        self._on.setdefault(fault.kind, []).append(fault)

    def on(self, kind: Kind, target: int | None = None, among: int = 1) -> Fault | None:
        """The fault of a kind that is on now: any, or one that has this target ``among`` so many."""
        now = self.loop.time()
        for fault in self._on.get(kind, ()):
            if now < fault.moment + fault.length and (target is None or fault.target % among == target):
                return fault
        return None
