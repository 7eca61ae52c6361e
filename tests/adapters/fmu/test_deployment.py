"""An FMU in a deployment: declared without code, folded in any order, replayed to the same bits."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.acceptance.deployments import Case, case_of, shuffled
from tests.acceptance.folding import finished, folded
from tests.adapters.fmu.building import NEEDS_COMPILER, Tank
from tests.adapters.fmu.test_model import exact
from twin_adapters.recordings import load as load_recording
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.runs.assembly import assemble

pytestmark = NEEDS_COMPILER

TANK = """
[twin]
name = "tank"
model = "fmu"
twins = ["rig"]
tick = "1 s"
wait = "2 s"
lateness = "10 s"
clock = "stream"

[model]
file = "tank.fmu"

[model.settings.start]
lag = 3.0

[model.priors]
level = { lognormal = [1.0, 0.2] }
conductance = { lognormal = [0.5, 0.3] }

[model.walk]
level = 0.01
conductance = 0.005

[sensors.gauge]
observes = "filtered"
unit = "cm"
noise = 1.0

[inputs.pump]
drives = "inflow"
unit = "L/s"

[ensemble]
members = 24
"""
RECORDING = """
[recording]
file = "rig.csv"
time = "t"
epoch = 2026-01-05T00:00:00Z

[[streams]]
twin = "rig"
channel = "gauge"
value = "h"
unit = "cm"

[[streams]]
twin = "rig"
channel = "pump"
value = "q"
unit = "L/s"
"""
SECONDS, TRUTH = 60, 0.4


def deployed(folder: Path, tank: Tank, *changes: tuple[str, str]) -> Path:
    tank.build(folder)
    text = TANK
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "tank.toml"
    path.write_text(text)
    return path


def recorded(folder: Path) -> Path:
    """A minute of the filtered level of a tank whose conductance is 0.4, exactly; the pump goes on and off."""
    rng, level, filtered, rows = np.random.default_rng(1), np.array(1.2), np.array(1.0), ["t,h,q"]
    for second in range(SECONDS):
        pump = 700.0 if second % 20 < 10 else 200.0
        rows.append(f"{second},{100.0 * float(filtered) + rng.standard_normal():.3f},{pump}")
        level, filtered = exact(level, filtered, np.array(TRUTH), pump / 1000.0, 1.0)
    (folder / "rig.csv").write_text("\n".join(rows) + "\n")
    mapping = folder / "rig.recording.toml"
    mapping.write_text(RECORDING)
    return mapping


def replayed(config: Path, mapping: Path) -> dict[str, object]:
    result = CliRunner().invoke(app, ["replay", str(config), str(mapping), "--json"])
    assert result.exit_code == 0, result.stderr
    summary: dict[str, object] = json.loads(result.stdout)
    return summary


@pytest.mark.parametrize("version", [2, 3])
def test_live_and_replay_agree_in_any_order_and_find_the_parameter(tmp_path: Path, version: int) -> None:
    config, mapping = deployed(tmp_path, Tank(version)), recorded(tmp_path)
    first, again = replayed(config, mapping), replayed(config, mapping)
    assert first["state_hash"] == again["state_hash"]
    case: Case = case_of(config, load_recording(mapping))
    sorted_, late = (
        finished(folded(case, messages))
        for messages in (case.messages, shuffled(case.messages, case.lateness, random.Random(7)))
    )
    assert late.history.revised > 10
    assert sorted_.fold.state_hash == late.fold.state_hash == first["state_hash"]
    found = first["estimates"]["conductance"]  # type: ignore[index]
    assert abs(found["mean"] - TRUTH) < 3.0 * found["sd"]
    assert found["sd"] < 0.03  # 0.15 in the prior


@pytest.mark.parametrize("version", [2, 3])
def test_an_fmu_that_fails_in_mid_run_costs_trust_and_not_the_run(tmp_path: Path, version: int) -> None:
    config = deployed(tmp_path, Tank(version), ("lag = 3.0", "fails_at = 30.5"))
    summary = replayed(config, recorded(tmp_path))
    assert summary["ticks"] == SECONDS
    assert summary["replaced"] == {
        "rig": 24
    }  # all of them: the twin is drawn from its prior, and its clock starts anew
    assert summary["reasons"] == ["replaced"]
    assert summary["verdicts"]["untrusted"] > 20  # type: ignore[index]


COUPLED = """
[twin]
name = "tanks"
model = "coupled"
twins = ["rig"]
tick = "1 s"
wait = "2 s"
clock = "stream"

