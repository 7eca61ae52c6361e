"""Group commit: whatever comes while one transaction is on its way to the disk goes into the next, in order."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple, Self

from twin_runtime.core import Bulletin, Checkpoint, Entry, Record, Tally
from twin_runtime.errors import StoreError, TwinError
from twin_runtime.store.bulletins import Scored
from twin_runtime.store.store import LOCK_PAUSE, LOCKED_SECONDS, NOTHING, Store

REPORTED_SECONDS = 1.0
"""After so long a lock of another process is reported."""

_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    entries: Sequence[Entry]
    records: Sequence[Record]
    checkpoints: Sequence[Checkpoint]
    cursors: Mapping[str, int]
    tallies: Sequence[Tally]
    bulletins: Sequence[Bulletin]
    scored: Sequence[Scored]
    durable: asyncio.Future[None]


class Writer:
    """The one writer of a store, for an event loop. Leaving its context writes what is still queued.

    Rows are handed to SQLite on the event loop, and only the commit waits for the disk in a thread: a thread that
    inserts rows would ask for the interpreter's lock once a row, and wait milliseconds for it while the loop is busy.

    A failure is final. What was computed from readings that did not become durable must not become durable either, so
    everything that waits and everything submitted later fails with the same :class:`StoreError`.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.news = asyncio.Event()
        """Set when estimates or bulletins have been written after it was looked up; each time there is a new one."""
        self._queue: list[_Job] = []
        self._drain: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._thread = ThreadPoolExecutor(1, "store")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._drain is not None:
            await self._drain
        self._failure = self._failure or StoreError("is closed", where=str(self.store.path))
        self._thread.shutdown()

    def submit(
        self,
        entries: Sequence[Entry] = (),
        records: Sequence[Record] = (),
        checkpoints: Sequence[Checkpoint] = (),
        cursors: Mapping[str, int] = NOTHING,
        tallies: Sequence[Tally] = (),
        bulletins: Sequence[Bulletin] = (),
        scored: Sequence[Scored] = (),
    ) -> asyncio.Future[None]:
        """Queue what belongs into one transaction; the future is done when it is durable, or has the error.

        Records may be changed afterwards, a checkpoint may not.
        """
        durable = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            durable.set_exception(self._failure)
            return durable
        copied = [_copy(record) for record in records]
        self._queue.append(_Job(entries, copied, checkpoints, cursors, tallies, bulletins, scored, durable))
        if self._drain is None:
            self._drain = asyncio.create_task(self._write_all())
        return durable

    async def _write_all(self) -> None:
        while self._queue:
            jobs, self._queue = self._queue, []
            try:
                await self._write(jobs)
            except Exception as error:
                self._fail(jobs, error)
            else:
                self._succeed(jobs)
        self._drain = None

    async def _write(self, jobs: list[_Job]) -> None:
        entries = [entry for job in jobs for entry in job.entries]
        records = [record for job in jobs for record in job.records]
        newest = {checkpoint.type: checkpoint for job in jobs for checkpoint in job.checkpoints}
        cursors = {name: position for job in jobs for name, position in job.cursors.items()}
        tallies = {tally.type: tally for job in jobs for tally in job.tallies}
        bulletins = [bulletin for job in jobs for bulletin in job.bulletins]
        scored = [one for job in jobs for one in job.scored]
        await self._begun()
        self.store.stage(entries, records, bulletins, scored)
        await asyncio.get_running_loop().run_in_executor(
            self._thread, self.store.commit, list(newest.values()), cursors, list(tallies.values())
        )

    async def _begun(self) -> None:
        """Wait for the lock of the database, where another process holds it; the loop goes on meanwhile."""
        clock = asyncio.get_running_loop().time
        began, reported = clock(), False
        while not self.store.begin():
            waited = clock() - began
            if waited > LOCKED_SECONDS:
                raise self.store.locked_out()
            if waited > REPORTED_SECONDS and not reported:
                reported = True
                _log.warning("%s is locked by another process: nothing is acknowledged until it ends", self.store.path)
            await asyncio.sleep(LOCK_PAUSE)

    def _succeed(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if not job.durable.done():
                job.durable.set_result(None)
        if any(job.records or job.bulletins for job in jobs):
            self.news.set()
            self.news = asyncio.Event()

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        self._failure = (
            error
            if isinstance(error, TwinError)
            else StoreError(f"cannot be written: {error!r}", where=str(self.store.path))
        )
        for job in [*jobs, *self._queue]:
            if not job.durable.done():
                job.durable.set_exception(self._failure)
        self._queue = []


def _copy(record: Record) -> Record:
    arrays = ("rows", "figures", "trust", "reasons", "revision", "standing")
    return replace(record, **{name: getattr(record, name).copy() for name in arrays})
