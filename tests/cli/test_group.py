"""The program: help that teaches, commands of other packages, errors that can be mended, a quiet end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.packages import install
from twin_runtime.cli import app
from twin_runtime.errors import StoreError

POINTS = """\
[twin_runtime.commands]
knit = tinkering_knit:knit
smoke = tinkering_smoke:smoke
sleep = tinkering_knit:sleep
"""
KNIT = '''
import time
import typer
from twin_runtime.errors import StoreError

def knit(rows: int = 3, drop: bool = False, tangle: bool = False) -> None:
    """Knit some rows."""
    if drop:
        raise StoreError("a stitch fell", where="row 2", remedy="pick it up")
    if tangle:
        import tinkering_of_nobody
    typer.echo("knit " * rows)

def sleep() -> None:
    """Sleep until interrupted."""
    typer.echo("asleep")
    time.sleep(60)
'''
MODULES = {"tinkering_knit": KNIT, "tinkering_smoke": "raise ModuleNotFoundError('no', name='wfdb')\n"}


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = install(tmp_path / "site", POINTS, MODULES)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_help_lists_own_commands_in_the_order_of_a_first_use_then_those_of_others() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    places = [text.index(f"│ {name}") for name in ("check", "run", "replay", "calibrate", "show", "models", "knit")]
    assert places == sorted(places)
    assert "Knit some rows." in text
    assert "Not available: 'smoke' needs the Python package 'wfdb'" in text


@pytest.mark.parametrize("command", ["check", "run", "replay", "calibrate", "show", "models"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: twin {command}" in result.stdout


def test_a_command_of_another_package_is_one_of_ours() -> None:
    result = CliRunner().invoke(app, ["knit", "--rows", "2"])
    assert (result.exit_code, result.stdout) == (0, "knit knit \n")


def test_a_command_whose_extra_is_missing_names_what_to_install_whatever_it_is_given() -> None:
    result = CliRunner().invoke(app, ["smoke", "signal", "--how", "high"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: 'smoke' needs the Python package 'wfdb'; remedy: pip install \"twin-runtime[recordings]\"\n"
    )


def test_a_library_that_is_missed_only_while_a_command_runs_is_reported_likewise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = CliRunner().invoke(app, ["knit", "--tangle"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'twin knit' needs the Python package 'tinkering_of_nobody'; remedy: pip install" in result.stderr


def test_an_error_that_can_be_mended_is_one_message_on_stderr() -> None:
    result = CliRunner().invoke(app, ["knit", "--drop"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: row 2: a stitch fell; remedy: pick it up\n"


def test_the_origin_of_an_error_is_shown_to_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_DEBUG", "1")
    assert isinstance(CliRunner().invoke(app, ["knit", "--drop"]).exception, StoreError)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["chek", "a.toml"], "No such command 'chek'"),
        (["check"], "Missing argument 'CONFIG'"),
        (["replay", "a.toml", "b.toml", "--for", "ever"], 'expected a duration such as "40 ms"'),
        (["run", "a.toml", "--until", "dawn"], 'expected a time such as "2020-01-01T00:05:00Z"'),
        (["check", "nowhere.toml"], "nowhere.toml: cannot be read: No such file or directory"),
        (["show", "nowhere.db"], "nowhere.db"),
    ],
)
def test_a_command_line_that_is_wrong_ends_with_status_2(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in " ".join(result.stderr.replace("│", " ").split())


DEFAULT_HANDLER = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A shell ignores Ctrl-C on behalf of what it starts in the background, tests included."""


def test_ctrl_c_ends_quietly(site: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{DEFAULT_HANDLER}; from twin_runtime.cli import main; main()", "sleep"],
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asleep\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


def test_the_program_starts_without_loading_what_it_does_not_need() -> None:
    heavy = "{'numba', 'numpy', 'pint', 'pyarrow', 'aiomqtt', 'sqlite3'}"
    program = f"import sys; from twin_runtime.cli import app; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("twin-runtime 0.")
