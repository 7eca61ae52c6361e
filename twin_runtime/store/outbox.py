"""From the store to the sinks: every estimate in the order in which it was written, at least once each."""

import asyncio
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
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

ATTEMPTS = 5
"""After so many failures in a row that nobody foresaw, estimates are sent one at a time, to find the one at fault."""

FORESEEN = (ConnectionFailed, OSError)
"""What a sink may raise whatever it is sent."""

FRESH = 50
"""Estimates behind the newest that still lie in memory, as they have just been written."""

REMINDER = 60.0
"""Seconds between reports of a failure that goes on unchanged."""


@dataclass(slots=True)
class Delivery:
    """How a sink is doing: estimates sent and refused, attempts that failed in all and in a row, the last error.

    ``unforeseen`` counts those in a row that are no failure of a connection, but a mistake of the sink's author.
    ``wish`` is for how long (s) it asked to be left alone, ``reported`` when its error was last logged (clock of the
    event loop, s).
    """

    sent: int = 0
    refused: int = 0
    failed: int = 0
    in_a_row: int = 0
    unforeseen: int = 0
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
    lose an estimate nor stop the twin. What it refuses for good is kept aside, and so is what it alone always fails on;
    the rest goes on. Raises :class:`StoreError` if the cursor cannot be kept.
    """
    delivery = Delivery() if delivery is None else delivery
    with await asyncio.to_thread(Reader.open, path) as reader:
        while True:
            attempt = _sift if delivery.unforeseen >= ATTEMPTS else _serve
            try:
                await attempt(reader, writer, sink, delivery, batch)
            except StoreError:
                raise
            except Exception as error:
                _note_failure(sink.name, delivery, error)
            await asyncio.sleep(max(backoff.pause(delivery.in_a_row), delivery.wish))


async def drain(path: Path, writer: Writer, sink: Sink, *, delivery: Delivery | None = None, batch: int = 250) -> int:
    """Send all estimates behind the sink's cursor, once; returns how many, and raises what the sink raises."""
    delivery = Delivery() if delivery is None else delivery
    before = delivery.sent
    with await asyncio.to_thread(Reader.open, path) as reader:
        async with sink:
            await _send_all(reader, writer, sink, delivery, batch)
    return delivery.sent - before


async def _serve(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    async with sink:
        while True:
            news = writer.news
            await _send_all(reader, writer, sink, delivery, batch)
            await news.wait()


async def _send_all(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    """Estimates are read on the event loop, a batch at a time: see :class:`Writer` about threads that handle rows.

    Those of long ago lie on the disk: they are read ahead in a thread.
    """
    position = reader.cursor(sink.name)
    while estimates := await _next(reader, position, batch):
        await _send(reader.path, sink, delivery, estimates)
        _note_success(sink.name, delivery)
        crash_point("outbox")
        position = estimates[-1].position
        await writer.submit(cursors={sink.name: position})


async def _next(reader: Reader, position: int, batch: int) -> list[StoredEstimate]:
    if reader.waiting(position) > FRESH:
        await asyncio.to_thread(reader.read_ahead, position, batch)
    return reader.estimates(position, batch)


async def _send(path: Path, sink: Sink, delivery: Delivery, estimates: Sequence[StoredEstimate]) -> None:
    """Send; where they are refused, send the halves, until what is refused stands alone and is kept aside."""
    try:
        await sink.send(estimates)
    except EstimatesRefused as refusal:
        if len(estimates) == 1:
            return await _keep_aside(path, sink.name, delivery, estimates[0], refusal)
        middle = len(estimates) // 2
        await _send(path, sink, delivery, estimates[:middle])
        await _send(path, sink, delivery, estimates[middle:])
    else:
        delivery.sent += len(estimates)


async def _sift(reader: Reader, writer: Writer, sink: Sink, delivery: Delivery, batch: int) -> None:
    """Send the next estimates one at a time, each to a sink that is entered anew, and keep aside what it fails on.

    It is the estimate's fault only if the sink takes another in between; else it fails on everything, and what waits
    for it waits.
    """
    position = reader.cursor(sink.name)
    estimates = await _next(reader, position, batch)
    for estimate in estimates:
        error = await _fault(sink, estimate)
        if error is not None and not isinstance(error, EstimatesRefused):
            if not await _works(sink, _others(reader, estimate, estimates)):
                raise error
            error = await _fault(sink, estimate)
        if error is None:
            delivery.sent += 1
        else:
            await _keep_aside(reader.path, sink.name, delivery, estimate, error)
        await writer.submit(cursors={sink.name: estimate.position})
    _note_success(sink.name, delivery)


def _others(reader: Reader, estimate: StoredEstimate, estimates: Sequence[StoredEstimate]) -> Iterator[StoredEstimate]:
    """Estimates that the sink has been sent before, closer and further ones: sending twice is harmless.

    Before the first that it took there may be none: then those to come.
    """
    back = 1
    while back < estimate.position:
        yield from reader.estimates(estimate.position - back - 1, 1)
        back *= 2
    if estimates[0].position == 1:
        yield from (other for other in estimates[1:] if other is not estimate)
        yield from reader.estimates(estimates[-1].position, 4)


async def _works(sink: Sink, estimates: Iterable[StoredEstimate]) -> bool:
    """Whether a sink takes any of some estimates, or knows why not."""
    for estimate in estimates:
        error = await _fault(sink, estimate)
        if error is None or isinstance(error, EstimatesRefused):
            return True
    return False


async def _fault(sink: Sink, estimate: StoredEstimate) -> Exception | None:
    """What a sink says against one estimate; None: it takes it. Raises what has nothing to do with it."""
    try:
        async with sink:
            await sink.send([estimate])
    except FORESEEN:
        raise
    except Exception as error:  # whatever its author did not foresee
        return error
    return None


def _note_success(name: str, delivery: Delivery) -> None:
    if delivery.in_a_row:
        _log.warning("%s is back after %d failed attempts", name, delivery.in_a_row)
    delivery.in_a_row, delivery.unforeseen, delivery.error, delivery.wish = 0, 0, "", 0.0


async def _keep_aside(path: Path, name: str, delivery: Delivery, estimate: StoredEstimate, error: Exception) -> None:
    """Log the first that is kept aside, then the 2nd, 4th, 8th ...: a sink that refuses everything fills no log."""
    said = without_credentials(str(error) if isinstance(error, EstimatesRefused) else repr(error))
    await asyncio.to_thread(keep_aside, path, name, estimate, said)
    delivery.refused += 1
    if delivery.refused & (delivery.refused - 1) == 0:
        message = "%s refused %d estimates so far, listed in %s: %s"
        _log.warning(message, name, delivery.refused, refused_path(path), said)


def _note_failure(name: str, delivery: Delivery, error: Exception) -> None:
    before, delivery.error = delivery.error, without_credentials(str(error) or repr(error))
    delivery.wish = min(error.retry_after, LONGEST_WISH) if isinstance(error, ConnectionFailed) else 0.0
    delivery.failed += 1
    delivery.in_a_row += 1
    delivery.unforeseen = 0 if isinstance(error, FORESEEN) else delivery.unforeseen + 1
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
