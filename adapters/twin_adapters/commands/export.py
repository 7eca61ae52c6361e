"""``twin export``: the estimates of a store as a flat table, for any other program."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twin_runtime.cli.output import progress

if TYPE_CHECKING:
    from twin_adapters.commands.tables import TableWriter

Format = Literal["csv", "parquet", "fhir"]


def export(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="The store to read; it may be in use.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write; without it beside the store.")
    ] = None,
    table_format: Annotated[
        Format | None,
        typer.Option("--format", help="Without it by the suffix of FILE, or parquet. fhir: observations, a line each."),
    ] = None,
    revisions: Annotated[bool, typer.Option("--revisions", help="Write every revision, not only the newest.")] = False,
) -> None:
    """Write the estimates of STORE with their verdicts as a table: one row a time, twin and quantity.

    Example: `twin export artery.db --format csv --out artery.csv`
    """
    from twin_adapters.commands.estimates import every_revision, expected, newest_revisions, tables
    from twin_adapters.commands.tables import format_of
    from twin_runtime.store.reader import Reader

    of_suffix = "parquet" if out is None else "fhir" if out.suffix == ".ndjson" else format_of(out)
    chosen = table_format or of_suffix
    path = out or store.with_suffix(".ndjson" if chosen == "fhir" else f".{chosen}")
    rows = 0
    with Reader.open(store) as reader, closing(_begun(path, chosen)) as file:
        reader.require_intact()
        estimates, total = (every_revision(reader), None) if revisions else (newest_revisions(reader), expected(reader))
        with progress(f"writing {path.name}", total) as advance:
            for table in tables(estimates, reader.joint):
                file.write_table(table)
                rows += table.num_rows
                advance(rows)
    typer.echo(f"{path}: {rows} rows")


def _begun(path: Path, chosen: Format) -> "TableWriter":
    from twin_adapters.commands.estimates import SCHEMA
    from twin_adapters.commands.observations import ObservationWriter
    from twin_adapters.commands.tables import open_table_file

    return ObservationWriter(path) if chosen == "fhir" else open_table_file(path, chosen, SCHEMA)