[model]
exchange = "0.5 s"

[model.parts.upper]
model = "fmu"
file = "tank.fmu"

[model.parts.lower]
model = "fmu"
file = "tank.fmu"

[[model.links]]
source = "upper.outflow"
target = "lower.inflow"

[model.priors]
"upper.level" = { fixed = 1.0 }
"lower.level" = { fixed = 2.0 }
"lower.conductance" = { fixed = 0.4 }

[sensors.gauge]
observes = "lower.filtered"
unit = "cm"
noise = 1.0

[inputs.pump]
drives = "upper.inflow"
unit = "L/s"
"""


@pytest.mark.parametrize("version", [2, 3])
def test_it_is_a_part_of_a_coupled_model(tmp_path: Path, version: int) -> None:
    """The upper tank rests, since what the pump delivers leaves it at 1 m; the lower one is filled by that alone."""
    Tank(version).build(tmp_path)
    (tmp_path / "tanks.toml").write_text(COUPLED)
    model = assemble(load(tmp_path / "tanks.toml")).types[0].fleet.model
    x = np.array([[[variable.prior.centre for variable in model.variables]]])
    pump = InputSignals(np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.5), np.ones(1))
    for _ in range(10):
        x, _, _ = advanced(model, x, 1.0, pump)
    expected = exact(np.array(2.0), np.array(1.0), np.array(0.4), 0.5, 10.0)
    names = [quantity.name for quantity in model.quantities]
    found = model.observe(x, 1.0, pump)[0, 0]
    assert found[names.index("upper.level")] == pytest.approx(1.0, rel=1e-12)
    assert found[[names.index("lower.level"), names.index("lower.filtered")]] == pytest.approx(
        np.array(expected), rel=1e-10
    )


def test_check_shows_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(deployed(tmp_path, Tank()))])
    assert result.exit_code == 0, result.stderr
    assert "fmu, 4 variables" in " ".join(result.stdout.split())


def test_a_hidden_state_is_an_error_before_the_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(deployed(tmp_path, Tank(states=("level",))))])
    assert result.exit_code == 2
    assert "does not go on where it was: after 3 ticks of 1 s 'filtered' is" in " ".join(result.stderr.split())


def test_where_the_file_lies_does_not_matter_and_what_is_in_it_does(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (there / "models").mkdir(parents=True)
    one = assemble(load(deployed(here, Tank()))).identity.types[0]
    config = deployed(there, Tank(), ('file = "tank.fmu"', 'file = "models/tank.fmu"'))
    (there / "tank.fmu").rename(there / "models" / "tank.fmu")
    (there / "models" / "tank.fmu").write_bytes((here / "tank.fmu").read_bytes())
    two = assemble(load(config)).identity.types[0]
    assert (one.config_hash, one.model_hash) == (two.config_hash, two.model_hash)
    Tank(changes=(('start="0.5"', 'start="0.6"'),)).build(there / "models")
    assert assemble(load(config)).identity.types[0].model_hash != one.model_hash


MISTAKES = {
    "no file": (('[model]\nfile = "tank.fmu"\n', ""), "expected the file of the fmu model, got none"),
    "a file that is not there": (('"tank.fmu"', '"tonk.fmu"'), "tonk.fmu: cannot be read: No such file"),
    "an unknown setting": (
        ("[model.settings.start]", "[model.settings.begin]"),
        "model.settings.begin: unknown setting",
    ),
    "an unknown start": (("lag = 3.0", "lug = 3.0"), "has no variable 'lug'; remedy: did you mean lag?"),
    "an unknown parameter": (
        ("conductance = { ", "conductanse = { "),
        "'conductanse' is none of its states and of the",
    ),
    "an input of no channel": (('drives = "inflow"', 'drives = "outflow"'), "expected an input of model 'tank'"),
    "a unit that does not fit": (('unit = "cm"', 'unit = "kg"'), "'kg' measures mass, 'm' measures length"),
    "a file of an installed model": (('model = "fmu"', 'model = "pipe"'), "'pipe' is an installed model, which is not"),
    "a file of a coupled model": (('model = "fmu"', 'model = "coupled"'), "a coupled model has parts and no file"),
}


@pytest.mark.parametrize(("change", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_clear_error(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as raised:
        assemble(load(deployed(tmp_path, Tank(), change)))
    assert expected in str(raised.value)
    assert "tank.toml" in str(raised.value)
