"""The vocabulary of the runtime: small frozen records, and the protocols that join its parts.

Times are integer nanoseconds since the epoch. A *signal* is one channel (sensor or input) of one twin.
Arrays follow ``x[twin, member, state]``: float64, C order.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SECOND = 1_000_000_000
"""Nanoseconds in a second."""


class Code(StrEnum):
    """What became of one reading that came in. Everything but ACCEPTED is kept in the journal with its reason."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"
    NOT_JSON = "not-json"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    WRONG_TYPE = "wrong-type"
    WRONG_SHAPE = "wrong-shape"
    MISSING_FIELD = "missing-field"
    NOT_FINITE = "not-finite"
    UNKNOWN_TOPIC = "unknown-topic"
    UNKNOWN_SIGNAL = "unknown-signal"
    WRONG_UNIT = "wrong-unit"
    OUT_OF_RANGE = "out-of-range"
    FUTURE = "future"
    PAST = "past"
    CLOCK_BACKWARDS = "clock-backwards"
    CONFLICT = "conflict"
    NO_VALUE = "no-value"
    BAD_QUALITY = "bad-quality"
    FAULT = "fault"
    """This program failed on it, which is a fault of the program."""
    DECISION = "decision"
    """No reading at all: an :class:`Omission`, which whoever folds the journal again obeys."""

    @property
    def is_rejection(self) -> bool:
        """True for input that is wrong in itself, as against right input that came twice or too late."""
        return self not in (Code.ACCEPTED, Code.DUPLICATE, Code.LATE, Code.DECISION)


class Trust(IntEnum):
    """How far an estimate can be trusted. Untrusted is published and flagged, never used to act."""

    TRUSTED = 0
    DEGRADED = 1
    UNTRUSTED = 2


class Standing(IntEnum):
    """What is known of a quantity besides the verdict on its twin."""

    MEASURED = 0
    """A sensor of its own judges it."""
    INFERRED = 1
    """Sensors inform it, and readings that the twin had not seen support what it infers."""
    UNVERIFIED = 2
    """Sensors inform it, and nothing has tested what the twin infers: the error of the model is unknown."""
    ASSUMED = 3
    """It keeps its prior."""
    CONTRADICTED = 4
    """Readings that the twin had not seen contradict what it infers."""


MOST_TRUST = (Trust.TRUSTED, Trust.TRUSTED, Trust.DEGRADED, Trust.UNTRUSTED, Trust.UNTRUSTED)
"""How far a quantity can be trusted at the most, by its standing."""


def trust_of(verdict: Trust, standing: Standing) -> Trust:
    """How far a quantity can be trusted: no further than its twin, and than its standing allows."""
    return max(verdict, MOST_TRUST[standing])


class Message(NamedTuple):
    """One message as a source received it. ``token`` is the source's own handle for acknowledging it.

    A ``retained`` one was kept by the broker since it is not known when, and comes again with every subscription.
    ``refusal``: the source itself found it unusable, with the code and what came.
    """

    topic: str
    payload: bytes
    arrival: int
    token: object = None
    retained: bool = False
    refusal: tuple[Code, str] | None = None


class Reading(NamedTuple):
    """One stamped value of one signal, in the model's unit.

    ``twin`` is the row of the twin in the fleet of its type, ``channel`` the place of the sensor or input in the type's
    table of channels. ``sd`` is the standard deviation of the measurement (0 for inputs). ``sequence`` is -1 where the
    sender gives none. ``tick`` is the tick that uses it, if that is a later one than its time lies in; -1: its own.
    A sensor's ``sd`` is infinite where it only confirms its last value: then it is alive, and has measured nothing new.
    """

    twin: int
    channel: int
    time: int
    value: float
    sd: float
    sequence: int = -1
    tick: int = -1


class Entry(NamedTuple):
    """One line of the journal: a reading with its fate, or a rejected message with its payload and the reason.

    ``type`` is the place of the twin type in the deployment, -1 for a message that belongs to none.
    """

    arrival: int
    code: Code
    reading: Reading | None
    topic: str = ""
    payload: bytes = b""
    detail: str = ""
    type: int = 0


@dataclass(frozen=True, slots=True)
class Omission:
    """What a run that has fallen behind leaves out of the ticks ``first`` to ``last`` of a type.

    "skip" leaves out the correction by sensors' readings, of all twins; "shed" leaves out the ``twins`` altogether.
    """

    policy: Literal["skip", "shed"]
    first: int
    last: int
    twins: tuple[str, ...] = ()


class Quantity(NamedTuple):
    """A named column of estimates."""

    name: str
    unit: str


FIGURES = ("mean", "sd", "q05", "q50", "q95")
"""The figures of every estimated quantity, in the order of the last axis of ``Record.figures``."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one tick yields for some rows of the fleet of a ``type`` (all arrays have one entry a row in ``rows``).

    ``figures[row, quantity, figure]`` holds the estimates valid at the tick's end, ``trust`` a :class:`Trust`,
    ``reasons`` one bit a check, ``revision`` 0 for the first estimate and one more for every later one, and
    ``standing[row, quantity]`` a :class:`Standing`. ``refused`` are the readings that the gate refused as outliers, of
    these rows and perhaps of others; None where only the figures are new.
    """

    tick: int
    rows: IntArray
    figures: FloatArray
    trust: IntArray
    reasons: IntArray
    revision: IntArray
    standing: IntArray
    type: int = 0
    refused: tuple[Reading, ...] | None = None


