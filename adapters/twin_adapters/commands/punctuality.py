"""How well a player keeps to its schedule."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from twin_adapters.commands.packets import Packet
from twin_runtime.core import SECOND, Message


class Punctuality:
    """Counts what is confirmed, and by how much the latest of it was behind its deadline.

    ``origin`` (ns) and ``speed`` are those of the pacing; ``advance`` is called with the readings confirmed so far.
    """

    def __init__(self, origin: int, speed: float, advance: Callable[[int], None]) -> None:
        self.readings, self.messages, self.behind = 0, 0, 0.0
        self._origin, self._speed, self._advance = origin, speed, advance
        self._pending: deque[Packet] = deque()
        self._started = math.nan

    def timed(self, packets: Iterable[Packet]) -> Iterator[Message]:
        """The messages of ``packets``. The schedule begins when the first is asked for."""
        self._started = time.monotonic()
        for packet in packets:
            self._pending.append(packet)
            yield packet.message

    def confirmed(self, count: int) -> None:
        """The oldest ``count`` messages have arrived at the broker."""
        elapsed = time.monotonic() - self._started
        done = [self._pending.popleft() for _ in range(count)]
        due = (done[0].message.arrival - self._origin) / SECOND / self._speed
        self.behind = max(self.behind, elapsed - due)
        self.messages += count
        self.readings += sum(packet.readings for packet in done)
        self._advance(self.readings)

    def __str__(self) -> str:
        """The summary in one sentence."""
        what = f"published {self.readings} readings in {self.messages} messages"
        pace = "" if math.isinf(self._speed) else f", confirmed at most {1e3 * self.behind:.1f} ms behind schedule"
        return what + pace
