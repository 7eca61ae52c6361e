"""A model that no twin can run with: check, run and replay say the same, before anything is connected."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.modelling.test_wrong_models import RATE, RIGHT
from tests.packages import install
from twin_runtime.cli import app

POINTS = "[twin_runtime.models]\ntank = leaking_tank:Tank\n"
CONFIG = """\
[twin]
name = "tank"
model = "tank"
tick = "1 s"

[sensors.depth]
unit = "m"
noise = 0.1

[inputs.pump]
unit = "m/s"
range = [0, 10]

[mqtt]
broker = "mqtt://127.0.0.1:1"
client_id = "tank"
"""
WRONG = {
    "a missing decorator": (
        ("@physics\ndef depth", "\n\ndef depth"),
        "leaking_tank.py:28: output depth is a plain func",
    ),
    "a value too few": (
        (RATE, "return pump - outflow(level, leak)"),
        "leaking_tank.py:23: rate returns 1 value, expecte",
    ),
    "an hour for a second": (
        ('Parameter("cooling", "1/s"', 'Parameter("cooling", "1/h"'),
        "leaking_tank.py:23: the rate of heat is 3600 times too large: it comes in J/h, taken for J/s",
    ),
    "an error of its own": (
        (
            "    step = 0.1\n",
            "    step = 0.1\n\n    def __init__(self, priors=None, walk=None):\n        raise KeyError('a')\n",
        ),
        "leaking_tank.py:45: KeyError: 'a'; remedy: mend the model",
    ),
    "a beginning that takes no priors": (
        ("    step = 0.1\n", "    step = 0.1\n\n    def __init__(self):\n        super().__init__()\n"),
        "got an unexpected keyword argument 'priors'; remedy: let the model's __init__ take priors and walk, and pass",
    ),
    "no model": (
        ("    step = 0.1\n", "    step = 0.1\n\n\nclass Tank:\n    pass\n"),
        "'tank' is no model: it has no name, variables, inputs, outputs, quantities, conserves, fingerprint, advance, ",
    ),
    "a number in the entry point": (
        ("    step = 0.1\n", "    step = 0.1\n\n\nTank = 1\n"),
        "expected a class of a model in the entry point leaking_tank:Tank, got 1; remedy: write its class behind the",
    ),
    "an import that fails": (("import math\n", "import math\n1 / 0\n"), "ZeroDivisionError: division by zero ("),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tank.toml"
    path.write_text(CONFIG)
    (tmp_path / "run.recording.toml").write_text(
        '[recording]\nname = "run"\nfile = "run.csv"\ntime = "t"\n'
        '[[streams]]\nchannel = "depth"\nvalue = "d"\nunit = "m"\n'
    )
    (tmp_path / "run.csv").write_text("t,d\n0,1.0\n1,1.0\n")
    return path


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_every_command_says_the_same_and_ends(
    case: tuple[tuple[str, str], str], config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old, new), expected = case
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", POINTS, {"leaking_tank": RIGHT.replace(old, new)})))
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    told = set()
    for command in (["check"], ["run"], ["replay", "run.recording.toml"]):
        arguments = [command[0], str(config), *(str(tmp_path / name) for name in command[1:])]
        monkeypatch.delitem(sys.modules, "leaking_tank", raising=False)
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        told.add(result.stderr)
    (message,) = told
    assert expected in message
    assert "Traceback" not in message
    assert len(message.splitlines()) == 1
