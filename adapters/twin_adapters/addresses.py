"""Addresses of servers: without secrets in them, and whether what is sent there can be read on the way."""

import logging
from functools import cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

LOG = logging.getLogger(__name__)


def parsed(address: str, expected: str, remedy: str) -> SplitResult:
    """The parts of an address. Raises pydantic's error for one that holds a secret, or has no host or no real port.

    Addresses stand in logs, errors and stores. What is refused here for a secret is therefore not repeated.
    """
    if set("@?#") & set(address):
        what = f"expected {expected} without user, password or query in it; what came is not shown"
        raise PydanticCustomError("address", what, {"remedy": remedy})
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:  # it repeats what may be a password
        what = f"expected {expected}, but its host is malformed, or its Port out of range 0-65535; it is not shown"
        raise PydanticCustomError("address", what, {"remedy": remedy}) from None
    return parts


def is_loopback(host: str) -> bool:
    """Whether what is sent to a host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_encryption(secret: str, address: str, encrypted: str) -> None:
    """Refuse to send a ``secret`` in the clear to another machine; ``encrypted`` is the scheme that would do."""
    host = urlsplit(address).hostname or ""
    if not is_loopback(host):
        what = f"{secret} for {address} could be read by anybody on the way"
        remedy = f"use {encrypted}://, or set insecure = true where you trust the network between"
        raise PydanticCustomError("insecure", what, {"remedy": remedy})


@cache
def warn_of_clear_text(secret: str, address: str) -> None:
    """Log, once in a process, that a secret goes to an address in the clear, as ``insecure`` allows."""
    LOG.warning("%s: %s goes there in the clear, as insecure = true allows", address, secret)
