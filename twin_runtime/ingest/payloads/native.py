"""The native form, for messages that several signals take as they are."""

from collections.abc import Iterator, Sequence

from twin_runtime.ingest.decode import Limits, Sample, decode
from twin_runtime.ingest.payloads.payload import Wanted


class Native:
    """What :func:`twin_runtime.ingest.decode.decode` reads, for whoever takes it."""

    def records(self, payload: bytes, arrival: int, limits: Limits) -> list[Sample]:
        """The samples of a message; raises :class:`Refused`."""
        del arrival
        return decode(payload, limits)

    def samples(self, records: Sequence[Sample], wanted: Wanted, arrival: int) -> Iterator[Sample]:
        """All of them."""
        del wanted, arrival
        yield from records


NATIVE = Native()
