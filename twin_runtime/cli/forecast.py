"""``twin forecast`` and ``twin what-if``: what will happen, and what would."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table

from twin_runtime.cli.options import ConfigPath, Json, duration, instant, instant_text
from twin_runtime.cli.output import display, print_json, progress
from twin_runtime.durations import rough_duration
from twin_runtime.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.core import FloatArray
    from twin_runtime.runs.assembly import TypeAssembly
    from twin_runtime.runs.branch import FutureInput, Posterior

LEADS = 6
"""Lead times that are shown where no interval is asked for."""

StoreArgument = Annotated[
    Path, typer.Argument(metavar="STORE", help="The store of a run; it may be in use.", show_default=False)
]
Length = Annotated[
    int, typer.Option("--for", parser=duration, metavar="DURATION", help="How far ahead.", show_default=False)
]
At = Annotated[
    int | None,
    typer.Option(parser=instant, metavar="TIME", help='From this event time, as in "2020-01-01T00:05:00Z"; else now.'),
]
Every = Annotated[
    int | None,
    typer.Option(parser=duration, metavar="DURATION", help=f"At such intervals; else at {LEADS} lead times."),
]
Quantities = Annotated[
    list[str] | None, typer.Option("--quantity", metavar="NAME", help="Only this one; repeatable. Else the outputs.")
]
Settings = Annotated[
    list[str],
    typer.Option("--set", metavar="INPUT=VALUE@AFTER", help="A sample of an input, after so long; repeatable."),
]


class Lead(NamedTuple):
    """The members' quantities ``[twin, member, quantity]`` so many ns ahead, and under other inputs."""

    ahead: int
    plain: "FloatArray"
    changed: "FloatArray | None" = None


def forecast(
    config: ConfigPath,
    store: StoreArgument,
    length: Length,
    at: At = None,
    every: Every = None,
    quantity: Quantities = None,
    json: Json = False,
) -> None:
    """Say what the twins of a store expect: each quantity with its 90 % interval, so far ahead.

    The posterior is advanced without readings; inputs stay as they are, parameters go on walking. The store is only
    read, and a run that writes it is not disturbed.

    Example: `twin forecast deploy/examples/pipe.toml pipe.db --for "2 min"`
    """
    _answer(config, store, _Question(length, at, every, quantity or [], None), json=json)


def what_if(
    config: ConfigPath,
    store: StoreArgument,
    length: Length,
    settings: Settings,
    at: At = None,
    every: Every = None,
    quantity: Quantities = None,
    json: Json = False,
) -> None:
    """Say what would happen if inputs were other than they are, beside what is expected if they stay.

    Both futures have the same random numbers: what differs is the effect of the inputs alone, and its spread is what
    is not known of that effect.

    Example: `twin what-if deploy/examples/pipe.toml pipe.db --for "2 min" --set "flow=0.5 kg/s" --set "inlet=70@1 min"`
    """
    _answer(config, store, _Question(length, at, every, quantity or [], settings), json=json)


class _Question(NamedTuple):
    length: int
    at: int | None
    every: int | None
    quantities: list[str]
    settings: list[str] | None


def _answer(config: Path, store: Path, question: _Question, *, json: bool) -> None:
    from twin_runtime.config import load
    from twin_runtime.runs.assembly import assemble
    from twin_runtime.runs.branch import posteriors

    assembly = assemble(load(config))
    begun = posteriors(assembly, store, question.at)
    inputs = _inputs([each.of for each in begun], question.settings)
    reports: dict[str, Any] = {"issued": instant_text(max(each.time for each in begun)), "twins": {}}
    for posterior, given in zip(begun, inputs, strict=True):
        leads = list(_leads(posterior, question, given))
        chosen = _chosen(posterior.of, question.quantities)
        if json:
            reports["twins"] |= _described(posterior, leads, chosen)
        else:
            _show(posterior, leads, chosen)
    if json:
        print_json(reports)


