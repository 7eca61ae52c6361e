"""Values that are sent when they change: silence then says that they have not, as long as the sender is known to live.

Each value is confirmed again and again, as a message ``"unchanged": true`` of a moment a little ago: a change that the
sender has seen since may still be on its way. A sensor is not stale then, and nothing is assimilated twice; an
input keeps its value. All of it is journalled like what was sent, so that a replay sees the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from twin_adapters.native import reading
from twin_runtime.core import Message


@dataclass
class _Value:
    """The newest value of a signal, its own time, and the time up to which it has been confirmed.

    ``initial``: it was sent for a subscription, not for a change, and may be too old to be used as a reading.
    """

    value: float
    time: int
    through: int
    initial: bool


class Confirmations:
    """The current values by topic, each confirmed every ``interval`` nanoseconds (0: never), for ``lag`` before now."""

    def __init__(self, interval: int, lag: int) -> None:
        self.interval, self.lag = interval, lag
        self._current: dict[str, _Value] = {}

    def keep(self, topic: str, value: float, time: int, *, initial: bool = False) -> None:
        """A value has been sent; one that is older than what is known changes nothing, unless it is ``initial``."""
        known = self._current.get(topic)
        if known is None or initial or time >= known.time:
            through = time if known is None else max(time, known.through)
            self._current[topic] = _Value(value, time, through, initial)

    def forget(self, topics: Iterable[str]) -> list[tuple[str, float, int]]:
        """These are not known any more; returns topic, value and time of those that were."""
        lost = ((topic, self._current.pop(topic, None)) for topic in topics)
        return [(topic, known.value, known.time) for topic, known in lost if known is not None]

    def clear(self) -> None:
        """Nothing is known any more."""
        self._current.clear()

    def due(self, topics: Iterable[str], now: int, arrival: int) -> list[Message]:
        """Confirm what is due, the senders being known to live at ``now`` (ns, by their own clock)."""
        if not self.interval:
            return []
        time = now - self.lag
        return [self._confirmed(topic, time, arrival) for topic in topics if self._is_due(topic, time)]

    def _is_due(self, topic: str, time: int) -> bool:
        known = self._current.get(topic)
        return known is not None and time - known.through >= self.interval

    def _confirmed(self, topic: str, time: int, arrival: int) -> Message:
        """A value sent for a subscription is a reading of this moment once; after that it is the same, unchanged."""
        known = self._current[topic]
        payload = reading(known.value, time, unchanged=not known.initial)
        known.through, known.initial = time, False
        return Message(topic, payload, arrival)
