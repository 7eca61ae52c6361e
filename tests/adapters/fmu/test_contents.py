"""``twin models --fmu FILE``: what an FMU offers, and tables that run as they are pasted."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.adapters.fmu.building import NEEDS_COMPILER, Tank
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.runs.assembly import assemble

pytestmark = NEEDS_COMPILER


@pytest.mark.parametrize("version", [2, 3])
def test_it_lists_variables_with_causality_unit_and_start(tmp_path: Path, version: int) -> None:
    result = CliRunner().invoke(app, ["models", "--fmu", str(Tank(version, saves=True).build(tmp_path)), "--json"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    rows = {row["name"]: row for row in found["variables"]}
    assert (rows["level"]["kind"], rows["level"]["unit"], rows["level"]["start"]) == ("state", "m", "1.0")
    assert (rows["area"]["kind"], rows["area"]["unit"]) == ("parameter", "m^2")
    assert (rows["inflow"]["kind"], rows["outflow"]["kind"]) == ("input", "output")
    assert "tunable" in rows["conductance"]["note"]
    assert found["facts"]["FMI"] == f"{version}.0, co-simulation"
    assert found["facts"]["its state"] == "can be saved as bytes; 2 states are listed"
    assert found["refused"] == ""


def test_the_tables_that_it_prints_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Tank().build(tmp_path)
    result = CliRunner().invoke(app, ["models", "--fmu", "tank.fmu"])
    assert result.exit_code == 0, result.stderr
    text = result.stdout[result.stdout.index("[twin]") :]
    assert tomllib.loads(text)["model"]["priors"]["level"] == {"normal": [1, 0.1]}
    path = tmp_path / "tank.toml"
    path.write_text(text.replace('# "conductance"', '"conductance"'))
    [of] = assemble(load(path)).types
    assert [v.name for v in of.fleet.model.variables] == ["level", "filtered", "conductance", "time"]


def test_it_says_why_no_twin_can_run_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "--fmu", str(Tank(states=()).build(tmp_path))])
    assert result.exit_code == 0, result.stderr
    shown = " ".join(result.stdout.split())
    assert "its state cannot be saved as bytes; 0 states are listed" in shown
    assert "No twin can run it: lists no states" in shown
    assert "[twin]" not in shown
