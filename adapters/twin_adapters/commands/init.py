"""``twin init``: a first configuration for a model and what arrives."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from twin_runtime.cli.options import Data, duration
from twin_runtime.cli.output import display, progress
from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin_adapters.discovery.deployment import Plan
    from twin_adapters.discovery.matching import Match
    from twin_runtime.modelling.model import Model


TWENTY_SECONDS = cast("int", "20 s")  # typer parses the default as well


def init(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The name of a model: `twin models` lists them.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The configuration to write.", show_default=False)],
    broker: Annotated[
        str | None, typer.Option(metavar="BROKER", help="mqtt://HOST:PORT, or a configuration whose [mqtt] names it.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="MAPPING", help="The mapping of a recording, instead of a broker.")
    ] = None,
    data: Data = None,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", metavar="PATTERN", help="Look at these topics only; repeatable.")
    ] = None,
    length: Annotated[
        int, typer.Option("--for", parser=duration, metavar="DURATION", help="How long to listen to the broker.")
    ] = TWENTY_SECONDS,
) -> None:
    """Write a first configuration that runs: what arrives on a broker, or is in a recording, as channels of MODEL.

    Values are matched with the model's inputs and outputs by their names and units. What is not sure stands in the file
    as a comment with a question mark.

    Example: `twin init pipe --broker mqtt://127.0.0.1:1883 --out pipe.toml`
    """
    from twin_adapters.discovery.deployment import deployment

    if (broker is None) == (recording is None):
        raise ConfigError("expected --broker or --recording", where="twin init", remedy="give one of them")
    if out.exists():
        raise ConfigError("is there already", where=str(out), remedy="name another file, or move this one away")
    made = _model(model)
    if recording is None:
        assert broker is not None
        plan = _heard(model, made, broker, topic or ["#"], length)
    else:
        plan = _recorded(model, made, recording, data)
    out.write_text(deployment(plan), "utf-8")
    _report(out, plan, recording, data)


def _model(name: str) -> "Model":
    from twin_runtime import entry_points
    from twin_runtime.errors import did_you_mean

    known = entry_points.found(entry_points.MODELS)
    if name not in known:
        raise ConfigError(f"no model '{name}' is installed", where="twin init", remedy=did_you_mean(name, known))
    made: Model = entry_points.loaded(known[name])()  # type: ignore[operator]  # a model class
    return made


def _heard(name: str, model: "Model", broker: str, topics: "Sequence[str]", length: int) -> "Plan":
    from twin_adapters.discovery.deployment import Plan
    from twin_adapters.discovery.groups import grouped
    from twin_adapters.discovery.listening import broker_of, heard
    from twin_adapters.discovery.matching import candidates, matched

    with progress("listening", length // SECOND) as advance:
        traffic, _ = asyncio.run(heard(broker, topics, length, lambda _, left: advance(int(length / SECOND - left))))
    matches = matched(model, candidates(grouped(list(traffic.topics.values()))))
    return Plan(name, matches, traffic.topics, broker_of(broker).broker)


def _recorded(name: str, model: "Model", mapping: Path, data: Path | None) -> "Plan":
    from twin_adapters.discovery.deployment import Plan
    from twin_adapters.discovery.matching import matched
    from twin_adapters.discovery.recorded import candidates_of, traffic_of
    from twin_adapters.recordings import load

    recording = load(mapping, data)
    return Plan(name, matched(model, candidates_of(recording)), traffic_of(recording), None)


def _report(out: Path, plan: "Plan", recording: Path | None, data: Path | None) -> None:
    """What the file says, whether it is right, and what comes next."""
    from twin_runtime.config import load
    from twin_runtime.config.adapters import adapters
    from twin_runtime.runs.assembly import assemble

    for match in plan.matches:
        display(f"{match.wanted.kind} {match.wanted.name} ({match.wanted.unit}): {_said(match)}")
    configuration = load(out)
    adapters(configuration)
    assemble(configuration)
    questions = out.read_text("utf-8").count("# ?")
    display(f"[green]{out} is right[/], with {questions} questions in it (lines with `# ?`)")
    nexts = (f"twin check {out} --live 10s", f"twin run {out}") if recording is None else ()
    folder = "" if data is None else f" --data {data}"
    for command in nexts or (f"twin replay {out} {recording}{folder}",):
        display(f"  {command}")


def _said(match: "Match") -> str:
    from twin_adapters.discovery.matching import SURE

    if match.candidate is None:
        return "[yellow]nothing fits[/]"
    found = match.candidate
    sure = "" if match.share >= SURE and not match.others else "[yellow]?[/] "
    return f"{sure}{found.value.path or 'the value'} of {found.topic}"
