"""From messages to a table of readings, and to the mapping that reads it again."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Self

import pyarrow as pa

from twin_adapters.commands.tables import format_of, open_table_file
from twin_runtime.config import Config
from twin_runtime.core import Code, Message
from twin_runtime.errors import RecordingError
from twin_runtime.ingest.intake import Intake, Plausibility
from twin_runtime.ingest.router import Router
from twin_runtime.runs.assembly import TypeAssembly, assemble

SCHEMA = pa.schema(
    {"time": pa.int64(), "twin": pa.string(), "channel": pa.string(), "value": pa.float64(), "arrival": pa.int64()}
)
"""Times in ns since the epoch, values in the units of the configuration."""

GROUP = 10_000
"""Readings written at once."""

Row = tuple[int, str, str, float, int]


class Recorder:
    """Writes the readings of messages to a table; used as a context that completes table and mapping on leaving.

    ``advance`` is called with the number of readings recorded so far. Leaving raises :class:`RecordingError` if none
    came at all.
    """

    def __init__(self, config: Config, path: Path, advance: Callable[[int], None]) -> None:
        self.path = path
        self.mapping = path.with_suffix(".recording.toml")
        self.left_out: Counter[Code] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._config, self._advance = config, advance
        self._router = Router([everything_of(twin_type) for twin_type in assemble(config).types])
        self._rows: list[Row] = []
        self._writer = open_table_file(path, format_of(path), SCHEMA)

    @property
    def topics(self) -> Sequence[str]:
        """What to subscribe to."""
        return self._router.topics

    def take(self, messages: Sequence[Message]) -> None:
        """Append the readings of these messages; what cannot be read is counted and left out."""
        self._rows.extend(row for message in messages for row in self._read(message))
        self._advance(self.counts.total())
        if len(self._rows) >= GROUP:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._write()
        self._writer.close()
        if self.counts:
            self.mapping.write_text("\n".join(self._mapping()), encoding="utf-8")
            return
        self.path.unlink()
        if kind is None:
            remedy = "look whether the sensors publish on the topics of the configuration"
            raise RecordingError(f"no reading arrived{self._others()}", where=", ".join(self.topics[:5]), remedy=remedy)

    def __str__(self) -> str:
        """The summary in one sentence."""
        return f"{self.mapping}: {self.counts.total()} readings of {len(self.counts)} signals{self._others()}"

    def _read(self, message: Message) -> Iterator[Row]:
        for entry in self._router.read(message):
            if entry.reading is None or entry.code is not Code.ACCEPTED:
                self.left_out[entry.code] += 1
                continue
            row, place, time, value, sd, *_ = entry.reading
            if math.isinf(sd):
                continue  # a confirmed value is no reading
            twin_type = self._config.types[entry.type]
            twin, channel = twin_type.twin.twins[row], twin_type.channels[place].name
            self.counts[twin, channel] += 1
            yield time, twin, channel, value, entry.arrival

    def _write(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            self._writer.write_table(pa.table([pa.array(column) for column in columns], schema=SCHEMA))
            self._rows.clear()

    def _others(self) -> str:
        parts = ", ".join(f"{count} {code.value}" for code, count in self.left_out.items())
        return f" (left out: {parts})" if parts else ""

    def _mapping(self) -> Iterator[str]:
        """The lines of a mapping that reads the table again, for the signals that it holds."""
        yield "[recording]"
        yield f"name = {json.dumps(self.path.stem)}"
        yield f"file = {json.dumps(self.path.name)}"
        yield 'twin_column = "twin"\ntime = "time"\ntime_unit = "ns"\n'
        for twin_type in self._config.types:
            for channel in twin_type.channels:
                twins = [twin for twin in twin_type.twin.twins if self.counts[twin, channel.name]]
                if twins:
                    yield "[[streams]]"
                    yield f"channel = {json.dumps(channel.name)}"
                    yield f"where = {{ channel = {json.dumps(channel.name)}, twin = {json.dumps(twins)} }}"
                    yield f'value = "value"\nunit = {json.dumps(channel.unit)}\n'


def everything_of(twin_type: TypeAssembly) -> Intake:
    """An intake that accepts every time and every value, in the unit of its channel."""
    channels = [replace(channel, scale=1.0, offset=0.0, sd=0.0, low=-inf, high=inf) for channel in twin_type.channels]
    return Intake(channels, twin_type.config.twin.twins, Plausibility.stream(future=2**63))
