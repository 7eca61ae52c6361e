"""A model composed in the configuration: what it is, that it runs like any other, and what does not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.errors import ConfigError
from twin_runtime.runs.assembly import assemble

VESSELS = """
[twin]
name = "two-vessels"
model = "coupled"
twins = ["rig"]
tick = "1 s"
wait = "2 s"
clock = "stream"

[model.parts.left]
model = "vessel"

[model.parts.right]
model = "vessel"

[[model.links]]
name = "tube"
law = "resistance"
upstream = "left.outlet"
downstream = "right.inlet"

[model.priors]
"tube.resistance" = { lognormal = [2.0, 0.3] }

[sensors.left]
observes = "left.pressure"
unit = "mmHg"
noise = 1.0

[inputs.pump]
drives = "left.inflow"
unit = "L/min"

[inputs.none]
drives = "right.inflow"
unit = "mL/s"
"""

RECORDING = """
[recording]
file = "rig.csv"
time = "t"
epoch = 2026-01-05T00:00:00Z

[[streams]]
twin = "rig"
channel = "left"
value = "p"
unit = "mmHg"

[[streams]]
twin = "rig"
channel = "pump"
value = "q"
unit = "L/min"
"""


def deployment(folder: Path, *changes: tuple[str, str]) -> Path:
    text = VESSELS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "vessels.toml"
    path.write_text(text)
    return path


def rig(folder: Path) -> Path:
    """Two vessels of 1.5 and 1 mL/mmHg behind 2 mmHg s/mL, filled by 0.06 L/min: 1 mL/s. Euler with 1 ms."""
    left, right, rows = 60.0, 30.0, ["t,p,q"]
    rng = np.random.default_rng(1)
    for second in range(60):
        rows.append(f"{second},{left + rng.standard_normal():.3f},0.06")
        for _ in range(1000):
            flow = (left - right) / 2.0
            left, right = left + 1e-3 * (1.0 - flow) / 1.5, right + 1e-3 * flow / 1.0
    (folder / "rig.csv").write_text("\n".join(rows) + "\n")
    mapping = folder / "rig.recording.toml"
    mapping.write_text(RECORDING)
    return mapping


def test_parts_and_links_make_one_model(tmp_path: Path) -> None:
    [of] = assemble(load(deployment(tmp_path))).types
    assert [given.name for given in of.fleet.model.inputs] == ["left.inflow", "right.inflow"]
    assert [v.name for v in of.fleet.model.variables] == [
        "left.pressure",
        "left.compliance",
        "right.pressure",
        "right.compliance",
        "tube.resistance",
    ]
    assert of.fleet.model.variables[-1].prior.physical(of.fleet.model.variables[-1].prior.centre) == pytest.approx(2.0)


def test_it_replays_to_the_same_bits_and_finds_what_nobody_measures(tmp_path: Path) -> None:
    path, mapping = deployment(tmp_path), rig(tmp_path)
    results = [CliRunner().invoke(app, ["replay", str(path), str(mapping), "--json"]) for _ in range(2)]
    assert results[0].exit_code == 0, results[0].stderr
    first, again = (json.loads(result.stdout) for result in results)
    assert first["state_hash"] == again["state_hash"]
    assert first["readings"]["assimilated"] == first["readings"]["accepted"] == 120
    hidden = first["estimates"]["right.pressure"]
    assert abs(hidden["mean"] - 71.12) < 3 * hidden["sd"]  # the truth after 59 s
    assert hidden["sd"] < 2.0  # of 20 in the prior


def test_parts_with_steps_of_their_own_find_the_same(tmp_path: Path) -> None:
    """Within the error of the splitting: the tube alone joins them, and belongs to the shorter step."""
    together = replayed(deployment(tmp_path), rig(tmp_path))
    changed = (
        deployment(tmp_path)
        .read_text()
        .replace('[model.parts.right]\nmodel = "vessel"\n', STEPS.format("200 ms", "50 ms"))
    )
    path = tmp_path / "split.toml"
    path.write_text(changed)
    apart = replayed(path, rig(tmp_path))
    assert apart["state_hash"] != together["state_hash"]
    hidden = together["estimates"]["right.pressure"]
    assert apart["estimates"]["right.pressure"]["mean"] == pytest.approx(hidden["mean"], abs=0.2 * hidden["sd"])


def replayed(config: Path, recording: Path) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["replay", str(config), str(recording), "--json"])
    assert result.exit_code == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_check_shows_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(deployment(tmp_path))])
    assert result.exit_code == 0, result.stderr
    assert "coupled, 5 variables" in " ".join(result.stdout.split())


def test_it_can_be_drawn(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "--graph", str(deployment(tmp_path))])
    assert result.exit_code == 0, result.stderr
    assert '    left == "tube (mL/s)" ==> right' in result.stdout.splitlines()


SIGNAL = '[[model.links]]\nsource = "{}"\ntarget = "{}"\n[sensors.left]'
STEPS = """step = "{}"

[model]
splitting = "strang"

[model.parts.right]
model = "vessel"
step = "{}"
"""
MISTAKES = {
    "a part that is no model": (
        ('[model.parts.right]\nmodel = "vessel"', '[model.parts.right]\nmodel = "vesel"'),
        "vesel",
    ),
    "an unknown law": (('law = "resistance"', 'law = "resistence"'), "expected a name of twin_runtime.fluxes"),
    "a port that is not there": (('"right.inlet"', '"right.inlett"'), "expected a port of a part, got 'right.inlett'"),
    "a part that is not there": (('"right.inlet"', '"middle.inlet"'), "expected a port of a part, got 'middle.inlet'"),
    "a link to itself": (('"right.inlet"', '"left.outlet"'), "leads from 'left.outlet' to itself"),
    "units that do not fit": (
        ("[sensors.left]", SIGNAL.format("left.pressure", "right.inflow")),
        "the signal 'left.pressure' for 'right.inflow': 'mmHg' measures pressure",
    ),
    "two owners of one input": (
        (
            "[sensors.left]",
            (SIGNAL.format("tube.flux", "right.inflow").replace("[sensors.left]", "") * 2) + "[sensors.left]",
        ),
        "input 'right.inflow' has two owners: 'tube.flux' and 'tube.flux'",
    ),
    "a law of something else": (
        ('law = "resistance"', 'law = "conduction"'),
        "the flux 'tube' at 'left.outlet': 'W' measures power",
    ),
    "a link of neither kind": (('law = "resistance"\n', ""), "expected source and target"),
    "parts of a model that has none": (
        ('model = "coupled"', 'model = "pipe"'),
        "parts, links, splitting, exchange are those of a coupled",
    ),
    "a driven input that a channel drives, too": (
        ("[sensors.left]", SIGNAL.format("tube.flux", "right.inflow")),
        "right.inflow",
    ),
    "a rate that is no integer ratio": (
        ('[model.parts.right]\nmodel = "vessel"', STEPS.format("400 ms", "150 ms")),
        "part 'right' advances by 0.15 s, of which an exchange interval of 0.4 s has 2.66667: no whole number",
    ),
    "an exchange interval that nobody takes turns in": (
        ('[model.parts.right]\nmodel = "vessel"', '[model]\nexchange = "1 s"\n[model.parts.right]\nmodel = "vessel"'),
        "an exchange interval without a splitting",
    ),
    "a name that is taken": (('name = "tube"', 'name = "left"'), "2 parts or links are named 'left'"),
}


@pytest.mark.parametrize(("change", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_clear_error(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as raised:
        assemble(load(deployment(tmp_path, change)))
    assert expected in str(raised.value)
    assert "vessels.toml" in str(raised.value)
