"""A run of a deployment on its live streams from its beginning to its end: what stops it, and who is waited for."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twin_runtime.core import Sink, Source, TimedSink
from twin_runtime.engine.tick import warm_up
from twin_runtime.errors import StoreError, without_credentials
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.live_run import NEVER, Ending, LiveRun, Observer
from twin_runtime.runs.resuming import resume
from twin_runtime.runs.verification import all_verified
from twin_runtime.store.outbox import Delivery, drain, forward
from twin_runtime.store.store import Store
from twin_runtime.store.writer import Writer

log = logging.getLogger(__name__)

FINAL_DELIVERY_SECONDS = 10.0
"""How long the sinks have, at a run's own end, to take the last estimates."""

HURRIED_DELIVERY_SECONDS = 0.7
"""The same for a run that was told to stop."""

LEAVING_SECONDS = 0.2
"""How long a cancelled delivery has to leave its sink."""


async def run(
    assembly: Assembly,
    source: Source,
    store: Store,
    *,
    sinks: Sequence[Sink] = (),
    ending: Ending = NEVER,
    observer: Observer | None = None,
    stop: asyncio.Event | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> dict[str, Any]:
    """Run a deployment until it ends by itself, ``stop`` is set, or it is cancelled. Returns the summary.

    A store that holds an earlier part of the run is taken up where it ends. ``wall`` is the system clock, ns. Raises
    :class:`twin_runtime.errors.ConnectionFailed` if the source cannot be reached at the start, and
    :class:`twin_runtime.errors.StoreError` if the store can no longer be written.
    """
    for twin_type in assembly.types:
        warm_up(twin_type.fleet)
    fold, router = resume(assembly, store, ending.until)
    began, deliveries = time.perf_counter(), {sink.name: Delivery() for sink in sinks}
    async with Writer(store) as writer, source:
        live = LiveRun(fold, router, source, writer, ending, observer, wall=wall)
        live.stop = stop or live.stop
        for sink in sinks:
            if isinstance(sink, TimedSink):
                sink.now = live.now
        live.begin()
        writer.submit(cursors={sink.name: store.cursor(sink.name) for sink in sinks})
        sending = [forward(store.path, writer, sink, delivery=deliveries[sink.name]) for sink in sinks]
        await _until_stopped(live, sending)
        patience = FINAL_DELIVERY_SECONDS if live.over else HURRIED_DELIVERY_SECONDS
        await asyncio.gather(*(_delivered(writer, sink, deliveries[sink.name], patience) for sink in sinks))
    whole = not live.is_half_revised
    if ends := fold.closed_ends():
        store.write(scored=all_verified(store.path, assembly.identity, ends))
    store.conclude(fold.tips if whole else (), fold.tallies)
    summary = live.summary(time.perf_counter() - began, deliveries)
    return summary if whole else summary | {"state_hash": None}


async def _until_stopped(live: LiveRun, deliveries: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all that runs at once until one stops the run or fails; then write what is left and acknowledge it."""
    delivering = [asyncio.create_task(delivery) for delivery in deliveries]
    working = [asyncio.create_task(work) for work in (live.receive(), live.pace(), live.verify())]
    acknowledging = asyncio.create_task(live.acknowledge())
    others = [acknowledging, asyncio.create_task(live.stop.wait())]
    try:
        try:
            await asyncio.wait([*others, *working, *delivering], return_when=asyncio.FIRST_COMPLETED)
            live.stop.set()
        finally:
            leaving = asyncio.gather(*map(_left, delivering))
            await asyncio.shield(leaving)
        await _cancelled([*working, *filter(asyncio.Task.done, delivering)])
        live.finish()
        others.append(asyncio.create_task(live.written()))
        await asyncio.wait([acknowledging, others[-1]], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await leaving  # whoever cancels the run meanwhile
        await _cancelled([*working, *others, *filter(asyncio.Task.done, delivering)])


async def _delivered(writer: Writer, sink: Sink, account: Delivery, patience: float) -> None:
    """Give a sink the last estimates, if it takes them now; what it does not take waits in the store."""
    delivery = asyncio.create_task(drain(writer.store.path, writer, sink, delivery=account))
    try:
        await asyncio.wait({delivery}, timeout=patience)
        if not delivery.done():
            raise TimeoutError(f"no answer within {patience:g} s")
        await delivery
    except StoreError:
        raise
    except Exception as error:  # whatever its author did not foresee: the run's own end must still be stored
        cause = without_credentials(repr(error))
        log.warning("%s lacks the last estimates, they wait in the store for the next run: %s", sink.name, cause)
    finally:
        await _left(delivery)


async def _left(delivery: asyncio.Task[Any]) -> None:
    """Cancel a delivery; a sink that does not let itself be left is not waited for."""
    for _ in range(2):
        delivery.cancel()
        if (await asyncio.wait({delivery}, timeout=LEAVING_SECONDS))[0]:
            return


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End tasks; raise what one of them failed with."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
