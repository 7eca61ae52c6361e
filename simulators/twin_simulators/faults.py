"""What can go wrong between an asset and its twin: in the sensor, in its clock, on the network.

A fault is data, so that a file or a command line can name it, and a pure function of packets and a random generator.
Faults act in the order in which they are given; in the world the sensor comes first, then its clock, then the network.
Durations are written as everywhere ("50 ms") and are nanoseconds here; windows count from the asset's start.
"""

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.durations import Duration, PositiveDuration
from twin_runtime.errors import ConfigError
from twin_simulators.packets import Mask, Packets

Share = Annotated[float, Field(ge=0, le=1)]
Outcome = tuple[Packets, int]
"""The packets after a fault, and how many it touched (changed, removed, held up or sent twice)."""


class Fault(BaseModel):
    """One fault of one channel, or of every channel when ``channel`` is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str
    channel: str = ""

    def apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        """What the fault makes of the packets of one channel."""
        return self._apply(packets, rng) if len(packets) else (packets, 0)

    @abstractmethod
    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        """The same, for at least one packet."""


class Noise(Fault):
    """Gaussian measurement noise with standard deviation ``sd``, in the signal's unit, from ``start`` for ``length``.

    Without ``length`` it does not end.
    """

    kind: Literal["noise"] = "noise"
    sd: float = Field(ge=0)
    start: Duration = 0
    length: Duration | None = None

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        error = self.sd * rng.standard_normal(len(packets))
        since = packets.measured - self.start
        inside = (since >= 0) & (since < (np.inf if self.length is None else self.length))
        return _changed(packets, inside, packets.value + error)


class Bias(Fault):
    """A constant error ``size`` from ``start`` on: a transducer that was not zeroed."""

    kind: Literal["bias"] = "bias"
    size: float
    start: Duration = 0

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        return _changed(packets, packets.measured >= self.start, packets.value + self.size)


class Spikes(Fault):
    """A ``share`` of the samples is off by ``size``, up or down: electrical interference."""

    kind: Literal["spikes"] = "spikes"
    share: Share
    size: float

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        sign = rng.choice([-1.0, 1.0], len(packets))
        return _changed(packets, _some(packets, self.share, rng), packets.value + self.size * sign)


class Window(Fault):
    """A fault that lasts for ``length`` from ``start``, and comes again ``every`` so much later (0: never)."""

    start: Duration
    length: Duration
    every: Duration = 0

    def _onset(self, packets: Packets) -> IntArray:
        """When the newest window began, for each packet (before the first: its ``start``)."""
        if not self.every:
            return np.full(len(packets), self.start)
        return self.start + np.maximum((packets.measured - self.start) // self.every, 0) * self.every

    def _inside(self, packets: Packets) -> Mask:
        since = packets.measured - self._onset(packets)
        return np.asarray((since >= 0) & (since < self.length))


class Stuck(Window):
    """The sensor repeats the value it had when the window began."""

    kind: Literal["stuck"] = "stuck"

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        in_order = np.argsort(packets.measured, kind="stable")
        first_inside = np.searchsorted(packets.measured, self._onset(packets), sorter=in_order)
        held = packets.value[in_order[np.minimum(first_inside, len(packets) - 1)]]
        return _changed(packets, self._inside(packets), held)


class Ramp(Window):
    """An error that grows by ``rate`` a second, in the signal's unit: a transducer that drifts away."""

    kind: Literal["ramp"] = "ramp"
    rate: float

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        error = self.rate * (packets.measured - self._onset(packets)) / SECOND
        return _changed(packets, self._inside(packets), packets.value + error)


class Scale(Window):
    """Every value is multiplied by ``factor``: a wrong gain, or a wrong unit."""

    kind: Literal["scale"] = "scale"
    factor: float

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        return _changed(packets, self._inside(packets), packets.value * self.factor)


class Replayed(Window):
    """What was measured ``ago`` earlier is sent as if it were measured now: a recording put before the twin."""

    kind: Literal["replayed"] = "replayed"
    ago: PositiveDuration

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        in_order = np.argsort(packets.measured, kind="stable")
        before = np.searchsorted(packets.measured, packets.measured - self.ago, "right", sorter=in_order) - 1
        return _changed(packets, self._inside(packets), packets.value[in_order[np.maximum(before, 0)]])


