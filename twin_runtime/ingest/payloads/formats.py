"""Formats of payloads: bytes to records. Further ones are found by the entry point ``twin_runtime.formats``."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused, decoded, in_range


class Record(NamedTuple):
    """One moment of a message: its values as a tree of objects and lists.

    ``time`` (ns) and ``units``, by the first name of a path, are those that the format itself gives.
    """

    tree: object
    time: int | None = None
    units: Mapping[str, str] = {}


Format = Callable[[bytes, int], list[Record]]
"""Takes a payload and when it arrived (ns); raises :class:`Refused` where the payload is not in the format."""

_any: msgspec.json.Decoder[object] = msgspec.json.Decoder()
_SENML_RELATIVE = 2**28
"""Times below so many seconds are relative to now (RFC 8428, 4.5.3)."""


def json(payload: bytes, arrival: int) -> list[Record]:
    """One JSON value."""
    del arrival
    return [Record(decoded(payload, _any))]


def text(payload: bytes, arrival: int) -> list[Record]:
    """The payload itself, without blanks around it."""
    del arrival
    return [Record(_text(payload).strip())]


def csv_lines(payload: bytes, arrival: int) -> list[Record]:
    """Lines of values separated by commas; paths are the numbers of columns from 0."""
    del arrival
    rows = [row for row in csv.reader(io.StringIO(_text(payload), newline=""), strict=False) if row]
    return [Record([cell.strip() for cell in row]) for row in rows]


class _Pack(msgspec.Struct, gc=False):
    """A SenML record; other kinds of values than numbers and booleans are passed over."""

    bn: str = ""
    bt: float = 0.0
    bu: str = ""
    bv: float = 0.0
    n: str = ""
    u: str = ""
    v: float | None = None
    vb: bool | None = None
    t: float = 0.0


_pack = msgspec.json.Decoder(list[_Pack])


def senml(payload: bytes, arrival: int) -> list[Record]:
    """SenML (RFC 8428) in JSON: paths are full names, with base names resolved; units are those of its registry."""
    return list(_resolved(decoded(payload, _pack), arrival))


def _resolved(pack: list[_Pack], arrival: int) -> Iterator[Record]:
    """Each record with the base values that stand before it (RFC 8428, 4.6)."""
    name, time, unit, value = "", 0.0, "", 0.0
    for each in pack:
        name, time, unit, value = each.bn or name, each.bt or time, each.bu or unit, each.bv or value
        number = each.vb if each.v is None else each.v + value
        if number is not None:
            known = SENML_UNITS.get(each.u or unit, each.u or unit)
            yield Record({name + each.n: number}, _senml_time(time + each.t, arrival), {name + each.n: known})


def _senml_time(seconds: float, arrival: int) -> int:
    nanoseconds = round(seconds * 1e6) * 1000
    return in_range(arrival + nanoseconds if seconds < _SENML_RELATIVE else nanoseconds)


SENML_UNITS = {
    "Cel": "degC",
    "%RH": "percent",
    "%": "percent",
    "/": "1",
    "beat/min": "1/min",
    "beats": "1",
    "m2": "m**2",
    "m3": "m**3",
}
"""Names of the SenML registry that are written otherwise here."""

FORMATS: dict[str, Format] = {"json": json, "text": text, "csv": csv_lines, "senml": senml}


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(Code.NOT_JSON, f"not UTF-8: byte {error.start}") from None
