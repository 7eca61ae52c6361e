"""From the store to the sinks: every estimate in the order in which it was written, at least once each."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from twin_runtime.core import Sink
from twin_runtime.crash import crash_point
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader
from twin_runtime.store.writer import Writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses (s) between attempts: the ``first``, then twice the last, at most ``longest``."""

    first: float = 0.5
    longest: float = 30.0

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.longest)


BACKOFF = Backoff()


@dataclass(slots=True)
class Delivery:
    """How a sink is doing: estimates sent, attempts that failed in all and in a row, and the last error."""

    sent: int = 0
    failed: int = 0
    in_a_row: int = 0
    error: str = ""


async def forward(
    path: Path,
    writer: Writer,
    sink: Sink,
    *,
    delivery: Delivery | None = None,
    batch: int = 250,
    backoff: Backoff = BACKOFF,
) -> None:
    """Send all estimates behind the sink's cursor, then new ones as they are written, until cancelled.

    A sink that fails, with whatever error, is left, entered anew after a pause and sent the same again: it can neither
    lose an estimate nor stop the twin. Raises :class:`StoreError` if the cursor cannot be kept.
    """
    delivery = Delivery() if delivery is None else delivery
    with Reader.open(path) as reader:
        while True:
            try:
                async with sink:
                    await _serve(reader, writer, sink, delivery, batch)
            except StoreError:
                raise
            except Exception as error:
                _note_failure(sink.name, delivery, error)
            await asyncio.sleep(backoff.pause(delivery.in_a_row))


async def drain(path: Path, writer: Writer, sink: Sink, *, batch: int = 250) -> int:
    """Send all estimates behind the sink's cursor, once; returns how many, and raises what the sink raises."""
    delivery = Delivery()
    with Reader.open(path) as reader:
        async with sink:
            await _send_all(reader, writer, sink, delivery, batch)
    return delivery.sent


async def _serve(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    while True:
        news = writer.news
        await _send_all(reader, writer, sink, delivery, batch)
        await news.wait()


async def _send_all(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    """Estimates are read on the event loop, a batch at a time: see :class:`Writer` about threads that handle rows."""
    position = reader.cursor(sink.name)
    while estimates := reader.estimates(position, batch):
        await sink.send(estimates)
        _note_success(sink.name, delivery, len(estimates))
        crash_point("outbox")
        position = estimates[-1].position
        await writer.submit(cursors={sink.name: position})


def _note_success(name: str, delivery: Delivery, sent: int) -> None:
    if delivery.in_a_row:
        _log.warning("%s is back after %d failed attempts", name, delivery.in_a_row)
    delivery.sent += sent
    delivery.in_a_row, delivery.error = 0, ""


def _note_failure(name: str, delivery: Delivery, error: Exception) -> None:
    delivery.error = str(error) or repr(error)
    if not delivery.in_a_row:
        _log.warning("%s failed, estimates wait in the store: %s", name, delivery.error)
    delivery.failed += 1
    delivery.in_a_row += 1
