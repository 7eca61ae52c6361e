"""From the store to the sinks: every estimate in the order in which it was written, at least once each."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin_runtime.core import Sink, StoredEstimate
from twin_runtime.crash import crash_point
from twin_runtime.errors import ConnectionFailed, EstimatesRefused, StoreError, without_credentials
from twin_runtime.store.reader import Reader
from twin_runtime.store.refused import keep_aside, refused_path
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

LONGEST_WISH = 3600.0
"""Seconds that a sink may ask to be left alone; longer would shut it out."""

REMINDER = 60.0
"""Seconds between reports of a failure that goes on unchanged."""


@dataclass(slots=True)
class Delivery:
    """How a sink is doing: estimates sent and refused, attempts that failed in all and in a row, the last error.

    ``wish`` is for how long (s) it asked to be left alone, ``reported`` when its error was last logged (clock of the
    event loop, s).
    """

    sent: int = 0
    refused: int = 0
    failed: int = 0
    in_a_row: int = 0
    error: str = ""
    wish: float = 0.0
    reported: float = 0.0

    def account(self) -> dict[str, int | str]:
        """What a summary says of it."""
        return {"sent": self.sent, "refused": self.refused, "failed_attempts": self.failed, "error": self.error}


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
    lose an estimate nor stop the twin. What it refuses for good is kept aside, and the rest goes on.
    Raises :class:`StoreError` if the cursor cannot be kept.
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
            await asyncio.sleep(max(backoff.pause(delivery.in_a_row), delivery.wish))


async def drain(path: Path, writer: Writer, sink: Sink, *, delivery: Delivery | None = None, batch: int = 250) -> int:
    """Send all estimates behind the sink's cursor, once; returns how many, and raises what the sink raises."""
    delivery = Delivery() if delivery is None else delivery
    before = delivery.sent
    with Reader.open(path) as reader:
        async with sink:
            await _send_all(reader, writer, sink, delivery, batch)
    return delivery.sent - before


async def _serve(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    while True:
        news = writer.news
        await _send_all(reader, writer, sink, delivery, batch)
        await news.wait()


async def _send_all(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    """Estimates are read on the event loop, a batch at a time: see :class:`Writer` about threads that handle rows."""
    position = reader.cursor(sink.name)
    while estimates := reader.estimates(position, batch):
        await _send(reader.path, sink, delivery, estimates)
        _note_success(sink.name, delivery)
        crash_point("outbox")
        position = estimates[-1].position
        await writer.submit(cursors={sink.name: position})


async def _send(path: Path, sink: Sink, delivery: Delivery, estimates: Sequence[StoredEstimate]) -> None:
    """Send; where they are refused, send the halves, until what is refused stands alone and is kept aside."""
    try:
        await sink.send(estimates)
    except EstimatesRefused as refusal:
        if len(estimates) == 1:
            keep_aside(path, sink.name, estimates[0], refusal)
            return _note_refusal(path, sink.name, delivery, refusal)
        middle = len(estimates) // 2
        await _send(path, sink, delivery, estimates[:middle])
        await _send(path, sink, delivery, estimates[middle:])
    else:
        delivery.sent += len(estimates)


def _note_success(name: str, delivery: Delivery) -> None:
    if delivery.in_a_row:
        _log.warning("%s is back after %d failed attempts", name, delivery.in_a_row)
    delivery.in_a_row, delivery.error, delivery.wish = 0, "", 0.0


def _note_refusal(path: Path, name: str, delivery: Delivery, refusal: EstimatesRefused) -> None:
    """Log the first refusal, then the 2nd, 4th, 8th ...: a sink that refuses everything fills no log."""
    delivery.refused += 1
    if delivery.refused & (delivery.refused - 1) == 0:
        message = "%s refused %d estimates so far, listed in %s: %s"
        _log.warning(message, name, delivery.refused, refused_path(path), refusal)


def _note_failure(name: str, delivery: Delivery, error: Exception) -> None:
    before, delivery.error = delivery.error, without_credentials(str(error) or repr(error))
    delivery.wish = min(error.retry_after, LONGEST_WISH) if isinstance(error, ConnectionFailed) else 0.0
    delivery.failed += 1
    delivery.in_a_row += 1
    now = asyncio.get_running_loop().time()
    if _without_numbers(before) != _without_numbers(delivery.error):
        _log.warning("%s failed, estimates wait in the store: %s", name, delivery.error)
    elif now - delivery.reported > REMINDER:
        _log.warning("%s still fails after %d attempts: %s", name, delivery.in_a_row, delivery.error)
    else:
        return
    delivery.reported = now


def _without_numbers(error: str) -> str:
    """An error without what differs at each attempt: counts, and addresses of objects; an HTTP status stays."""
    return re.sub(r"(?<!HTTP )\b(0x[0-9a-f]+|\d+)\b", "#", error)
