"""Events with values in a configuration: a dose in its own unit, over its topic, in a replay and in a what-if."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.packages import install
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.branch import FutureInput
from twin_runtime.runs.future_inputs import future_input

DRUG = """
[twin]
name = "drug"
model = "compartment"
twins = ["patient-1"]
tick = "1 s"
wait = "2 s"
clock = "stream"

[sensors.level]
observes = "concentration"
unit = "ug/mL"
noise = 0.2

[inputs.dose]
unit = "ug"
range = [0, 1000000]
"""

RECORDING = """
[recording]
twin = "patient-1"
file = "drug.csv"
time = "t"
epoch = 2026-01-05T00:00:00Z

[[streams]]
channel = "level"
value = "c"
unit = "ug/mL"

[[streams]]
channel = "dose"
value = "dose"
unit = "mg"
"""


@pytest.fixture
def drug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    points = "[twin_runtime.models]\ncompartment = tests.modelling.test_events:Compartment\n"
    monkeypatch.syspath_prepend(str(install(tmp_path / "package", points, {})))
    path = tmp_path / "drug.toml"
    path.write_text(DRUG)
    return path


def test_a_dose_comes_in_its_own_unit(drug: Path) -> None:
    router = assemble(load(drug)).router()

    def read(payload: object) -> tuple[Code, float | None]:
        [entry] = router.read(Message("patient-1/dose", json.dumps(payload).encode(), 1_767_603_600 * SECOND))
        return entry.code, entry.reading.value if entry.reading else None

    assert read({"value": 5000.0, "time": 1767603600}) == (Code.ACCEPTED, 5.0)
    assert read({"value": 5.0, "unit": "mg", "time": 1767603601}) == (Code.ACCEPTED, 5.0)
    assert read({"value": 5.0, "unit": "mL", "time": 1767603602}) == (Code.WRONG_UNIT, None)
    assert read({"value": -1.0, "time": 1767603603}) == (Code.OUT_OF_RANGE, None)


def test_a_dose_is_what_if(drug: Path) -> None:
    of = assemble(load(drug)).types[0]
    assert future_input(of, "dose=50 mg@30 s") == FutureInput((0,), 1, 50.0, 30 * SECOND)


def test_a_recorded_dose_raises_the_estimate(drug: Path, tmp_path: Path) -> None:
    """The truth is that of the prior's medians: 10 mg in 5 L that decay with 0.02/s, and 50 mg more at 20 s."""

    def truth(second: float) -> float:
        return 2.0 * math.exp(-0.02 * second) + (10.0 * math.exp(-0.02 * (second - 20)) if second >= 20 else 0.0)

    rows = [f"{second},{truth(second):.4f},{50 if second == 20 else ''}" for second in range(30)]
    (tmp_path / "drug.csv").write_text("t,c,dose\n" + "\n".join(rows) + "\n")
    mapping = tmp_path / "drug.recording.toml"
    mapping.write_text(RECORDING)
    result = CliRunner().invoke(app, ["replay", str(drug), str(mapping), "--json"])
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["readings"]["accepted"] == 31
    assert summary["readings"]["pending"] + summary["readings"]["assimilated"] == 31
    assert summary["estimates"]["concentration"]["mean"] == pytest.approx(truth(30), abs=0.3)
    assert summary["nis"] < 3.0  # the readings behind the dose were expected
