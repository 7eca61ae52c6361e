"""``twin check``: is this configuration right, and what would it run?"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from twin_runtime.cli.options import ConfigPath
from twin_runtime.cli.output import display
from twin_runtime.durations import duration_text
from twin_runtime.errors import ConfigError

if TYPE_CHECKING:
    from twin_runtime.config import Config
    from twin_runtime.config.sections import AssimilationSection
    from twin_runtime.modelling.model import Model


def check(config: ConfigPath) -> None:
    """Check a configuration and say what it would run. Nothing is started, nothing is connected.

    Every error is told with its file, line, key, what was expected, and the remedy; the exit status is then 2.

    Example: `twin check deploy/examples/artery.toml`
    """
    from twin_runtime.config import load
    from twin_runtime.config.adapters import adapters
    from twin_runtime.config.against_model import create_model
    from twin_runtime.runs.assembly import assemble

    configuration = load(config)
    errors = list(_errors(lambda: adapters(configuration), lambda: assemble(configuration)))
    if errors:
        raise ConfigError("\n".join(map(str, errors)))
    display(_overview(configuration, create_model(configuration)))
    display(_channels(configuration))
    display(f"[green]{config} is right[/]")


def _errors(*attempts: Callable[[], object]) -> Iterator[ConfigError]:
    for attempt in attempts:
        try:
            attempt()
        except ConfigError as error:
            yield error


def _overview(config: "Config", model: "Model") -> Table:
    twin = config.twin
    twins = ", ".join(twin.twins) if len(twin.twins) <= 5 else f"{', '.join(twin.twins[:5])}, ..."
    keeping = f"{duration_text(twin.wait)} wait, {duration_text(twin.lateness)} lateness, {twin.clock} clock"
    table = Table(show_header=False, box=None)
    for row in (
        ("twins", f"{len(twin.twins)}: {twins}"),
        ("model", f"{twin.model}, {len(model.variables)} variables"),
        ("tick", f"{duration_text(twin.tick)}, {keeping}"),
        ("ensemble", f"{config.ensemble.members} members, {_method(config.assimilation)}"),
        ("readings", _reception(config.assimilation)),
        ("quantities", ", ".join(f"{quantity.name} ({quantity.unit})" for quantity in model.quantities)),
        ("source", (config.mqtt or {}).get("broker", "none: for `twin replay` only")),
        ("sinks", ", ".join(config.sinks) or "none besides the store"),
        ("store", str(config.store_path)),
    ):
        table.add_row(*row)
    return table


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


def _channels(config: "Config") -> Table:
    table = Table("channel", "kind", "model", "topic", "unit", "noise", "range", box=None, title_justify="left")
    for channel in config.channels:
        noise = f"{channel.noise:g}" if channel.kind == "sensor" else ""
        span = f"{channel.range[0]:g} to {channel.range[1]:g}" if channel.range else "any"
        table.add_row(channel.name, channel.kind, channel.target, channel.topic, channel.unit, noise, span)
    return table
