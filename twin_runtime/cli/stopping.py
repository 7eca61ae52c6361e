"""A run that is asked to stop answers within a second, whatever it is busy with."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

ANSWER_SECONDS = 0.8
"""How long the event loop has to take note of a signal."""

LEAVING = b"asked to stop amid work that does not end: ended at once; the next run goes on from what is stored\n"


@contextmanager
def stop_signals(asked: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Meanwhile the first SIGINT or SIGTERM calls ``asked`` on the running event loop; a second one ends the process.

    If the loop is kept busy for too long to notice, as by a long tick or while kernels are compiled, the process ends:
    nothing that was acknowledged is lost by that. Only a compiled function that keeps the interpreter is waited for.
    """
    loop, (inlet, outlet) = asyncio.get_running_loop(), os.pipe()
    os.set_blocking(outlet, False)
    before = [signal.signal(each, _noted) for each in SIGNALS]
    wakeup = signal.set_wakeup_fd(outlet)
    threading.Thread(target=_watch, args=(inlet, loop, asked), name="stop", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for each, handler in zip(SIGNALS, before, strict=True):
            signal.signal(each, handler)
        os.close(outlet)


def _noted(_: int, __: FrameType | None) -> None:
    """The number of the signal is in the pipe already."""


def _watch(inlet: int, loop: asyncio.AbstractEventLoop, asked: Callable[[signal.Signals], None]) -> None:
    with os.fdopen(inlet, "rb", buffering=0) as numbers:
        number = numbers.read(1)
        if not number:
            return
        by, answered = signal.Signals(number[0]), threading.Event()

        def answer() -> None:
            answered.set()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            asked(by)

        loop.call_soon_threadsafe(answer)
        if not answered.wait(ANSWER_SECONDS):
            os.write(2, LEAVING)
            os._exit(128 + by)
