"""``twin calibrate``: a recording goes in, a configuration with posteriors comes out."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.cli.sines import sines
from tests.config.files import written
from twin_runtime.cli import app

FEW = ("--members", "20", "--iterations", "2", "--every", "3", "--for", "4 s")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The recording of some sines and a configuration for it."""
    return sines(tmp_path)


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def calibrate(folder: Path, *options: object) -> Result:
    return twin("calibrate", folder / "artery.toml", folder / "sines.recording.toml", *FEW, *options)


def calibration_of(folder: Path, *options: object) -> Any:  # noqa: ANN401  # whatever was printed
    result = calibrate(folder, *options, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


@pytest.mark.parametrize("method", ["es-mda", "ies"])
def test_it_ends_with_one_json_object_and_fits_better_than_before(method: str, folder: Path) -> None:
    figures = calibration_of(folder, "--method", method)
    assert (figures["method"], figures["readings"], figures["members"]) == (method, 34, 20)
    misfits = [misfit["of_members"] for misfit in figures["misfits"]]
    assert misfits[-1] < 0.5 * misfits[0]
    assert "pulse" in figures["posteriors"]
    assert "compliance" not in figures["posteriors"], "the twin itself does not correct it"


def test_the_file_that_it_writes_is_right_and_names_its_origin(folder: Path) -> None:
    out = folder / "calibrated.toml"
    figures = calibration_of(folder, "--out", out, "--seed", 5)
    head = out.read_text().splitlines()
    assert head[0].startswith("# Calibrated by sines.recording.toml, twin patient-1, 2020-01-01T00:00:00.000Z to ")
    assert head[1] == "# 34 readings, es-mda, 20 members, seed 5."
    assert twin("check", out).stdout.rstrip().endswith("calibrated.toml is right")
    prior = told_prior(folder, out, "pulse")
    assert prior["q50"] == pytest.approx(figures["posteriors"]["pulse"]["posterior"]["q50"], rel=1e-8)
    assert prior["q95"] == pytest.approx(figures["posteriors"]["pulse"]["posterior"]["q95"], rel=1e-8)


def told_prior(folder: Path, config: Path, name: str) -> Any:  # noqa: ANN401
    """The prior with which a calibration by another configuration starts."""
    result = twin("calibrate", config, folder / "sines.recording.toml", *FEW, "--json")
    return json.loads(result.stdout)["posteriors"][name]["prior"]


def test_the_same_seed_gives_the_same_file(folder: Path) -> None:
    texts = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        calibration_of(folder, "--out", folder / f"{name}.toml", "--seed", seed)
        texts.append((folder / f"{name}.toml").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_for_people_it_is_tables_and_plain_words(folder: Path) -> None:
    result = calibrate(folder, "--variables", "pulse, decay", "--out", folder / "out.toml")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = " ".join(result.stdout.split())
    assert "34 readings of patient-1, 20 members, es-mda misfit a reading of the mean of the members prior" in lines
    assert "parameter prior 90 % interval posterior 90 % interval spread left unit pulse" in lines
    assert "mind: abp is missed by" in lines, "sines are no pulse wave"
    assert "written to" in lines
    assert "pulse = {" in (folder / "out.toml").read_text()
    assert "impedance_time =" not in (folder / "out.toml").read_text()


def test_a_file_that_is_there_is_kept_unless_it_is_forced(folder: Path) -> None:
    out = folder / "artery.toml"
    before = out.read_text()
    result = calibrate(folder, "--out", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "artery.toml: there is such a file already; remedy: give another --out, or --force" in result.stderr
    assert out.read_text() == before
    assert calibrate(folder, "--out", out, "--force").exit_code == 0
    assert out.read_text().endswith(before.partition("[sensors.abp]")[2])


def test_of_a_fleet_one_twin_must_be_chosen(folder: Path) -> None:
    written(
        folder,
        ('["patient-1"]', '["patient-1", "patient-2"]'),
        ("[inputs.r_peak]", '[inputs.r_peak]\ntopic = "{twin}/r"'),
    )
    result = calibrate(folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected one twin, got 2" in result.stderr
    assert "remedy: choose one: --twin patient-1" in result.stderr
    assert calibration_of(folder, "--twin", "patient-1")["twin"] == "patient-1"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--method", "esmda"), "expected a method of calibration, got 'esmda'; remedy: did you mean es-mda?"),
        (("--variables", "puls"), "has no uncertain parameter 'puls'; remedy: did you mean pulse?"),
        (("--out", "nowhere/at/all.toml"), "all.toml: cannot be written: there is no such folder; remedy: create it"),
        (("--from", "1 h"), "no reading of a sensor of twin 'patient-1' lies in that segment"),
    ],
)
def test_what_cannot_be_done_is_reported_with_its_remedy(
    options: tuple[str, str], complaint: str, folder: Path
) -> None:
    result = calibrate(folder, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


def test_what_is_no_recording_is_reported(folder: Path) -> None:
    result = twin("calibrate", folder / "artery.toml", folder / "sines.csv")
    assert result.exit_code == 2
    assert "expected the mapping of a recording; remedy: give a mapping of type toml" in result.stderr


def test_without_the_library_that_writes_it_reports_it_before_the_long_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    result = calibrate(folder, "--out", folder / "out.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'twin calibrate' needs the Python package 'tomlkit'; remedy: pip install" in result.stderr