@dataclass(frozen=True, slots=True)
class FleetState:
    """All that a fleet is: the ensemble ``x[twin, member, state]``, and ``memory[twin, slot]`` of the checks.

    ``lagged[twin, member, column]`` are the members' quantities at the ends of the last ticks, where they are still of
    use (see :mod:`twin_runtime.engine.lagged_states`); else it has no columns.
    """

    x: FloatArray
    memory: FloatArray
    lagged: FloatArray

    def copy(self) -> "FleetState":
        """An independent copy: a checkpoint, or a branch."""
        return FleetState(self.x.copy(), self.memory.copy(), self.lagged.copy())

    def rows(self, rows: IntArray) -> "FleetState":
        """The state of some twins, copied."""
        return FleetState(self.x[rows], self.memory[rows], self.lagged[rows])

    def put(self, rows: IntArray, state: "FleetState") -> None:
        """Set the state of some twins, in place."""
        self.x[rows], self.memory[rows], self.lagged[rows] = state.x, state.memory, state.lagged


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the ``twins`` of a type at the start of a ``tick``, when no reading before it can come any more."""

    tick: int
    state: FleetState
    twins: tuple[str, ...]
    type: int = 0


class Bulletin(NamedTuple):
    """What is published besides estimates: a ``kind`` of statement on one ``twin`` of a ``type``, made after a tick.

    "forecast": what is expected; "skipped": a forecast that was due and not made (of no twin); "alarm": a limit's alarm
    was raised or is over. ``name`` is that of what was declared, ``tick`` the first
    tick that it does not rest on. ``body`` is ready for JSON; a figure that is not finite is null there. ``position``
    grows with every bulletin written.
    """

    kind: str
    name: str
    tick: int
    twin: str
    body: Mapping[str, Any]
    type: int = 0
    position: int = 0


class Tally(NamedTuple):
    """What the ticks of a ``type`` have come to: how many there were, what became of the readings in them."""

    type: int
    ticks: int
    assimilated: int
    outliers: int
    omitted: int
    withheld: int = 0


class StoredEstimate(NamedTuple):
    """One estimate as it stands in a store. ``position`` grows with every estimate written; an outbox resumes from it.

    ``time`` is the valid time; ``figures[quantity, figure]`` as in :class:`Record`; ``reasons`` are names of checks;
    ``standing`` is by quantity; ``type`` is the place of the twin's type in the deployment. The verdict says nothing of
    the asset after ``valid_until``: a twin that runs has published its next estimate by then. Both are event times.
    """

    position: int
    tick: int
    time: int
    twin: str
    revision: int
    trust: Trust
    reasons: tuple[str, ...]
    figures: FloatArray
    standing: tuple[Standing, ...]
    type: int = 0
    valid_until: int = 0

    @property
    def quantity_trust(self) -> tuple[Trust, ...]:
        """How far each quantity can be trusted."""
        return tuple(trust_of(self.trust, standing) for standing in self.standing)


class Source(Protocol):
    """Where messages come from. An asynchronous context manager; leaving it closes the connection."""

    async def __aenter__(self) -> "Source": ...

    async def __aexit__(self, *exc: object) -> None: ...

    def batches(self) -> AsyncIterator[list[Message]]:
        """All that has arrived since the last batch, at least one message each. Reconnects by itself."""
        ...

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge to the sender that these messages are durable here."""
        ...


@runtime_checkable
class WatchedSource(Protocol):
    """A source that can tell more about what it has not read yet."""

    @property
    def connected(self) -> bool:
        """False while a lost connection is made again."""
        ...

    @property
    def unread(self) -> bool:
        """Whether messages are left unread on purpose, until others have been acknowledged."""
        ...


class Sink(Protocol):
    """Where estimates go besides the store. Sending twice must be harmless: a sink is resumed from a cursor."""

    name: str

    async def __aenter__(self) -> "Sink": ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Deliver, or raise :class:`twin_runtime.errors.ConnectionFailed`: the outbox tries again later.

        :class:`twin_runtime.errors.EstimatesRefused`: at least one of them would never be taken; the outbox finds it.
        """
        ...


@runtime_checkable
class TimedSink(Protocol):
    """A sink that counts from now: a run gives it its own clock, which readings may have set right."""

    now: Callable[[], int]
    """Event time of now, ns."""


class RawReading(NamedTuple):
    """One value of a recording, before intake: signal by name, in the recording's own unit."""

    twin: str
    channel: str
    time: int
    value: float
    sequence: int = -1


class Recording(Protocol):
    """A recorded stream, in order of event time."""

    @property
    def start(self) -> int:
        """Event time of the first reading."""
        ...

    @property
    def end(self) -> int:
        """Event time of the last reading."""
        ...

    @property
    def channels(self) -> Sequence[str]:
        """The names of the sensors and inputs that it has."""
        ...

    @property
    def units(self) -> Mapping[str, str]:
        """The unit in which the values of each channel were recorded."""
        ...

    def __len__(self) -> int: ...

    def readings(self) -> Iterator[RawReading]:
        """All readings, sorted by (time, twin, channel). NaN values (a broken sensor, a gap) are left out."""
        ...