def _inputs(types: "Sequence[TypeAssembly]", settings: Sequence[str] | None) -> "list[list[FutureInput] | None]":
    """The declared inputs of each type; each setting must be understood by one of them."""
    from twin_runtime.runs.future_inputs import future_input

    if settings is None:
        return [None for _ in types]
    found: list[list[FutureInput] | None] = [[] for _ in types]
    for written in settings:
        errors = list[ConfigError]()
        for place, of in enumerate(types):
            try:
                understood = future_input(of, written)
                found[place] = [*(found[place] or ()), understood]
                break
            except ConfigError as error:
                errors.append(error)
        else:
            raise errors[0]
    return found


def _leads(posterior: "Posterior", question: _Question, given: "Sequence[FutureInput] | None") -> Iterator[Lead]:
    from twin_runtime.runs.branch import advanced

    tick, total = posterior.of.fleet.tick, max(1, question.length // posterior.of.fleet.tick)
    every = max(1, (question.every or question.length // LEADS) // tick)
    ticks = sorted({*range(every, total + 1, every), total})
    branches = [advanced(posterior, ticks)] + ([] if given is None else [advanced(posterior, ticks, given)])
    with progress("looking ahead", total) as advance:
        for found in zip(*branches, strict=True):
            count, plain = found[0]
            advance(count)
            yield Lead(count * tick, plain, found[1][1] if given is not None else None)


def _chosen(of: "TypeAssembly", names: Sequence[str]) -> list[int]:
    """The places of some quantities; of the outputs where none are named."""
    known = [quantity.name for quantity in of.fleet.model.quantities]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"expected a quantity, got '{name}'", where="--quantity", remedy=did_you_mean(name, known)
            )
    return [known.index(name) for name in names] or list(range(len(of.fleet.model.outputs)))


def _figures(members: "FloatArray") -> dict[str, float]:
    """Of one quantity of one twin; quantiles as those of estimates."""
    from twin_runtime.core import FIGURES
    from twin_runtime.vvuq.figures import summarise

    return dict(zip(FIGURES, summarise(members.copy()[None, :, None])[0, 0].tolist(), strict=True))


def _described(posterior: "Posterior", leads: Sequence[Lead], chosen: Sequence[int]) -> dict[str, Any]:
    quantities = posterior.of.fleet.model.quantities
    return {
        twin: {quantities[q].name: [_of_lead(posterior.time, lead, row, q) for lead in leads] for q in chosen}
        for row, twin in enumerate(posterior.of.fleet.twins)
    }


def _of_lead(issued: int, lead: Lead, row: int, q: int) -> dict[str, Any]:
    from twin_runtime.core import SECOND

    found: dict[str, Any] = {"seconds": lead.ahead / SECOND, "time": instant_text(issued + lead.ahead)}
    found |= _figures(lead.plain[row, :, q])
    if lead.changed is not None:
        found["if"] = _figures(lead.changed[row, :, q])
        found["effect"] = _figures(lead.changed[row, :, q] - lead.plain[row, :, q])
    return found


def _show(posterior: "Posterior", leads: Sequence[Lead], chosen: Sequence[int]) -> None:
    quantities = posterior.of.fleet.model.quantities
    for row, twin in enumerate(posterior.of.fleet.twins):
        display(f"[bold]{twin}[/] from {instant_text(posterior.time)}")
        table = Table("quantity", "unit", *(f"in {rough_duration(lead.ahead)}" for lead in leads), box=None)
        for q in chosen:
            table.add_row(quantities[q].name, quantities[q].unit, *(_cell(lead.plain[row, :, q]) for lead in leads))
            if any(lead.changed is not None for lead in leads):
                changes = [(lead.changed, lead.plain) for lead in leads if lead.changed is not None]
                table.add_row("  if", "", *(_cell(changed[row, :, q]) for changed, _ in changes))
                table.add_row(
                    "  effect", "", *(_cell(changed[row, :, q] - plain[row, :, q]) for changed, plain in changes)
                )
        display(table)


def _cell(members: "FloatArray") -> str:
    """The mean and the 90 % interval."""
    found: Mapping[str, float] = _figures(members)
    return f"{found['mean']:.4g} [{found['q05']:.4g}, {found['q95']:.4g}]"
