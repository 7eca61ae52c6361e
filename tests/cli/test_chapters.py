"""A changed configuration is explained before it runs, and a replay follows the store through its chapters."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from tests.cli.sines import sines
from twin_runtime.cli import app
from twin_runtime.config import load
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.chapters import open_store
from twin_runtime.runs.kept_configuration import kept_of
from twin_runtime.store.aside import keep_store_aside


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


def test_a_change_is_explained_begun_replayed_shown_and_kept_aside(tmp_path: Path) -> None:
    folder = sines(tmp_path)
    config, store = folder / "artery.toml", folder / "run.db"
    assert twin("replay", config, folder / "sines.recording.toml", "--store", store).exit_code == 0
    assert "nothing has changed" in twin("check", config, "--store", store).stdout
    config.write_text(config.read_text().replace("noise = 2.0", "noise = 3.0"))
    said = twin("check", config, "--store", store)
    assert "sensors.abp.noise 2.0 -> 3.0" in said.stdout
    assert "carried over:" in said.stdout
    open_store(assemble(load(config)), store).close()
    replayed = json.loads(twin("replay", config, store, "--json").stdout)
    assert [each["replayed"] for each in replayed["chapters"]] == [True, True]
    shown = json.loads(twin("show", store, "--json").stdout)
    assert shown["state_hash"] == replayed["state_hash"]
    assert shown["chapters"][1]["changes"] == ["sensors.abp.noise 2.0 -> 3.0"]
    assert "chapter 2" in twin("show", store).stdout
    assert json.loads(twin("store", "check", store, "--json").stdout)["intact"]
    assert twin("export", store, "--out", folder / "out.csv").exit_code == 0
    assert keep_store_aside(store) == folder / "run.1.db"
    assert not store.exists()
    assert twin("show", folder / "run.1.db").exit_code == 0


OPENING = """
import sys
from pathlib import Path
from twin_runtime.config import load
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.chapters import open_store
open_store(assemble(load(Path(sys.argv[1]))), Path(sys.argv[2]))
"""


def test_a_crash_while_a_chapter_opens_leaves_the_chapter_before_whole(tmp_path: Path) -> None:
    folder = sines(tmp_path)
    config, store = folder / "artery.toml", folder / "run.db"
    assert twin("replay", config, folder / "sines.recording.toml", "--store", store).exit_code == 0
    before = json.loads(twin("show", store, "--json").stdout)["state_hash"]
    config.write_text(config.read_text().replace("noise = 2.0", "noise = 3.0"))
    died = subprocess.run(
        [sys.executable, "-c", OPENING, config, store], env=os.environ | {"TWIN_CRASH": "chapter:1"}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    shown = json.loads(twin("show", store, "--json").stdout)
    assert (shown["state_hash"], len(shown.get("chapters", [1]))) == (before, 1)
    assert json.loads(twin("store", "check", store, "--json").stdout)["intact"]
    open_store(assemble(load(config)), store).close()
    assert len(json.loads(twin("show", store, "--json").stdout)["chapters"]) == 2
    replayed = json.loads(twin("replay", config, store, "--json").stdout)
    assert [each["replayed"] for each in replayed["chapters"]] == [True, True]


def test_no_address_and_no_password_is_kept_in_a_store(tmp_path: Path) -> None:
    folder = sines(tmp_path, ("[trust.checks]", '[mqtt]\nbroker = "mqtt://u:hunter2@127.0.0.1"\n\n[trust.checks]'))
    kept = kept_of(assemble(load(folder / "artery.toml"))).configuration
    assert "windkessel" in kept or "artery" in kept
    assert "hunter2" not in kept
    assert "mqtt://" not in kept