class Dropout(Window):
    """Nothing is measured during the window: a cable pulled, a line flushed."""

    kind: Literal["dropout"] = "dropout"

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        return _removed(packets, self._inside(packets))


class Outage(Window):
    """The link is down: what is measured during the window comes through at once at its end, late but complete."""

    kind: Literal["outage"] = "outage"

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        held = self._inside(packets)
        over = np.maximum(packets.send, self._onset(packets) + self.length)
        return replace(packets, send=np.where(held, over, packets.send)), int(held.sum())


class Jitter(Fault):
    """Each stamp is off by a Gaussian error with standard deviation ``sd``."""

    kind: Literal["jitter"] = "jitter"
    sd: Duration

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        error = self.sd * rng.standard_normal(len(packets))
        return replace(packets, stamp=packets.stamp + _whole(error)), len(packets)


class Drift(Fault):
    """The sensor's clock is ``offset`` seconds ahead at the start (negative: behind) and gains ``ppm`` us a second."""

    kind: Literal["drift"] = "drift"
    ppm: float = 0.0
    offset: float = 0.0

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        error = self.offset * SECOND + packets.measured.astype(np.float64) * self.ppm / 1e6
        return replace(packets, stamp=packets.stamp + _whole(error)), len(packets)


class Delay(Fault):
    """A ``share`` of the packets takes ``least`` plus an exponential time of mean ``mean``: they may overtake."""

    kind: Literal["delay"] = "delay"
    mean: Duration
    least: Duration = 0
    share: Share = 1.0

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        late = _some(packets, self.share, rng)
        delay = self.least + self.mean * rng.standard_exponential(len(packets))
        return replace(packets, send=packets.send + _whole(late * delay)), int(late.sum())


class Loss(Fault):
    """A ``share`` of the packets never arrives."""

    kind: Literal["loss"] = "loss"
    share: Share

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        return _removed(packets, _some(packets, self.share, rng))


class Duplicates(Fault):
    """A ``share`` of the packets arrives twice, the copy an exponential time of mean ``after`` later."""

    kind: Literal["duplicates"] = "duplicates"
    share: Share
    after: Duration = 0

    def _apply(self, packets: Packets, rng: np.random.Generator) -> Outcome:
        copies = packets.take(_some(packets, self.share, rng))
        behind = _whole(self.after * rng.standard_exponential(len(copies)))
        return Packets.join([packets, replace(copies, send=copies.send + behind)]), len(copies)


AnyFault = Annotated[
    Noise
    | Bias
    | Ramp
    | Scale
    | Spikes
    | Stuck
    | Replayed
    | Dropout
    | Outage
    | Jitter
    | Drift
    | Delay
    | Loss
    | Duplicates,
    Field(discriminator="kind"),
]
"""A fault as it stands in a file: a table with its ``kind`` and its own fields."""

FAULT: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)


def parse_fault(text: str) -> Fault:
    """Read ``[channel:]kind[,field=value...]``, for example ``abp:loss,share=0.01`` or ``delay,mean=50ms``."""
    head, *settings = [part.strip() for part in text.split(",")]
    channel, _, kind = head.rpartition(":")
    fields = dict(part.partition("=")[::2] for part in settings)
    try:
        return FAULT.validate_python({"kind": kind, "channel": channel, **fields})
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"] if part != kind)
        raise ConfigError(
            f"{field}: {problem['msg']}" if field else problem["msg"],
            where=f"fault {text!r}",
            remedy="write [channel:]kind,field=value,... such as abp:loss,share=0.01 or delay,mean=50ms",
        ) from error


def _changed(packets: Packets, rows: Mask, value: FloatArray) -> Outcome:
    return replace(packets, value=np.where(rows, value, packets.value)), int(rows.sum())


def _removed(packets: Packets, rows: Mask) -> Outcome:
    return packets.take(~rows), int(rows.sum())


def _some(packets: Packets, share: float, rng: np.random.Generator) -> Mask:
    return np.asarray(rng.random(len(packets)) < share)


def _whole(nanoseconds: FloatArray) -> IntArray:
    return np.rint(nanoseconds).astype(np.int64)
