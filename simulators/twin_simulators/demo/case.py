"""The patient of the demonstration: an individual drawn by a seed, its sensors and its network with their faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from twin_runtime.core import SECOND, Message
from twin_simulators.asset import Truth
from twin_simulators.faults import Delay, Dropout, Duplicates, Fault, Jitter, Loss, Noise, Spikes
from twin_simulators.patient import Patient
from twin_simulators.transmission import Transmission, transmit

CHANNELS: Final = ("abp", "r_peak")
"""What is measured. The flow is simulated, too, but nobody measures it."""

FAULTS: Final[tuple[Fault, ...]] = (
    Noise(channel="abp", sd=1.5),
    Spikes(channel="abp", share=0.001, size=60),
    Dropout(channel="abp", start="9 s", length="0.5 s", every="12 s"),
    Dropout(channel="r_peak", start="14 s", length="1 s", every="40 s"),
    Jitter(sd="1 ms"),
    Loss(channel="abp", share=0.005),
    Delay(mean="5 ms", least="5 ms"),
    Delay(share=0.02, mean="250 ms", least="100 ms"),
    Delay(share=0.003, mean="500 ms", least="2 s"),
    Duplicates(share=0.01, after="50 ms"),
)
"""First the sensor, then its clock, then the network. Some packets are later than the twin waits, few are too late."""


@dataclass(frozen=True, slots=True)
class Case:
    """A patient for ``length`` ns: what is sent, and the truth, which the twin does not get."""

    seed: int
    length: int
    transmission: Transmission
    truth: Truth

    def messages(self, start: int, topics: Mapping[str, str]) -> Iterator[Message]:
        """All that is sent, as JSON, from event time ``start`` (ns) until ``length`` later."""
        sent = self.transmission.messages(start, topics)
        return takewhile(lambda message: message.arrival < start + self.length, sent)


def draw_case(seed: int, length: int, twin: str) -> Case:
    """The patient of a seed. It lives somewhat longer than ``length`` (ns), so that the truth does not end first."""
    run = Patient.individual(seed).simulate(length / SECOND + 1.0, seed)
    return Case(seed, length, transmit(run, FAULTS, twin=twin, seed=seed, channels=CHANNELS), run.truth)
