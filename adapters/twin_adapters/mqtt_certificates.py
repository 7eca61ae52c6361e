"""Which certificate of a connection over TLS has expired, or will soon: the broker's, ours, or an authority's."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from twin_adapters.certificates import Certificate, parsed, read_certificates
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.errors import ConnectionFailed

LOG = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that a broker, which has just answered, is given to show its certificate."""


class Known(NamedTuple):
    """A certificate, whose it is, and what to do when it ends."""

    whose: str
    certificate: Certificate
    remedy: str


def expired(settings: MqttSettings, *, untrusted: bool) -> ConnectionFailed | None:
    """The error of a connection that fails because a certificate has expired, or does not count yet.

    Where the broker's is ``untrusted``, this asks the broker for it, and waits.
    """
    now = datetime.now(UTC)
    for known in (*_own(settings), *(_of_broker(settings) if untrusted else ())):
        if fault := known.certificate.fault(now):
            remedy = known.remedy if now > known.certificate.until else "set the clocks of both machines right"
            return ConnectionFailed(f"{_named(known)} {fault}", where=settings.broker, remedy=remedy)
    return None


def warn_of_ends(settings: MqttSettings, sock: object) -> None:
    """Log which certificates of an open connection end soon, each once a day."""
    now = datetime.now(UTC)
    der = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    for known in (*_own(settings), *_brokers(der)):
        if ending := known.certificate.ends_soon(now):
            _warn(settings.broker, f"{_named(known)} {ending}", known.remedy)


@cache
def _warn(broker: str, ending: str, remedy: str) -> None:
    LOG.warning("%s: %s; remedy: %s", broker, ending, remedy)


def _named(known: Known) -> str:
    return f"{known.whose} ({known.certificate.name!r})"


def _own(settings: MqttSettings) -> Iterator[Known]:
    """Those in our files."""
    renewed = "renew it: the file is read again at every attempt to connect"
    if settings.cert_file:
        for certificate in _readable(settings.cert_file)[:1]:
            yield Known(f"our certificate {settings.cert_file}", certificate, renewed)
    if settings.ca_file:
        for certificate in _readable(settings.ca_file):
            yield Known(f"the authority in {settings.ca_file}", certificate, renewed)


def _readable(path: Path) -> list[Certificate]:
    with suppress(OSError, ValueError):
        return read_certificates(path)
    return []


def _brokers(der: bytes | None) -> list[Known]:
    remedy = "renew it on the broker, and have the broker read it again"
    with suppress(ValueError):
        return [Known("the broker's certificate", parsed(der or b""), remedy)]
    return []


def _of_broker(settings: MqttSettings) -> list[Known]:
    """The one that the broker shows, read over a connection of its own that is closed at once: it is not trusted."""
    with suppress(OSError):
        context = settings.tls_context()
        assert context is not None, "a broker without TLS has no certificate"
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((settings.host, settings.port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=settings.host) as sock,
        ):
            return _brokers(sock.getpeercert(binary_form=True))
    return []
