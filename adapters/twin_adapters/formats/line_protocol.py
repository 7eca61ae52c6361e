"""InfluxDB line protocol, as Telegraf and many others send it."""

from typing import Any

from line_protocol_parser import LineFormatError, parse_line

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused, in_range
from twin_runtime.ingest.payloads.formats import Record


def read(payload: bytes, arrival: int) -> list[Record]:
    """A record a line: ``measurement``, ``tags`` and ``fields``; its time is in ns, without one that of arrival."""
    del arrival
    try:
        lines = payload.decode().splitlines()
    except UnicodeDecodeError as error:
        raise Refused(Code.NOT_JSON, f"not UTF-8: byte {error.start}") from None
    return [_record(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _record(line: str) -> Record:
    try:
        read: dict[str, Any] = parse_line(line)
    except LineFormatError as error:
        raise Refused(Code.NOT_JSON, f"not InfluxDB line protocol: {error}") from None
    time = read.pop("time")
    return Record(read, None if time is None else in_range(time))
