"""``twin check`` and ``twin models``: what would run, and what could."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.config.files import written
from tests.conftest import REPOSITORY
from tests.packages import install
from twin_runtime.cli import app


def test_a_right_configuration_is_summarised_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path)
    result = CliRunner().invoke(app, ["check", str(path)])
    output = " ".join(result.stdout.split())
    assert (result.exit_code, result.stderr) == (0, "")
    assert "twins 1: patient-1" in output
    assert "tick 40 ms, 100 ms wait, 5 s lateness, wall clock" in output
    assert "ensemble 64 members, etkf, inflation 1, RTPS 0.3" in output
    assert "abp sensor pressure {twin}/abp mmHg 2 -30 to 300" in output
    assert "resistance (mmHg*s/mL)" in output
    assert output.endswith("artery.toml is right")
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_wrong_with_the_model_and_with_the_adapters_is_reported_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, ('"pressure"', '"presure"'), ("[trust.checks]", "[mqtt]\nport = 1\n[trust.checks]"))
    result = CliRunner().invoke(app, ["check", str(path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "mqtt.port: unknown key" in result.stderr
    assert "sensors.abp.observes: expected an output of model 'artery', got 'presure'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["artery", "pipe", "pipe-no-wall", "plant"])
def test_the_examples_are_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    result = CliRunner().invoke(app, ["check", f"deploy/examples/{name}.toml"])
    assert (result.exit_code, result.stderr) == (0, "")


def test_models_are_listed_with_their_units() -> None:
    listed = CliRunner().invoke(app, ["models"]).stdout
    assert "windkessel  Resistance, compliance and impedance of an arterial tree" in listed
    assert "inputs     flow (mL/s)" in listed


def test_one_broken_model_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[twin_runtime.models]\nbroken = tinkering_bad:Model\n"
    monkeypatch.syspath_prepend(str(install(tmp_path, points, {"tinkering_bad": "1 / 0\n"})))
    result = CliRunner().invoke(app, ["models", "--json"])
    assert result.exit_code == 0
    assert "left out: tinkering_bad:Model: 'broken' cannot be imported: ZeroDivisionError" in result.stderr
    models = json.loads(result.stdout)
    assert models["windkessel"]["inputs"] == {"flow": "mL/s"}
    assert models["windkessel"]["variables"]["resistance"] == "mmHg*s/mL"
