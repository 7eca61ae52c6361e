"""``twin export``: a store as a flat table that any program reads."""

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.store.making import IDENTITY, TICK, record
from twin_adapters.commands import export
from twin_runtime.cli.show import show
from twin_runtime.core import FIGURES, Standing, Trust, trust_of
from twin_runtime.errors import ConfigError, StoreError
from twin_runtime.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two ticks of two twins; the first was revised for the second twin, with two checks failing."""
    path = tmp_path / "ward.db"
    with Store.create_or_open(path, IDENTITY) as opened:
        opened.write(records=[record(10), record(11), record(10, revision=1, rows=(1,), reasons=0b101)])
    return path


def test_the_newest_revision_of_every_estimate_is_a_row_a_quantity(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert len(rows) == 2 * 2 * 2
    second = [row for row in rows if row["twin"] == "patient-2" and row["quantity"] == "resistance"]
    assert [int(row["time"].timestamp() * 1e9) for row in second] == [11 * TICK, 12 * TICK]
    assert [(row["valid_until"] - row["time"]).total_seconds() for row in second] == [5.0, 5.0]
    assert [(row["revision"], row["trust"], row["reasons"]) for row in second] == [
        (1, "degraded", "age innovation"),
        (0, "trusted", ""),
    ]
    assert [row["unit"] for row in second] == ["mmHg*s/mL"] * 2
    known = [record(10, revision=1, rows=(1,)).standing[0, 1], record(11).standing[1, 1]]
    assert [row["standing"] for row in second] == [Standing(int(standing)).name.lower() for standing in known]
    verdicts = (Trust.DEGRADED, Trust.TRUSTED)
    trust = [trust_of(verdict, Standing(int(standing))) for verdict, standing in zip(verdicts, known, strict=True)]
    assert [row["quantity_trust"] for row in second] == [level.name.lower() for level in trust]
    figures = record(10, revision=1, rows=(1,)).figures[0, 1]
    assert [second[0][figure] for figure in FIGURES] == figures.tolist()


def test_every_revision_can_be_had(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "out.parquet", revisions=True)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["revision"] for row in rows] == [0] * 8 + [1] * 2


def test_csv_holds_the_same_rows_to_the_last_digit(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(store, table_format="csv")
    assert capsys.readouterr().out == f"{tmp_path}/ward.csv: 8 rows\n"
    with (tmp_path / "ward.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["time"] == "1970-01-01 00:00:00.440000000Z"
    assert [float(rows[0][figure]) for figure in FIGURES] == record(10).figures[0, 0].tolist()


@pytest.mark.parametrize("command", [export, show])
def test_what_is_not_as_it_was_written_is_not_shown(store: Path, command: Callable[[Path], None]) -> None:
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE estimate SET trust = 0 WHERE revision = 1")
    with pytest.raises(StoreError, match=r"is damaged: the entries .* or estimates 1 to 5 are not those"):
        command(store)


def test_what_cannot_be_exported_is_reported(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a file that ends in .csv or .parquet, got 'out.xls'"):
        export(store, tmp_path / "out.xls")
    with pytest.raises(ConfigError, match="cannot be written"):
        export(store, tmp_path / "no folder" / "out.csv")
    with pytest.raises(StoreError):
        export(tmp_path / "nothing.db", tmp_path / "out.csv")
