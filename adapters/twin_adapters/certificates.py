"""X.509 certificates: whose they are, and from when until when they count."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

SOON_DAYS = 14
"""Days before its end from which on a certificate is warned of."""

END = "-----END CERTIFICATE-----"
COMMON_NAME = bytes.fromhex("550403")
VERSION, UTC_TIME = 0xA0, 0x17
"""Tags: the optional first field of a certificate, and a time with two digits for the year."""


class Certificate(NamedTuple):
    """The common name of a certificate's subject, and the first and the last moment at which it counts."""

    name: str
    since: datetime
    until: datetime

    def fault(self, now: datetime) -> str:
        """Why it does not count at a moment; "" if it does."""
        if now > self.until:
            return f"expired on {self.until:%Y-%m-%d %H:%M} UTC"
        return f"does not count before {self.since:%Y-%m-%d %H:%M} UTC" if now < self.since else ""

    def ends_soon(self, now: datetime) -> str:
        """That it ends within days; "" if it does not."""
        days = (self.until - now).days
        return f"ends on {self.until:%Y-%m-%d %H:%M} UTC, in {days} days" if 0 <= days < SOON_DAYS else ""


def read_certificates(path: Path) -> list[Certificate]:
    """All certificates of a PEM file, in their order; raises OSError or ValueError where it holds something else."""
    blocks = path.read_text("ascii", "replace").split(END)[:-1]
    return [parsed(ssl.PEM_cert_to_DER_cert(block[block.index("-----BEGIN") :] + END)) for block in blocks]


def parsed(der: bytes) -> Certificate:
    """A certificate in DER, which nobody has verified; raises ValueError for what is none."""
    try:
        _, whole = next(_elements(der))
        _, signed = next(_elements(whole))
        fields = [content for tag, content in _elements(signed) if tag != VERSION]
        since, until = (_moment(*element) for element in _elements(fields[3]))
        return Certificate(_common_name(fields[4]), since, until)
    except (IndexError, StopIteration) as error:
        raise ValueError("this is no certificate in DER") from error


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a DER structure: tag and content of each."""
    at = 0
    while at < len(data):
        tag, size, begin = data[at], data[at + 1], at + 2
        if size & 0x80:
            begin += size & 0x7F
            size = int.from_bytes(data[at + 2 : begin])
        at = begin + size
        yield tag, data[begin:at]


def _moment(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if text >= "5" else "20") + text  # RFC 5280, 4.1.2.5.1
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _common_name(subject: bytes) -> str:
    for _, parts in _elements(subject):
        for _, pair in _elements(parts):
            (_, kind), (_, value) = _elements(pair)
            if kind == COMMON_NAME:
                return value.decode("utf-8", "replace")
    return "without a name"
