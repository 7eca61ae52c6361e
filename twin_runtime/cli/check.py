"""``twin check``: is this configuration right, and what would it run?"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from twin_runtime.cli.options import ConfigPath, Json, duration
from twin_runtime.cli.output import display, print_json, progress
from twin_runtime.cli.tried import try_models
from twin_runtime.durations import duration_text
from twin_runtime.errors import ConfigError, without_credentials

if TYPE_CHECKING:
    from twin_runtime.cli.messages import Fate
    from twin_runtime.config import Config, TwinType
    from twin_runtime.config.adapters import Adapters
    from twin_runtime.config.sections import AssimilationSection
    from twin_runtime.core import Message
    from twin_runtime.ingest.plausibility import Plausibility
    from twin_runtime.modelling.model import Model
    from twin_runtime.runs.assembly import Assembly


def check(
    config: ConfigPath,
    sample: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Say what each message of FILE would become, and why.")
    ] = None,
    live: Annotated[
        int | None,
        typer.Option(parser=duration, metavar="DURATION", help="Likewise of all that arrives for so long."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="STORE", help="Say what a run would carry over from this store, if anything has changed."),
    ] = None,
    json: Json = False,
) -> None:
    """Check a configuration and show what it would run. Nothing is started, and without `--live` nothing is connected.

    The model is compiled, and tried on its prior: what its formulas give, in which units, and whether its steps are
    short enough. What leaves doubt, and no more, is said under "mind".

    Every error is reported with its file, line, key, what was expected, and the remedy; the exit status is then 2.
    A FILE of messages has a line each, as `mosquitto_sub -v` prints them or `twin listen --save` writes them. `--live`
    takes nothing away from a run: it listens under another name.

    Example: `twin check deploy/examples/artery.toml`, `twin check plant.toml --sample seen.jsonl`,
    `twin check artery.toml --store artery.db`
    """
    from twin_runtime.cli.messages import fates
    from twin_runtime.config import load
    from twin_runtime.config.adapters import adapters
    from twin_runtime.ingest.samples import messages_in
    from twin_runtime.runs.assembly import assemble

    configuration = load(config)
    errors = list(_errors(lambda: adapters(configuration), lambda: assemble(configuration)))
    if errors:
        raise ConfigError("\n".join(map(str, errors)))
    assembly, connected = assemble(configuration), adapters(configuration)
    if connected.sources:
        connected.open_source(assembly.router().topics)  # whether it could take them: it connects later
    try_models(assembly)
    if not json:
        _show(configuration, connected, config)
    if store is not None:
        _show_change(assembly, store, json=json)
        return
    if sample is not None or live is not None:
        messages = [] if sample is None else list(messages_in(sample))
        if live is not None:
            messages += _arriving(assembly, connected, live)
        _show_fates(list(fates(assembly, messages)), json=json)
    elif json:
        print_json({"config": str(config), "right": True})


def _show(configuration: "Config", connected: "Adapters", path: Path) -> None:
    from twin_runtime.config.against_model import create_model

    for twin_type in configuration.types:
        display(_overview(twin_type, create_model(twin_type)))
        display(_channels(twin_type))
    display(_connections(configuration, connected))
    display(f"[green]{path} is right[/]")


def _show_change(assembly: "Assembly", path: Path, *, json: bool) -> None:
    """What a run under this configuration would make of a store: go on in its chapter, or begin one."""
    from dataclasses import asdict

    from twin_runtime.runs.chapters import change_of, told

    change = change_of(assembly, path)
    if json:
        kept = {} if change is None else asdict(change.kept)
        shown = ("changes", "beginnings", "taken_over", "left_behind")
        chapter = None if change is None else {"chapter": change.number, **{name: kept[name] for name in shown}}
        print_json({"store": str(path), "begins": chapter})
    elif change is None:
        display(f"{path} goes on in its chapter: nothing has changed that its states depend on")
    else:
        for line in told(change.number, change.kept):
            display(line)


def _arriving(assembly: "Assembly", connected: "Adapters", length: int) -> "list[Message]":
    """All that arrives for so long on the topics of a configuration."""
    from twin_runtime.core import SECOND, Message
    from twin_runtime.ingest.listening import listen

    source, found = connected.open_source(assembly.router().topics, visiting=True), list[Message]()
    with progress("listening", length // SECOND) as advance:
        asyncio.run(listen(source, length, found.extend, lambda left: advance(int(length / SECOND - left))))
    return found


def _show_fates(found: "Sequence[Fate]", *, json: bool) -> None:
    from twin_runtime.cli.messages import described, table_of

    codes = Counter(fate.entry.code.value for fate in found)
    if json:
        print_json({"messages": [described(fate) for fate in found], "codes": codes})
    elif found:
        display(table_of(found))
        display(", ".join(f"{count} {code}" for code, count in codes.items()))
    else:
        display("[yellow]no message came[/]: look whether the topics are right (`twin listen`) and the sensors on")


def _errors(*attempts: Callable[[], object]) -> Iterator[ConfigError]:
    for attempt in attempts:
        try:
            attempt()
        except ConfigError as error:
            yield error


def _overview(twin_type: "TwinType", model: "Model") -> Table:
    twin, how = twin_type.twin, twin_type.assimilation
    twins = ", ".join(twin.twins) if len(twin.twins) <= 5 else f"{', '.join(twin.twins[:5])}, ..."
    keeping = f"{duration_text(twin.wait)} wait, {duration_text(twin.lateness)} lateness, {twin.clock} clock"
    table = Table(show_header=False, box=None)
    for row in (
        ("name", twin.name),
        ("twins", f"{len(twin.twins)}: {twins}"),
        ("model", f"{twin.model}, {len(model.variables)} variables"),
        ("tick", f"{duration_text(twin.tick)}, {keeping}"),
        ("ensemble", f"{twin_type.ensemble.members} members, {_method(how)}"),
        ("readings", _reception(how)),
        ("quantities", ", ".join(f"{quantity.name} ({quantity.unit})" for quantity in model.quantities)),
    ):
        table.add_row(*row)
    return table


def _connections(config: "Config", connected: "Adapters") -> Table:
    table = Table(show_header=False, box=None)
    for row in _sources(config, connected) or [("source", "none: for `twin replay` only")]:
        table.add_row(*row)
    table.add_row("sinks", ", ".join(config.sinks) or "none besides the store")
    table.add_row("store", str(config.store_path))
    return table


def _sources(config: "Config", connected: "Adapters") -> list[tuple[str, str]]:
    """Where messages come from, and how many signals from each."""
    from twin_runtime.config.addresses import by_source

    kinds = {name.partition(".")[0] for name in connected.sources}
    topics = [topic for each in config.types for channel in each.channels for topic in each.topics(channel)]
    wanted = by_source(topics, kinds)
    return [
        (f"source {name}", f"{_address(source.settings)}, signals: {len(wanted.get(name, ()))}")
        for name, source in connected.sources.items()
    ]


def _address(settings: object) -> str:
    return without_credentials(str(getattr(settings, "broker", getattr(settings, "server", "as declared"))))


def _method(how: "AssimilationSection") -> str:
    options = "".join(f", {name} {str(value).lower()}" for name, value in how.options.items())
    adaptive = " and adaptive" if how.adaptive else ""
    return f"{how.method}{options}, inflation {how.inflation:g}{adaptive}, RTPS {how.rtps:g}, RTPP {how.rtpp:g}"


def _reception(how: "AssimilationSection") -> str:
    """What becomes of readings that are late, far off, or the last ones for a while."""
    gate = f"refused beyond {how.gate:g} sd" if how.gate else "never refused as outliers"
    late = "late ones revise the past" if how.late == "fold" else "late ones correct the present"
    smoothing = f", estimates smoothed after {duration_text(how.smoothing)}" if how.smoothing else ""
    correlated = f", {len(how.correlated)} pairs with correlated noise" if how.correlated else ""
    return f"{gate}, {late}{smoothing}{correlated}; on divergence: {how.divergence.response}"


def _channels(twin_type: "TwinType") -> Table:
    from twin_runtime.ingest.plausibility import Plausibility

    columns = ("channel", "kind", "model", "topic", "unit", "noise", "range", "dated")
    table, by_clock = Table(*columns, box=None, title_justify="left"), Plausibility.by(twin_type.twin.clock)
    for channel in twin_type.channels:
        noise = f"{channel.noise:g}" if channel.kind == "sensor" else ""
        span = f"{channel.range[0]:g} to {channel.range[1]:g}" if channel.range else "any"
        dated = _dated(by_clock.bounded(channel.future, channel.oldest))
        table.add_row(channel.name, channel.kind, channel.target, channel.topic, channel.unit, noise, span, dated)
    return table


def _dated(plausible: "Plausibility") -> str:
    """Which times of readings are accepted."""
    oldest = "any time" if plausible.oldest is None else duration_text(plausible.oldest)
    return f"{oldest} ago to {duration_text(plausible.future)} ahead"
