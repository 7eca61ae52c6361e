"""``twin validate``: one sensor withheld at a time, as a table, as JSON and as a file that a deployment names."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.vvuq.heated_tank import EPOCH, MINUTE, provide, recorded
from twin_runtime.cli import app

TANK = """\
[twin]
name = "tank"
model = "heated_tank"
twins = ["tank"]
tick = "1 min"
clock = "stream"

[sensors.top]
observes = "top_temperature"
unit = "degC"
noise = 0.1

[sensors.bottom]
observes = "bottom_temperature"
unit = "degC"
noise = 0.1

[inputs.heat]
unit = "delta_degC/s"
"""
MAPPING = """\
[recording]
name = "day"
twin = "tank"
epoch = 2020-09-13T12:27:00Z
file = "day.csv"
time = "minute"
time_unit = "min"
"""
STREAM = """
[[streams]]
channel = "{channel}"
value = "{channel}"
unit = "{unit}"
"""
UNITS = {"heat": "delta_degC/s", "top": "degC", "bottom": "degC"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three hours of a tank with a cold floor: the twin does not know of that."""
    folder = tmp_path_factory.mktemp("validate")
    rows: dict[float, dict[str, float]] = {}
    for reading in recorded(180, 6e-5, ("top", "bottom")).readings():
        rows.setdefault((reading.time - EPOCH) / MINUTE, {})[reading.channel] = reading.value
    lines = [",".join([str(at), *(str(row.get(name, "")) for name in UNITS)]) for at, row in sorted(rows.items())]
    (folder / "day.csv").write_text("\n".join([",".join(["minute", *UNITS]), *lines]) + "\n", "utf-8")
    streams = (STREAM.format(channel=channel, unit=unit) for channel, unit in UNITS.items())
    (folder / "day.recording.toml").write_text(MAPPING + "".join(streams), "utf-8")
    (folder / "tank.toml").write_text(TANK, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        provide(folder, patch)
        yield folder


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def validated(folder: Path, *options: object) -> Result:
    return twin("validate", folder / "tank.toml", folder / "day.recording.toml", *options)


def test_one_object_and_a_file_that_a_deployment_names(folder: Path) -> None:
    out = folder / "tank.evidence.json"
    result = validated(folder, "--withhold", "bottom", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found == json.loads(out.read_text("utf-8"))
    assert list(found["types"]["tank"]["sensors"]) == ["bottom"]
    assert found["types"]["tank"]["sensors"]["bottom"]["outcome"] == "contradicts"
    (folder / "deployed.toml").write_text(f'{TANK}\n[trust]\nevidence = "{out}"\n', "utf-8")
    checked = twin("check", folder / "deployed.toml")
    assert checked.exit_code == 0, checked.output


def test_a_table_for_people(folder: Path) -> None:
    result = validated(folder, "--for", "30 min")
    assert result.exit_code == 0, result.output
    for word in ("sensor", "90 % covers", "outcome", "top", "bottom", "nothing is written without --out"):
        assert word in result.stdout


def test_a_sensor_that_there_is_not(folder: Path) -> None:
    result = validated(folder, "--withhold", "botom")
    assert result.exit_code == 2
    assert "expected the name of a sensor, got 'botom'" in result.stderr
    assert "did you mean bottom?" in result.stderr
