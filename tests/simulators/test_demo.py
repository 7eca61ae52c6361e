"""``twin demo``, as somebody meets it who has just installed this: real broker, real time, real files."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin_runtime.cli import app
from twin_runtime.errors import StoreError
from twin_runtime.store.reader import Reader

EQUATION = re.compile(r"(\d+) came in = (\d+) \w+ \+ (\d+) \w+ \+ (\d+) \w+ \+ (\d+) too late \+ (\d+) pending")
STATE = r"state hash ([0-9a-f]{64})"


def shown(pattern: str, text: str) -> str:
    """What the first group of a pattern finds in a text."""
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def replayed(output: str) -> dict[str, object]:
    """What the command prints that the demonstration shows."""
    _, *arguments = shlex.split(shown(r"(\S*twin replay .*)", output))
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    summary: dict[str, object] = json.loads(result.stdout)
    return summary


def estimated(folder: Path) -> bool:
    """Whether there is a store with an estimate in it."""
    for store in folder.glob("*.db"):
        with suppress(StoreError), Reader.open(store) as reader:
            return reader.frontier() is not None
    return False


def test_it_ends_with_the_truth_an_account_and_a_command_that_gives_the_same_state(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--for", "4 s", "--seed", "3", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output

    for quantity in ("resistance", "compliance", "flow", "stroke_volume", "cardiac_output", "pressure"):
        assert re.search(rf"{quantity} .* to .* (yes|no), +\d+% of the time", result.stdout)
    assert "prior spread of 25%" in result.stdout
    assert re.search(r"\d s  (trusted|degraded).*; resistance .*, truth", result.stderr)

    numbers = EQUATION.search(result.stdout)
    assert numbers, result.stdout
    came_in, *fates = map(int, numbers.groups())
    assert came_in == sum(fates) > 400
    assert 0 <= int(shown(r"patient +(\d+) readings sent", result.stdout)) - came_in < 50

    picture = next((tmp_path / "out").glob("*.png"))
    assert picture.name in result.stdout
    assert 5_000 < picture.stat().st_size < 200_000

    again = replayed(result.stdout)
    assert again["state_hash"] == shown(STATE, result.stdout)
    assert again["ticks"] == int(shown(r"estimates +(\d+),", result.stdout)) >= 100

    with Reader.open(next((tmp_path / "out").glob("*.db"))) as reader:
        assert sum(reader.counts().values()) == came_in


def test_ctrl_c_ends_it_early_with_the_same_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [str(Path(sys.executable).with_name("twin")), "demo"]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        while not estimated(tmp_path / "twin-demo"):
            assert demo.poll() is None
            time.sleep(0.05)
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=30)
    assert demo.returncode == 130
    monkeypatch.chdir(tmp_path)
    assert replayed(output)["state_hash"] == shown(STATE, output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "{file}/demo"], "--out /tmp/twin-demo"),
        (["--for", "soon"], "expected a duration"),
        (["--for", "10 ms"], "1 s at least"),
        (["--seed", "-1"], "seed"),
    ],
)
def test_a_mistake_ends_with_one_message_and_a_remedy(arguments: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    out = ["--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["demo", *out, *(argument.format(file=file) for argument in arguments)])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
