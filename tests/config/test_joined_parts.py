"""Parts that are no differential equations, composed in the configuration: a tank whose water flows through a pipe."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.config.against_model import create_model
from twin_runtime.errors import ConfigError

HEATING = """
[twin]
name = "heating"
model = "coupled"
twins = ["rig"]
tick = "1 s"
wait = "2 s"
clock = "stream"

[model]
exchange = "1 s"

[model.parts.tank]
model = "thermal_mass"

[model.parts.pipe]
model = "pipe"
settings = { wall = false, cells = 20 }

[[model.links]]
source = "tank.temperature"
target = "pipe.inlet_temperature"

[sensors.outlet]
observes = "pipe.outlet_temperature"
unit = "degC"
noise = 0.5

[inputs.flow]
drives = "pipe.mass_flow"
unit = "kg/s"

[inputs.heater]
drives = "tank.heating"
unit = "W"
"""
RECORDING = """
[recording]
file = "rig.csv"
time = "t"
epoch = 2026-01-05T00:00:00Z

[[streams]]
twin = "rig"
channel = "outlet"
value = "outlet"
unit = "degC"

[[streams]]
twin = "rig"
channel = "flow"
value = "flow"
unit = "kg/s"
"""


def deployment(folder: Path, text: str = HEATING) -> Path:
    path = folder / "heating.toml"
    path.write_text(text)
    return path


def replayed(folder: Path) -> dict[str, Any]:
    (folder / "rig.csv").write_text("t,outlet,flow\n" + "".join(f"{t},50.0,0.5\n" for t in range(400)))
    (folder / "rig.recording.toml").write_text(RECORDING)
    result = CliRunner().invoke(app, ["replay", str(deployment(folder)), str(folder / "rig.recording.toml"), "--json"])
    assert result.exit_code == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_it_replays_to_the_same_bits_and_finds_the_tank_behind_the_pipe(tmp_path: Path) -> None:
    """Water of 50 degC at the outlet comes from a tank that is warmer by what the pipe loses."""
    first, again = replayed(tmp_path), replayed(tmp_path)
    assert first["state_hash"] == again["state_hash"]
    tank, loss = first["estimates"]["tank.temperature"], first["estimates"]["pipe.heat_loss"]
    warmer = loss["mean"] / (0.5 * 4186.0)  # W over the heat capacity of what flows, kg/s * J/(kg*K)
    assert abs(tank["mean"] - 50.0 - warmer) < 3.0 * tank["sd"]
    assert tank["sd"] < 2.0  # of 5 in the prior


def test_it_can_be_drawn(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "--graph", str(deployment(tmp_path))])
    assert result.exit_code == 0, result.stderr
    assert '    tank -- "temperature (degC)" --> pipe' in result.stdout.splitlines()


MISTAKES = {
    "no interval": (('exchange = "1 s"', ""), "exchange values at intervals, and none is given"),
    "an unknown setting of a part": (("cells = 20", "sells = 20"), "unknown setting of model 'pipe'"),
    "a step of a field": (('model = "pipe"', 'model = "pipe"\nstep = "1 s"'), "'pipe' has no step of its own"),
    "a flux by a law": (
        (
            'source = "tank.temperature"\ntarget = "pipe.inlet_temperature"',
            'name = "a"\nlaw = "conduction"\nupstream = "tank.heating"\ndownstream = "pipe.mass_flow"',
        ),
        "joins parts that are not all differential equations",
    ),
    "units that do not fit": (('"pipe.inlet_temperature"', '"pipe.mass_flow"'), "'degC' measures temperature"),
    "a driven input that a channel drives, too": (
        ('"pipe.mass_flow"', '"pipe.inlet_temperature"'),
        "pipe.inlet_temperature",
    ),
}


@pytest.mark.parametrize(("change", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_clear_error(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert change[0] in HEATING
    with pytest.raises(ConfigError) as raised:
        [create_model(of) for of in load(deployment(tmp_path, HEATING.replace(*change))).types]
    assert expected in str(raised.value)
