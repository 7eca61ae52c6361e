"""A sink that is away, hangs, breaks, takes and then fails, or refuses."""

import asyncio
from collections.abc import Sequence
from typing import Self

from tests.simulation.story import Kind
from tests.simulation.world import World
from twin_runtime.core import StoredEstimate
from twin_runtime.errors import ConnectionFailed, EstimatesRefused

EVERY = 7
"""What a sink refuses: of so many positions one."""

HANGING = 2.0
"""Seconds before the end from which on a sink hangs that does so at the end."""


class Received:
    """What a sink has taken in all runs: positions in order of their first coming, and those that it refused.

    One that came before an earlier one (a sink that fails on an estimate is tried with another) must come again after
    it: ``owed`` are those that did not, by the earlier one.
    """

    def __init__(self) -> None:
        self.first: dict[int, bytes] = {}
        self.refused: set[int] = set()
        self.owed: dict[int, int] = {}

    def take(self, estimates: Sequence[StoredEstimate]) -> None:
        """Note estimates."""
        for estimate in estimates:
            self.owed.pop(estimate.position, None)
            if estimate.position not in self.first:
                self.owed |= {later: estimate.position for later in self.first if later > estimate.position}
                self.first[estimate.position] = estimate.figures.tobytes()


class SimulatedSink:
    """One sink of a process that has power until it dies."""

    def __init__(self, world: World, number: int, received: Received) -> None:
        self.name, self.world, self.number, self.received = f"sink-{number}", world, number, received
        self.has_power = True

    async def __aenter__(self) -> Self:
        self._require_reachable()
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Take them, or not."""
        await asyncio.sleep(self.world.rng.uniform(0.001, 0.05))
        self._require_reachable()
        if self._has("sink hangs") or self._hangs_at_the_end:
            await asyncio.Event().wait()
        if self._has("sink breaks"):
            raise ValueError("a fault of the sink's own")
        refused = {e.position for e in estimates if e.position % EVERY == 0 and self._has("sink refuses")}
        if refused:
            self.received.refused |= refused if len(estimates) == 1 else set()
            raise EstimatesRefused("not these")
        self.received.take(estimates)
        self.world.note(self.name, "took", estimates[0].position, estimates[-1].position)
        if self._has("sink takes and fails"):
            raise ConnectionFailed("taken, but the answer is lost", where=self.name)

    def _require_reachable(self) -> None:
        if not self.has_power or self._has("sink down"):
            raise ConnectionFailed("cannot be reached", where=self.name)

    @property
    def _hangs_at_the_end(self) -> bool:
        story = self.world.story
        return story.hangs_at_the_end and self.number == 0 and self.world.loop.time() > story.end - HANGING

    def _has(self, kind: Kind) -> bool:
        return self.world.on(kind, self.number, 2) is not None
