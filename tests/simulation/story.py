"""What happens in a simulation: everything in it is drawn from its seed."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tests.ward import ward
from twin_runtime.config import Config
from twin_runtime.runs.assembly import Assembly, assemble

Kind = Literal[
    "kill",
    "power cut",
    "death before commit",
    "death after commit",
    "stop",
    "EIO",
    "ENOSPC",
    "slow disk",
    "disconnection",
    "delay",
    "QoS 0",
    "duplicates",
    "garbage",
    "step of the clock",
    "silence",
    "lie in time",
    "restart of a sensor",
    "sink down",
    "sink hangs",
    "sink breaks",
    "sink takes and fails",
    "sink refuses",
]
KINDS: dict[Kind, tuple[float, float]] = {
    "kill": (0, 0),
    "power cut": (0, 0),
    "death before commit": (0, 0),
    "death after commit": (0, 0),
    "stop": (0, 0),
    "EIO": (0, 0),
    "ENOSPC": (1, 10),
    "slow disk": (2, 15),
    "disconnection": (1, 15),
    "delay": (2, 15),
    "QoS 0": (5, 15),
    "duplicates": (2, 15),
    "garbage": (1, 10),
    "step of the clock": (0, 0),
    "silence": (3, 15),
    "lie in time": (1, 15),
    "restart of a sensor": (0, 0),
    "sink down": (2, 15),
    "sink hangs": (2, 15),
    "sink breaks": (2, 15),
    "sink takes and fails": (2, 15),
    "sink refuses": (5, 15),
}
"""What can go wrong, and how long it lasts, at least and at most (s)."""
ENDS: tuple[Kind, ...] = ("stop", "stop", "kill", "power cut")
"""Ends of a process that come in the middle of other faults, too."""

FAULTS_BEGIN, FAULTS_END = 4.0, 35.0
"""No fault begins outside of these moments (s); the last may go on for a while."""
AGAIN = 15.0
"""So many seconds after the last fault every good reading is accepted: as long as the furthest lie in time."""
QUIET = 7.0
"""Seconds for which good readings are sent after that; then the run has as long to take the last."""


CHANNELS = ("abp", "flow")
GUESTS: Literal[1] = 1
"""The place of the second type of twins."""


class Signal(NamedTuple):
    """A channel of a twin."""

    type: int
    twin: str
    row: int
    channel: int

    @property
    def topic(self) -> str:
        """Where its messages go."""
        return f"{self.twin}/{CHANNELS[self.channel]}"


class Fault(NamedTuple):
    """One thing that goes wrong at a moment, for so long (s); ``size`` and ``target`` mean what its kind makes of them.

    ``size`` is between -1 and 1.
    """

    moment: float
    kind: Kind
    length: float
    size: float
    target: int


@dataclass(frozen=True)
class Story:
    """A deployment and what happens to it."""

    seed: int
    patients: int
    clock: Literal["wall", "stream"]
    wait: str
    lateness: str
    sinks: int
    faults: tuple[Fault, ...]
    has_guest: bool = False
    """Whether there is a twin of another type."""
    late: Literal["fold", "asynchronous"] = "fold"
    smoothing: str = "0 s"
    batch: int = 1
    """Samples in a message."""
    hangs_at_the_end: bool = False
    """Whether the first sink hangs when the run is told to stop."""
    policy: str = "catch-up"

    @property
    def assembly(self) -> Assembly:
        """The deployment."""
        return _assembly(
            self.patients, self.clock, self.wait, self.lateness, self.late, self.smoothing, self.has_guest, self.policy
        )

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All that is measured."""
        twins = [(0, f"patient-{row}", row) for row in range(self.patients)]
        twins += [(GUESTS, "guest", 0)] if self.has_guest else []
        return tuple(Signal(*twin, channel) for twin in twins for channel in range(len(CHANNELS)))

    @property
    def healed(self) -> float:
        """When the last fault ends (s)."""
        return max((fault.moment + fault.length for fault in self.faults), default=0.0)

    @property
    def last_sent(self) -> float:
        """When the sensors fall silent (s)."""
        return self.healed + AGAIN + QUIET

    @property
    def end(self) -> float:
        """When the run is told to stop (s)."""
        return self.last_sent + QUIET


def story(seed: int) -> Story:
    """The story of a seed."""
    rng = random.Random(seed)
    clock: Literal["wall", "stream"] = "wall" if rng.random() < 0.5 else "stream"
    kinds = rng.sample(list(KINDS), rng.randint(1, 8))  # few kinds at a time: a common one would hide the others
    faults = [_fault(rng, rng.choice(kinds)) for _ in range(rng.randint(2, 10))]
    wait, lateness = rng.choice(["500 ms", "2 s"]), rng.choice(["5 s", "15 s"])
    patients, sinks = rng.randint(1, 2), rng.randint(1, 2)
    late: Literal["fold", "asynchronous"] = "asynchronous" if rng.random() < 0.2 else "fold"
    smoothing = "2 s" if late == "fold" and rng.random() < 0.25 else "0 s"
    batch, has_guest = rng.choice([1, 1, 3]), rng.random() < 0.2
    if rng.random() < 0.3:
        faults.append(_in_the_middle(rng, rng.choice(faults)))
    kept, hangs = tuple(sorted(faults)), rng.random() < 0.2
    policies = ["catch-up"] if clock == "stream" else ["catch-up", "skip", "shed"][: 1 + patients]
    return Story(
        seed,
        patients,
        clock,
        wait,
        lateness,
        sinks,
        kept,
        has_guest,
        late,
        smoothing,
        batch,
        hangs,
        rng.choice(policies),
    )


@lru_cache
def _assembly(
    patients: int, clock: str, wait: str, lateness: str, late: str, smoothing: str, has_guest: bool, policy: str
) -> Assembly:
    settings: dict[str, Any] = {"clock": clock, "wait": wait, "lateness": lateness, "tick": "1 s"}
    settings["overload"] = {"policy": policy, "span": "4 s"}
    assimilation = {"late": late, "smoothing": smoothing}
    patients_type = ward(patients, members=4, assimilation=assimilation, **settings)
    if not has_guest:
        return patients_type
    guests = ward(1, members=4, **{**settings, "name": "guests", "twins": ["guest"], "tick": "500 ms", "overload": {}})
    return assemble(Config("ward", (*patients_type.config.types, *guests.config.types)))


def _in_the_middle(rng: random.Random, fault: Fault) -> Fault:
    """An end of the process while something else goes wrong."""
    kind = rng.choice(ENDS)
    return Fault(fault.moment + rng.uniform(0.0, fault.length), kind, 0.0, 0.0, 0)


def _fault(rng: random.Random, kind: Kind) -> Fault:
    moment = rng.uniform(FAULTS_BEGIN, FAULTS_END)
    return Fault(moment, kind, rng.uniform(*KINDS[kind]), rng.uniform(-1, 1), rng.randrange(1000))
