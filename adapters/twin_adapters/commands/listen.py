"""``twin listen``: what arrives on a broker, and what a configuration would say of it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from twin_runtime.cli.options import Json, duration
from twin_runtime.cli.output import MESSAGES, display, print_json
from twin_runtime.durations import rough_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin_adapters.discovery.groups import Group
    from twin_adapters.discovery.traffic import TopicTraffic, Traffic
    from twin_runtime.core import Message

SHOWN = 30
"""Topics that are shown; all are in the TOML."""

Where = Annotated[
    str, typer.Argument(metavar="BROKER", help="mqtt://HOST:PORT, or a configuration whose [mqtt] names it.")
]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", metavar="PATTERN", help="Listen to these topics only; repeatable.")
]
Length = Annotated[int, typer.Option("--for", parser=duration, metavar="DURATION", help="How long to listen.")]


TEN_SECONDS = cast("int", "10 s")  # typer parses the default as well


def listen(
    broker: Where,
    topic: Topics = None,
    length: Length = TEN_SECONDS,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the messages, a line each, for `twin check --sample`.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what arrives on a broker: topics, rates, sizes, ages, and what the messages probably are.

    At the end it prints the tables of a configuration for them. It takes nothing from a run. A broker that asks for
    credentials: name a file with a table [mqtt].

    Example: `twin listen mqtt://127.0.0.1:1883 --topic "zigbee2mqtt/#" --for "20 s"`
    """
    from twin_adapters.discovery.draft import channels
    from twin_adapters.discovery.groups import grouped
    from twin_adapters.discovery.listening import heard

    with Live(console=MESSAGES, transient=True, auto_refresh=False) as live:
        shown = live.console.is_terminal

        def show(traffic: "Traffic", left: float) -> None:
            if shown:
                live.update(_table(list(traffic.topics.values()), f"{left:.0f} s left"), refresh=True)

        traffic, messages = asyncio.run(heard(broker, topic or ["#"], length, show))
    if save is not None:
        _save(save, messages)
    topics = list(traffic.topics.values())
    groups = grouped(topics)
    if json:
        print_json({"topics": [_described(each) for each in topics], "toml": channels(groups)})
        return
    if not topics:
        display("[yellow]nothing came[/]: are the sensors on, and may this client read the topics?")
        return
    display(_table(topics, "", groups))
    if traffic.left_out:
        display(f"[yellow]{traffic.left_out} messages on further topics are left out[/]: give --topic")
    display("\n# What a configuration says of them; `twin init MODEL` writes a whole one.\n")
    typer.echo(channels(groups))


def _save(path: Path, messages: "Sequence[Message]") -> None:
    from twin_runtime.ingest.samples import line_of

    path.write_text("".join(f"{line_of(message)}\n" for message in messages), "utf-8")


def _table(topics: "Sequence[TopicTraffic]", title: str, groups: "Sequence[Group]" = ()) -> Table:
    guesses = {topic: group.guess for group in groups for topic in group.topics}
    columns = ("topic", "messages", "1/s", "bytes", *(("kind", "time", "age", "values") if groups else ("last",)))
    table = Table(*columns, box=None, title=title or None, title_justify="left")
    for each in sorted(topics, key=lambda t: t.topic)[:SHOWN]:
        rate = "" if each.rate is None else f"{each.rate:.3g}"
        row: list[str | Text] = [Text(each.topic), str(each.count), rate, str(each.size)]
        if not groups:
            row.append(Text(each.kept[-1].payload[:60].decode(errors="replace")))
        elif each.topic in guesses:
            found = guesses[each.topic]
            age = "" if found.clock.age is None else rough_duration(max(found.clock.age, 0))
            values = ", ".join(f"{v.name} {v.example:g}{f' {v.unit}' if v.unit else ''}" for v in found.values[:4])
            row += [found.kind or "native", found.clock.unit if found.clock.found else "on arrival", age, Text(values)]
        else:
            row += ["[yellow]no number found[/]", "", "", Text(each.kept[-1].payload[:40].decode(errors="replace"))]
        table.add_row(*row)
    if len(topics) > SHOWN:
        table.add_row(f"... and {len(topics) - SHOWN} more")
    return table


def _described(each: "TopicTraffic") -> dict[str, Any]:
    from twin_adapters.discovery.guess import guess

    found = guess(each.topic, list(each.kept))
    report: dict[str, Any] = {"topic": each.topic, "messages": each.count, "rate": each.rate, "bytes": each.size}
    if found is None:
        return report
    values = [{"path": v.path, "name": v.name, "unit": v.unit, "example": v.example} for v in found.values]
    clock = {"found": found.clock.found, "unit": found.clock.unit, "zone": found.clock.zone, "age": found.clock.age}
    return report | {"kind": found.kind or "native", "time": clock, "values": values}
