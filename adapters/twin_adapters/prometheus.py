"""The newest estimate of every twin, to be scraped by Prometheus, VictoriaMetrics or whatever reads their format.

- ``twin_estimate{twin, quantity, unit, figure}``: ``figure`` is mean, sd, q05, q50 or q95; what is not finite is NaN.
- ``twin_trust{twin}``: 0 trusted, 1 degraded, 2 untrusted.
- ``twin_reason{twin, check}``: 1 for each check that complains.
- ``twin_estimate_time_seconds{twin}`` and ``twin_estimate_revision{twin}``: of which valid time it is.
- ``twin_valid{twin}``: 1 while the verdict counts, else 0; estimate, trust and reasons are then no longer there.

History is not here: a scrape sees what is newest, a revision of an older estimate changes nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Annotated, NamedTuple, Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twin_adapters.addresses import is_loopback
from twin_runtime.core import FIGURES, SECOND, StoredEstimate
from twin_runtime.errors import ConfigError, ConnectionFailed
from twin_runtime.store.identity import Identity

EXPECTED = "HOST:PORT such as 127.0.0.1:9464"
File = Annotated[Path, Field(strict=False)]


class PrometheusSettings(BaseModel):
    """The ``[sinks.prometheus]`` table.

    On another address than this machine's own it is encrypted, or ``insecure`` allows everybody on the way to read it.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    listen: str = Field(default="127.0.0.1:9464", description="where to answer", examples=["127.0.0.1:9464"])
    cert_file: File | None = Field(default=None, description="the certificate, to answer over https")
    key_file: File | None = Field(default=None, description="its key")
    insecure: bool = Field(default=False, description="true to answer other machines without encryption")

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        host, found, port = listen.rpartition(":")
        if not (host and found and port.isascii() and port.isdigit() and int(port) < 65_536):
            raise ValueError(f"expected {EXPECTED}, got {listen!r}")
        return listen

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file go together")
        if not (is_loopback(self.host) or self.cert_file or self.insecure):
            raise ValueError(
                f"other machines could read {self.listen}: give cert_file and key_file, or insecure = true"
            )
        return self

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port, 0 for any free one."""
        return int(self.listen.rpartition(":")[2])


class _Newest(NamedTuple):
    """An estimate, and until when (ns, this machine's clock) its verdict counts."""

    estimate: StoredEstimate
    until: int


class Estimates(Collector):
    """The newest estimates as metrics; ``now`` gives the time of this machine (ns)."""

    def __init__(self, identity: Identity, now: Callable[[], int]) -> None:
        self._identity, self._now = identity, now
        self._newest: dict[str, _Newest] = {}

    def take(self, estimates: Sequence[StoredEstimate]) -> None:
        """Keep what is newer than what was there. On the clock of a stream validity counts from when it came."""
        for estimate in estimates:
            known = self._newest.get(estimate.twin)
            if known is None or (estimate.time, estimate.revision) >= (known.estimate.time, known.estimate.revision):
                on_the_wall = self._identity.types[estimate.type].clock == "wall"
                until = estimate.valid_until if on_the_wall else self._now() + estimate.valid_until - estimate.time
                self._newest[estimate.twin] = _Newest(estimate, until)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All metrics now."""
        newest, now = list(self._newest.values()), self._now()
        valid = [each.estimate for each in newest if now <= each.until]
        figures = GaugeMetricFamily("twin_estimate", "Estimated", labels=("twin", "quantity", "unit", "figure"))
        trust = GaugeMetricFamily("twin_trust", "0 trusted, 1 degraded, 2 untrusted", labels=("twin",))
        reasons = GaugeMetricFamily("twin_reason", "1 for a check that complains", labels=("twin", "check"))
        for estimate in valid:
            for quantity, values in zip(self._identity.types[estimate.type].quantities, estimate.figures, strict=True):
                for figure, value in zip(FIGURES, values.tolist(), strict=True):
                    figures.add_metric((estimate.twin, quantity.name, quantity.unit, figure), value)
            trust.add_metric((estimate.twin,), int(estimate.trust))
            for check in estimate.reasons:
                reasons.add_metric((estimate.twin, check), 1)
        yield from (figures, trust, reasons)
        yield from self._of_all(newest, now)

    @staticmethod
    def _of_all(newest: Sequence[_Newest], now: int) -> Iterator[GaugeMetricFamily]:
        counts = GaugeMetricFamily("twin_valid", "1 while the verdict counts", labels=("twin",))
        times = GaugeMetricFamily("twin_estimate_time_seconds", "Valid time of the newest estimate", labels=("twin",))
        revisions = GaugeMetricFamily("twin_estimate_revision", "Its revision", labels=("twin",))
        for estimate, until in newest:
            counts.add_metric((estimate.twin,), now <= until)
            times.add_metric((estimate.twin,), estimate.time / SECOND)
            revisions.add_metric((estimate.twin,), estimate.revision)
        yield from (counts, times, revisions)


class PrometheusSink:
    """A :class:`twin_runtime.core.Sink` that answers scrapes with the newest estimates, in a thread of its own.

    Raises ConnectionFailed where the address cannot be listened on.
    """

    name = "prometheus"

    def __init__(self, settings: PrometheusSettings, identity: Identity, now: Callable[[], int] = time.time_ns) -> None:
        self.settings = settings
        self.estimates = Estimates(identity, now)
        self.port = settings.port
        self._server: tuple[WSGIServer, Thread] | None = None

    async def __aenter__(self) -> Self:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self.estimates)
        s = self.settings
        files = [None if file is None else str(file) for file in (s.cert_file, s.key_file)]
        try:
            self._server = start_http_server(s.port, s.host, registry, certfile=files[0], keyfile=files[1])
        except OSError as error:  # ssl.SSLError is one
            if any(files) and error.errno is None:
                remedy = "give readable PEM files: our certificate and its key"
                raise ConfigError(f"cannot use {files}: {error}", where="sinks.prometheus", remedy=remedy) from error
            remedy = "free the port, or name another in `listen`"
            raise ConnectionFailed(f"cannot listen: {error.strerror}", where=s.listen, remedy=remedy) from error
        self.port = self._server[0].server_port
        return self

    async def __aexit__(self, *exc: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server[0].shutdown)
            server[0].server_close()
            await asyncio.to_thread(server[1].join)

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Show them from now on."""
        self.estimates.take(estimates)
