"""Samples on their way from a sensor to a twin, in columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray, IntArray
from twin_simulators.asset import Signal

Mask = npt.NDArray[np.bool_]


class Packet(NamedTuple):
    """One sample as it is sent."""

    send: int
    stamp: int
    value: float
    sequence: int


@dataclass(frozen=True, slots=True)
class Packets:
    """One entry a packet in every column; all times in ns since the start of the asset.

    ``measured`` is when the sample was taken, ``stamp`` the same by the sensor's clock, ``send`` when the packet
    comes through.
    """

    measured: IntArray
    stamp: IntArray
    send: IntArray
    value: FloatArray
    sequence: IntArray

    @classmethod
    def of(cls, signal: Signal) -> Self:
        """The packets of a perfect sensor on a perfect network."""
        return cls(signal.times, signal.times, signal.times, signal.values, np.arange(len(signal), dtype=np.int64))

    @classmethod
    def join(cls, parts: Sequence["Packets"]) -> Self:
        """All packets of ``parts``, one part after the other."""
        return cls(
            np.concatenate([part.measured for part in parts]),
            np.concatenate([part.stamp for part in parts]),
            np.concatenate([part.send for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.sequence for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.measured)

    def __iter__(self) -> Iterator[Packet]:
        columns = (self.send.tolist(), self.stamp.tolist(), self.value.tolist(), self.sequence.tolist())
        return map(Packet._make, zip(*columns, strict=True))

    def take(self, rows: IntArray | Mask) -> "Packets":
        """Some packets, in the order of ``rows``."""
        return Packets(self.measured[rows], self.stamp[rows], self.send[rows], self.value[rows], self.sequence[rows])
