"""``twin forecast`` and ``twin what-if``: what a user reads, and what a program."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.sines import sines
from twin_runtime.cli import app


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of an artery, with its store."""
    folder = sines(tmp_path_factory.mktemp("forecast"))
    replayed = twin("replay", folder / "artery.toml", folder / "sines.recording.toml", "--store", folder / "run.db")
    assert replayed.exit_code == 0, replayed.output
    return folder


def asked(folder: Path, command: str, *options: object) -> Result:
    return twin(command, folder / "artery.toml", folder / "run.db", "--for", "2 s", *options)


def test_each_output_has_its_interval_at_some_lead_times(folder: Path) -> None:
    result = asked(folder, "forecast", "--json")
    assert result.exit_code == 0, result.output
    [leads] = [found["pressure"] for found in json.loads(result.stdout)["twins"].values()]
    assert [lead["seconds"] for lead in leads][-1] == 2.0
    assert len(leads) in (6, 7)
    assert all(lead["q05"] <= lead["q50"] <= lead["q95"] for lead in leads)
    assert json.loads(asked(folder, "forecast", "--json").stdout) == json.loads(result.stdout)


def test_a_table_for_people(folder: Path) -> None:
    result = asked(folder, "forecast", "--every", "1 s", "--quantity", "resistance")
    assert result.exit_code == 0, result.output
    assert "resistance" in result.stdout
    assert "pressure" not in result.stdout
    assert "in 1 s" in result.stdout


def test_an_effect_stands_beside_both_futures(folder: Path) -> None:
    """An R peak half a second from now: before it nothing differs, behind it the pressure does."""
    result = asked(folder, "what-if", "--set", "r_peak@500 ms", "--every", "400 ms", "--json")
    assert result.exit_code == 0, result.output
    [leads] = [found["pressure"] for found in json.loads(result.stdout)["twins"].values()]
    assert leads[0]["seconds"] == 0.4
    assert leads[0]["effect"]["mean"] == leads[0]["effect"]["sd"] == 0.0
    assert any(lead["effect"]["mean"] != 0.0 for lead in leads[1:])
    for lead in leads:
        assert lead["effect"]["mean"] == pytest.approx(lead["if"]["mean"] - lead["mean"], abs=1e-9)


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        ("forecast", ["--quantity", "presure"], "--quantity: expected a quantity, got 'presure'; remedy: did you mean"),
        ("forecast", ["--at", "1990-01-01T00:00:00Z"], "no tick has run by then; remedy: give a later time"),
        ("what-if", ["--set", "r_peek@1 s"], "--set: expected an input, got 'r_peek'; remedy: did you mean r_peak?"),
        ("what-if", ["--set", "r_peak=3"], "'r_peak' is an event, which has a time and no value"),
    ],
)
def test_a_mistake_is_one_clear_error(folder: Path, command: str, options: list[str], expected: str) -> None:
    result = asked(folder, command, *options)
    assert result.exit_code == 2
    assert expected in result.stderr
