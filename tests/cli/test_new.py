"""``twin new``: the package that it writes installs, passes its tests, and does all that its README says."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.servers import mosquitto
from twin_runtime.cli import app

NAME = "glass-boiler"
TWIN = (sys.executable, "-c", "from twin_runtime.cli import main; main()")


def twin(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def installed(package: Path, site: Path) -> None:
    """Install a package as ``pip install -e`` would: its metadata, and a link to its modules."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    metadata = site / "boiler-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    points = [f"[{group}]\n{NAME} = {point[NAME]}\n" for group, point in project["entry-points"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(points))
    (site / "glass_boiler").symlink_to(package / "glass_boiler")


def commands(readme: str) -> list[list[str]]:
    """The commands that a README shows, in order."""
    return [
        shlex.split(line) for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a new package that is installed."""
    folder, site = tmp_path_factory.mktemp("new"), tmp_path_factory.mktemp("site")
    result = twin("new", NAME, "--into", str(folder))
    assert result.exit_code == 0, result.output
    installed(folder / NAME, site)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.chdir(folder)
        yield folder


def test_its_model_is_about_thirty_lines(folder: Path) -> None:
    text = (folder / NAME / "glass_boiler" / "model.py").read_text()
    assert "class GlassBoiler(OdeModel)" in text
    assert len([line for line in text.splitlines() if line.strip()]) < 35


def test_it_is_right_and_recorded_and_replayed_as_its_readme_says(folder: Path) -> None:
    ran = []
    for program, *arguments in commands((folder / NAME / "README.md").read_text()):
        if program == "twin" and arguments[0] == "run":
            break
        if program == "twin":
            result = twin(*arguments)
            assert result.exit_code == 0, result.output
            ran.append(arguments[0])
    assert ran == ["check", "simulate", "replay", "show"]
    shown = json.loads(twin("show", f"{NAME}/replay.db", "--json").stdout)
    assert shown["verdicts"]["trusted"] > 1700
    assert abs(shown["estimates"]["loss"]["mean"] - 5.0) < 3.0 * shown["estimates"]["loss"]["sd"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Test Boiler", "expected a name of small letters, digits, '-' and '_', got 'Test Boiler'; remedy: write it"),
        ("2-tanks", "expected a name of small letters"),
        ("class", "expected a name of small letters"),
        ("artery", "there is a model 'artery' already; remedy: choose another name"),
        ("json", "there is a Python package 'json' already; remedy: choose another name: my-json"),
        ("numpy", "there is a Python package 'numpy' already"),
        ("twin-runtime", "there is a Python package 'twin_runtime' already"),
    ],
)
def test_a_name_that_would_hide_another_package_is_refused(name: str, message: str, tmp_path: Path) -> None:
    result = twin("new", name, "--into", str(tmp_path))
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kettle").mkdir()
    result = twin("new", "kettle", "--into", str(tmp_path))
    assert (result.exit_code, list((tmp_path / "kettle").iterdir())) == (2, [])
    assert "kettle: is there already; remedy: choose another name, or another --into" in result.stderr


@pytest.mark.slow
def test_it_installs_passes_its_tests_and_runs_live(tmp_path: Path) -> None:
    """Every command of the README in its own process, with pip's installation and a real broker."""
    name = "steel-vessel"
    assert twin("new", name, "--into", str(tmp_path)).exit_code == 0
    site, package = tmp_path / "site", tmp_path / name
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *sys.path]), "PYTHONUNBUFFERED": "1"}
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(package)], check=True, timeout=120)
    programs = {"twin": TWIN, "pytest": (sys.executable, "-m", "pytest", "-q")}
    with mosquitto(tmp_path / "broker") as broker:
        config = package / f"{name}.toml"
        config.write_text(config.read_text().replace("127.0.0.1:1883", f"127.0.0.1:{broker.port}"))
        live = None
        for program, *arguments in commands((package / "README.md").read_text()):
            if program == "twin" and arguments[0] == "run":
                command = [*TWIN, *arguments[:-1], "10 s", "--json"]
                live = subprocess.Popen(
                    command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                assert live.stderr is not None
                next(line for line in live.stderr if "connected to mqtt://" in line)
            elif program in programs:
                short = ["--for", "5 s"] if live else []
                command = [*programs[program], *arguments, *short]
                subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
        assert live is not None
        output, _ = live.communicate(timeout=60)
    assert live.returncode == 0
    readings = json.loads(output)["readings"]
    assert (readings["accepted"], readings["late"], readings["rejected"]) == (11, 0, {}), readings
