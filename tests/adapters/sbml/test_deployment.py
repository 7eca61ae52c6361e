"""SBML in a deployment: declared without code, followed to what nobody measures, and as a part of a coupled model."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roadrunner
from scipy.integrate import solve_ivp
from typer.testing import CliRunner

from tests.adapters.sbml.test_translated import MODELS, solved
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.runs.assembly import assemble

PATIENT = """
[twin]
name = "infusion"
model = "sbml"
twins = ["patient"]
tick = "6 min"
wait = "6 min"
lateness = "1 h"
clock = "stream"

[model]
file = "infusion.xml"

[model.priors]
clearance = { lognormal = [3.0, 0.4] }

[model.walk]
drug = 1e-4

[sensors.level]
observes = "drug"
unit = "ug/mL"
noise = 0.05

[inputs.dose]
unit = "mg/h"
"""
RECORDING = """
[recording]
file = "patient.csv"
time = "t"
time_unit = "h"
epoch = 2026-01-05T00:00:00Z

[[streams]]
twin = "patient"
channel = "level"
value = "c"
unit = "mg/L"

[[streams]]
twin = "patient"
channel = "dose"
value = "d"
unit = "mg/h"
"""
TRUTH = 2.0
COUPLED = """
[twin]
name = "two-cells"
model = "coupled"
tick = "1 s"

[model.parts.left]
model = "sbml"
file = "uptake.xml"

[model.parts.right]
model = "sbml"
file = "uptake.xml"
settings = { step = 0.01 }

[[model.links]]
source = "left.leak"
target = "right.Vmax"

[model.priors]
"left.k" = { lognormal = [0.15, 0.2] }

[sensors.right]
observes = "right.P"
unit = "mmol/L"
noise = 0.1
"""


def deployed(folder: Path, text: str, *changes: tuple[str, str]) -> Path:
    for file in MODELS.glob("*.xml"):
        (folder / file.name).write_text(file.read_text())
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "twin.toml"
    path.write_text(text)
    return path


def recorded(folder: Path) -> Path:
    """Ten hours of the drug of libroadrunner's patient, whose clearance is 2 L/h, with noise; the dose is constant."""
    runner: Any = roadrunner.RoadRunner(str(folder / "infusion.xml"))
    runner.timeCourseSelections = ["time", "[drug]"]
    rng, rows = np.random.default_rng(1), ["t,c,d"]
    rows += [f"{t:.2f},{c + 0.05 * rng.standard_normal():.4f},10" for t, c in runner.simulate(0.0, 10.0, 101)]
    (folder / "patient.csv").write_text("\n".join(rows) + "\n")
    mapping = folder / "patient.recording.toml"
    mapping.write_text(RECORDING)
    return mapping


def test_it_follows_a_patient_of_another_program_and_replays_to_the_same_bits(tmp_path: Path) -> None:
    config = deployed(tmp_path, PATIENT)
    mapping = recorded(tmp_path)
    results = [CliRunner().invoke(app, ["replay", str(config), str(mapping), "--json"]) for _ in range(2)]
    assert results[0].exit_code == 0, results[0].stderr
    first, again = (json.loads(result.stdout) for result in results)
    assert first["state_hash"] == again["state_hash"]
    assert first["readings"]["assimilated"] == 202
    found = first["estimates"]["clearance"]
    assert abs(found["mean"] - TRUTH) < 3.0 * found["sd"]
    assert found["sd"] < 0.15  # 1.2 in the prior


def test_parts_are_fused_with_what_links_them(tmp_path: Path) -> None:
    """The leak of the left cell is the greatest rate of the right one's uptake; the oracle is one system by scipy."""
    [of] = assemble(load(deployed(tmp_path, COUPLED))).types
    model = of.fleet.model
    assert isinstance(model, OdeModel)
    assert model.step == 0.01
    assert [v.name for v in model.variables if v.prior.sd > 0.0] == ["left.k"]
    ends = np.linspace(1.0, 20.0, 20)

    def rate(t: float, y: np.ndarray) -> list[float]:
        def cell(s: float, p: float, v_max: float) -> list[float]:
            uptake, dimerise, leak = v_max * s / (0.8 + s), 0.5 * 0.3 * p**2, 0.15 * p
            return [(leak - uptake) / 2.0, (uptake - 2.0 * dimerise - leak) / 0.5, dimerise / 0.5]

        return [*cell(y[0], y[1], 0.4), *cell(y[3], y[4], 0.15 * y[1])]

    exact = solve_ivp(rate, (0.0, 20.0), [3.0, 0.0, 0.25] * 2, t_eval=ends, rtol=1e-11, atol=1e-13, method="DOP853")
    ours = solved(model, ends)
    for k, name in enumerate(("left.S", "left.P", "left.Q", "right.S", "right.P", "right.Q")):
        np.testing.assert_allclose(ours[name], exact.y[k], rtol=1e-8, err_msg=name)


MISTAKES = {
    "a file that is not there": (('file = "uptake.xml"\n\n', 'file = "uptak.xml"\n\n'), "uptak.xml: cannot be read"),
    "no file": (('file = "uptake.xml"\n\n', "\n"), "model.parts.left.file: expected the file of the sbml model"),
    "an unknown setting": (("{ step = 0.01 }", "{ stop = 0.01 }"), "unknown setting of model 'sbml'"),
    "an unknown prior": (('"left.k"', '"left.kk"'), "'kk' is no species, parameter or compartment"),
    "units that do not fit": (('target = "right.Vmax"', 'target = "right.k"'), "'mmol/s' measures"),
    "a file of an installed part": (
        ('model = "sbml"\nfile = "uptake.xml"\n\n', 'model = "vessel"\nfile = "uptake.xml"\n\n'),
        "'vessel' is an installed model, which has no file here",
    ),
}


@pytest.mark.parametrize(("change", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_clear_error(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as raised:
        assemble(load(deployed(tmp_path, COUPLED, change)))
    assert expected in str(raised.value)


def test_the_tables_that_are_printed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = deployed(tmp_path, PATIENT)
    result = CliRunner().invoke(app, ["models", "--sbml", "infusion.xml"])
    assert result.exit_code == 0, result.stderr
    text = result.stdout[result.stdout.index("[twin]") :]
    assert tomllib.loads(text)["model"]["settings"] == {"step": 100}
    path.write_text(text)
    [of] = assemble(load(path)).types
    assert [v.name for v in of.fleet.model.variables] == ["tolerance", "drug", "bound", "time"]
    shown = json.loads(CliRunner().invoke(app, ["models", "--sbml", "infusion.xml", "--json"]).stdout)
    assert {row["name"]: row["unit"] for row in shown["variables"]}["clearance"] == "L/h"
