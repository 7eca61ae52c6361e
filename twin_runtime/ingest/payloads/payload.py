"""What is where in a payload, and the samples that it holds."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Limits, Refused, Sample
from twin_runtime.ingest.payloads.formats import Format, Record
from twin_runtime.ingest.payloads.instants import TimeUnit, instant
from twin_runtime.ingest.payloads.paths import ABSENT, Path, at, text_of

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_SHOWN = 40


class Wanted(NamedTuple):
    """What one channel takes from a message: the value at a path, of records in which some values are as given."""

    value: Path
    where: tuple[tuple[Path, str], ...] = ()


WHOLE = Wanted(())
"""The message itself is the value."""


@dataclass(frozen=True)
class Payload:
    """A kind of payload. Paths are relative to a record, values to the first of ``under`` that is there.

    ``each``: where the list of records stands, if there are several. ``missing``: texts, in small letters, and numbers
    that mean no value. ``words``: texts that mean a number. ``good``: the qualities of values that are used, where
    ``quality`` says where it stands. ``scale`` and ``offset`` make the number one in the channel's unit.
    """

    format: Format
    each: Path | None = None
    under: tuple[Path, ...] = ((),)
    time: Path | None = None
    time_unit: TimeUnit = "auto"
    time_optional: bool = False
    zone: ZoneInfo | None = None
    sequence: Path | None = None
    quality: Path | None = None
    good: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    missing_numbers: frozenset[float] = frozenset()
    words: Mapping[str, float] = field(default_factory=dict)
    decimal: str = "."
    scale: float = 1.0
    offset: float = 0.0

    def records(self, payload: bytes, arrival: int, limits: Limits) -> list[Record]:
        """The records of a message; raises :class:`Refused`."""
        if len(payload) > limits.bytes:
            raise Refused(Code.TOO_LARGE, f"{len(payload)} bytes; at most {limits.bytes} are taken")
        if not payload.strip():
            raise Refused(Code.EMPTY, "no payload")
        records = [each for record in self.format(payload, arrival) for each in self._each(record)]
        if len(records) > limits.samples:
            raise Refused(Code.TOO_LARGE, f"{len(records)} records; at most {limits.samples} are taken")
        return records

    def texts(self, record: Record, paths: Sequence[Path]) -> tuple[str, ...]:
        """What stands at some paths of a record."""
        return tuple(text_of(at(record.tree, path)) for path in paths)

    def samples(self, record: Record, path: Path, arrival: int) -> Iterator[Sample | Refused]:
        """What a record holds at a path, and what is wrong with it; nothing where it is absent."""
        raw = self._found(record.tree, path)
        try:
            self._require_good(record.tree)
            if isinstance(raw, list):
                yield from self._batch(record, raw, arrival)
            elif (value := self.number(raw)) is not None:
                time, sequence = self.time_of(record, arrival), self._sequence(record.tree)
                yield Sample(value, time, sequence, None, record.units.get(path[0] if path else "") or None)
        except Refused as refused:
            yield refused

    def _each(self, record: Record) -> Iterator[Record]:
        found = record.tree if self.each is None else at(record.tree, self.each)
        if isinstance(found, list) and self.each is not None:
            yield from (record._replace(tree=tree) for tree in found)
        elif found is not ABSENT:
            yield record._replace(tree=found)
        else:
            yield record

    def _found(self, tree: object, path: Path) -> object:
        """What stands at a path under the first base that holds it."""
        found = (at(tree, (*base, *path)) for base in self.under)
        return next((each for each in found if each is not ABSENT), ABSENT)

    def _batch(self, record: Record, values: list[object], arrival: int) -> Iterator[Sample]:
        """Several values, with a time each in a list of the same length."""
        times = ABSENT if self.time is None else at(record.tree, self.time)
        if not isinstance(times, list) or len(times) != len(values):
            raise Refused(Code.WRONG_SHAPE, f"{len(values)} values need as many times")
        for raw, time in zip(values, times, strict=True):
            if (value := self.number(raw)) is not None:
                yield Sample(value, instant(time, self.time_unit, self.zone, arrival))

    def number(self, raw: object) -> float | None:
        """The number that a value is; None where it means that there is none."""
        if raw is ABSENT or raw is None:
            return None
        if isinstance(raw, str):
            return self._number_in(raw.strip())
        if not isinstance(raw, bool | int | float):
            raise Refused(Code.WRONG_TYPE, f"expected a number, got {str(raw)[:_SHOWN]}")
        return self._scaled(raw)

    def _number_in(self, text: str) -> float | None:
        small = text.lower()
        if small in self.missing:
            return None
        if small in self.words:
            return self.words[small]
        plain = text if self.decimal == "." else text.replace(".", " ").replace(self.decimal, ".")
        if not _NUMBER.fullmatch(plain):
            code = Code.NOT_FINITE if small.lstrip("+-") in ("nan", "inf", "infinity") else Code.WRONG_TYPE
            raise Refused(code, f"expected a number, got '{text[:_SHOWN]}'")
        return self._scaled(float(plain))

    def _scaled(self, number: float) -> float | None:
        try:
            value = float(number)
        except OverflowError:
            value = math.inf
        if value in self.missing_numbers:
            return None
        value = value * self.scale + self.offset
        if not math.isfinite(value):
            raise Refused(Code.NOT_FINITE, "a value that is not a finite number")
        return value

    def time_of(self, record: Record, arrival: int) -> int | None:
        """The time (ns) of a record's values, None where they are stamped on arrival; raises :class:`Refused`."""
        raw = ABSENT if self.time is None else at(record.tree, self.time)
        if raw is not ABSENT and raw is not None:
            return instant(raw, self.time_unit, self.zone, arrival)
        if self.time is not None and not self.time_optional and record.time is None:
            raise Refused(Code.MISSING_FIELD, f"no time at `{'.'.join(self.time)}`")
        return record.time

    def _sequence(self, tree: object) -> int | None:
        raw = ABSENT if self.sequence is None else at(tree, self.sequence)
        usable = isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 2**62
        return raw if usable else None  # type: ignore[return-value]  # narrowed above

    def _require_good(self, tree: object) -> None:
        if self.quality is not None:
            quality = at(tree, self.quality)
            if quality is ABSENT or text_of(quality).lower() not in self.good:
                shown = "none" if quality is ABSENT else f"'{str(quality)[:_SHOWN]}'"
                raise Refused(Code.BAD_QUALITY, f"expected a quality of {', '.join(sorted(self.good))}, got {shown}")
