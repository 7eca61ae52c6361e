"""Which event times are accepted."""

from dataclasses import dataclass, replace
from typing import Literal

from twin_runtime.core import SECOND

FOR_EVER = 2**63 - 1
"""Further ahead than any time."""


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Which event times are accepted, ns. Now is the arrival (``wall``), or the newest event time so far (``stream``).

    A time more than ``future`` after now, or more than ``oldest`` before it (None: however old), is rejected. Where
    several messages in a row are that far off, and agree, they are accepted: on the clock of the stream all of its
    messages that are ahead; else those of one signal, whose sender's clock is off by the same time.
    """

    clock: Literal["wall", "stream"]
    future: int
    oldest: int | None = None

    @classmethod
    def wall(cls, future: int = 5 * SECOND, oldest: int | None = 86_400 * SECOND) -> "Plausibility":
        """For live streams: clocks of senders agree with this machine's to a few seconds."""
        return cls("wall", future, oldest)

    @classmethod
    def stream(cls, future: int = 3600 * SECOND, oldest: int | None = None) -> "Plausibility":
        """For recordings played at any pace: time may jump by ``future`` from the newest reading, the first is free."""
        return cls("stream", future, oldest)

    @classmethod
    def recorded(cls) -> "Plausibility":
        """For a recording itself: when its readings came is not known, so every time is as good as any other."""
        return cls("stream", FOR_EVER)

    @classmethod
    def by(cls, clock: Literal["wall", "stream"]) -> "Plausibility":
        """What holds where nothing is declared."""
        return cls.wall() if clock == "wall" else cls.stream()

    def bounded(self, future: int | None, oldest: int | None) -> "Plausibility":
        """The same with other bounds, where they are declared."""
        return replace(
            self,
            future=self.future if future is None else future,
            oldest=self.oldest if oldest is None else oldest,
        )
