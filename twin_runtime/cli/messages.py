"""What a configuration makes of messages: what each would become, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from twin_runtime.cli.options import instant_text
from twin_runtime.core import Code, Entry, Message
from twin_runtime.durations import rough_duration

if TYPE_CHECKING:
    from twin_runtime.runs.assembly import Assembly, TypeAssembly

_SHOWN = 60
"""Letters of a payload that are shown."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a message becomes for one of its takers: ``signal`` is TWIN/CHANNEL, empty where there is none."""

    message: Message
    signal: str
    entry: Entry
    unit: str = ""

    @property
    def kind(self) -> tuple[str, str, Code]:
        """What it has in common with others of its like."""
        return self.message.topic, self.signal, self.entry.code


def fates(assembly: "Assembly", messages: Iterable[Message]) -> Iterator[Fate]:
    """What each message becomes, in a run that has seen the ones before it."""
    router, units = assembly.router(), [_units(each) for each in assembly.types]
    for message in messages:
        for entry in router.read(message):
            if entry.reading is None:
                yield Fate(message, "", entry)
            else:
                of, (twin, channel) = assembly.types[entry.type], entry.reading[:2]
                signal = f"{of.config.twin.twins[twin]}/{of.channels[channel].name}"
                yield Fate(message, signal, entry, units[entry.type][channel])


def _units(of: "TypeAssembly") -> list[str]:
    """The model's unit of each channel."""
    outputs, inputs = of.fleet.model.outputs, of.fleet.model.inputs
    units = {row.name: row.unit for row in outputs} | {row.name: row.unit for row in inputs}
    return [units[channel.target] for channel in of.config.channels]


def described(fate: Fate) -> dict[str, object]:
    """A fate as JSON has it."""
    message, entry = fate.message, fate.entry
    found: dict[str, object] = {"topic": message.topic, "arrival": message.arrival, "code": entry.code.value}
    if entry.reading is None:
        return found | {"why": entry.detail, "payload": message.payload[:_SHOWN].decode(errors="replace")}
    reading = entry.reading
    return found | {"signal": fate.signal, "time": reading.time, "value": reading.value, "unit": fate.unit}


def table_of(found: Iterable[Fate]) -> Table:
    """The fates of one kind in a row, with the first of them as an example."""
    first, counts = dict[tuple[str, str, Code], Fate](), dict[tuple[str, str, Code], int]()
    for fate in found:
        first.setdefault(fate.kind, fate)
        counts[fate.kind] = counts.get(fate.kind, 0) + 1
    table = Table("messages", "topic", "becomes", "the first of them", box=None)
    for kind, fate in first.items():
        becomes = fate.signal or f"[red]{fate.entry.code.value}[/]"
        table.add_row(str(counts[kind]), Text(fate.message.topic), becomes, Text(_example(fate)))
    return table


def _example(fate: Fate) -> str:
    message, reading = fate.message, fate.entry.reading
    if reading is None:
        return f"{fate.entry.detail}: {message.payload[:_SHOWN].decode(errors='replace')}"
    value = f"{reading.value:.6g} {fate.unit} at {instant_text(reading.time)}"
    if reading.time == message.arrival:
        return f"{value}, when it arrived"
    age = message.arrival - reading.time
    return f"{value}, {rough_duration(abs(age))} {'before' if age >= 0 else 'after'} it arrived"
