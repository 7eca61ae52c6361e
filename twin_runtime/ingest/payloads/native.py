"""The native form, for messages that several signals take as they are."""

from collections.abc import Iterator, Sequence

from twin_runtime.ingest.decode import Limits, Sample, decode
from twin_runtime.ingest.payloads.paths import Path


class Native:
    """What :func:`twin_runtime.ingest.decode.decode` reads, for whoever takes it."""

    def records(self, payload: bytes, arrival: int, limits: Limits) -> list[Sample]:
        """The samples of a message; raises :class:`Refused`."""
        del arrival
        return decode(payload, limits)

    def texts(self, record: Sample, paths: Sequence[Path]) -> tuple[str, ...]:
        """Nothing: no message is told from another."""
        del record, paths
        return ()

    def samples(self, record: Sample, path: Path, arrival: int) -> Iterator[Sample]:
        """The sample itself."""
        del path, arrival
        yield record


NATIVE = Native()
