"""What ships for testing twins and their parts without the outside world."""

from collections.abc import Sequence
from typing import Self

from twin_runtime.assimilation.conformance import AssimilatorTests, KalmanTests, SquareRootTests
from twin_runtime.core import StoredEstimate
from twin_runtime.errors import ConnectionFailed

__all__ = ["AssimilatorTests", "KalmanTests", "MemorySink", "SquareRootTests"]


class MemorySink:
    """A sink that keeps what it is sent in ``received``, after the first ``failures`` attempts to send have failed."""

    def __init__(self, name: str = "memory", failures: int = 0) -> None:
        self.name, self.failures = name, failures
        self.received: list[StoredEstimate] = []
        self.attempts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Keep the estimates, or raise :class:`ConnectionFailed` where this attempt is to fail."""
        self.attempts += 1
        if self.attempts <= self.failures:
            raise ConnectionFailed(f"attempt {self.attempts} of {self.failures} that are to fail", where=self.name)
        self.received.extend(estimates)
