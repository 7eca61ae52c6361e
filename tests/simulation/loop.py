"""An event loop whose clock jumps to the next timer, so that nothing is waited for."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_TURNS = 100_000
"""So many turns of the loop without any time passing: it hangs."""


class Stalled(Exception):
    """Nothing is left to wait for, or time does not go on."""


class _Jumping(selectors.SelectSelector):
    """Never waits: the time that it should have waited has passed when it returns. There are no sockets to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self._turns = 0.0, 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("nothing is left to wait for")
        if timeout > 0:
            self.now += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > MOST_TURNS:
                raise Stalled(f"{MOST_TURNS} turns of the loop at {self.now:g} s")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """What would run in a thread runs here, ``disk_delay()`` seconds later."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self.disk_delay: Callable[[], float] = float

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call a function on this loop: there are no threads, so the order of events is always the same."""
        del executor
        return self.create_task(self._called(func, *args))

    async def _called(self, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        await asyncio.sleep(self.disk_delay())
        return func(*args)
