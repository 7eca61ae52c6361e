"""``twin show``: what a store holds."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from twin_runtime.cli.options import Json, duration, instant_text
from twin_runtime.cli.output import display, print_json
from twin_runtime.cli.picture import Plot, draw
from twin_runtime.cli.report import print_summary
from twin_runtime.errors import StoreError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.core import Record
    from twin_runtime.store.identity import TypeIdentity
    from twin_runtime.store.reader import Reader


def show(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The file of a store.", show_default=False)],
    twin: Annotated[str | None, typer.Option(help="Only this twin's estimates.")] = None,
    quantity: Annotated[str | None, typer.Option(help="Only estimates of this quantity.")] = None,
    last: Annotated[int, typer.Option(min=0, help="List the estimates of so many of the newest ticks.")] = 0,
    plot: Plot = None,
    span: Annotated[
        int | None, typer.Option(parser=duration, metavar="DURATION", help="Draw only the newest so much.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a store holds: accounting, verdicts, newest estimates. The run that writes it may go on meanwhile.

    Example: `twin show artery.db --quantity resistance --last 10`

    Example: `twin show artery.db --plot artery.png --span "10 min"`
    """
    from twin_runtime.runs.stored_summary import stored_summary
    from twin_runtime.store.reader import Reader

    with Reader.open(store) as reader:
        reader.require_intact()
        _known("twin", twin, reader.identity.twins, store)
        names = dict.fromkeys(q.name for twin_type in reader.identity.types for q in twin_type.quantities)
        _known("quantity", quantity, names, store)
        summary = _narrowed(stored_summary(reader), twin, quantity)
        rows = list(_rows(reader, last, twin, quantity)) if last else []
        if plot is not None:
            draw(reader, plot, twin, quantity, span or 0)
    if json:
        print_json(summary | ({"last": rows} if last else {}))
        return
    print_summary(summary, json=False)
    if rows:
        display(_series(rows))
    if plot is not None:
        display(f"drawn into {plot}")


def _known(option: str, wanted: str | None, names: "Collection[str]", store: Path) -> None:
    if wanted is not None and wanted not in names:
        raise StoreError(f"there is no {option} '{wanted}' in it", where=str(store), remedy=did_you_mean(wanted, names))


def _narrowed(summary: dict[str, Any], twin: str | None, quantity: str | None) -> dict[str, Any]:
    """The summary with the estimates of one twin, of one quantity, or both."""
    if "types" in summary:
        return summary | {"types": {name: _narrowed(part, twin, quantity) for name, part in summary["types"].items()}}
    estimates = summary["estimates"]
    if twin is not None and twin in estimates:
        estimates = estimates[twin]
    if quantity is not None:
        estimates = _only(quantity, estimates)
    return summary | {"estimates": estimates}


def _only(quantity: str, estimates: dict[str, Any]) -> dict[str, Any]:
    """The estimates of one quantity, of a single twin as of a fleet."""
    if quantity in estimates:
        return {quantity: estimates[quantity]}
    return {name: {quantity: own[quantity]} for name, own in estimates.items() if quantity in own}


def _rows(reader: "Reader", last: int, twin: str | None, quantity: str | None) -> Iterator[dict[str, Any]]:
    """One row for every tick, twin and quantity among the newest ticks of each type."""
    for place, known in enumerate(reader.identity.types):
        for record in reader.latest((reader.frontier(place) or 0) - last, place):
            yield from (
                row
                for row in _of_record(known, record)
                if twin in (None, row["twin"]) and quantity in (None, row["quantity"])
            )


def _of_record(known: "TypeIdentity", record: "Record") -> Iterator[dict[str, Any]]:
    from twin_runtime.core import FIGURES, Standing, Trust, trust_of

    for i, row in enumerate(record.rows):
        about = {
            "tick": record.tick,
            "time": (record.tick + 1) * known.tick,
            "twin": known.twins[row],
            "revision": int(record.revision[i]),
            "trust": Trust(int(record.trust[i])).name.lower(),
            "reasons": known.reasons(int(record.reasons[i])),
        }
        columns = zip(known.quantities, record.figures[i].tolist(), record.standing[i].tolist(), strict=True)
        for quantity, figures, standing in columns:
            yield {
                **about,
                "standing": Standing(standing).name.lower(),
                "quantity_trust": trust_of(Trust(int(record.trust[i])), Standing(standing)).name.lower(),
                "quantity": quantity.name,
                "unit": quantity.unit,
                **dict(zip(FIGURES, figures, strict=True)),
            }


def _series(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "time", "twin", "quantity", "mean", "sd", "90 % interval", "unit", "trust", "twin's verdict", "rev.", box=None
    )
    for row in rows:
        trust = f"{row['quantity_trust']} ({row['standing']})"
        verdict = " ".join((row["trust"], *row["reasons"]))
        interval = f"{row['q05']:.4g} to {row['q95']:.4g}"
        time, figures = instant_text(row["time"]), (f"{row['mean']:.4g}", f"{row['sd']:.2g}", interval)
        table.add_row(time, row["twin"], row["quantity"], *figures, row["unit"], trust, verdict, str(row["revision"]))
    return table
