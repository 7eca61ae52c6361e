"""``twin replay`` and ``twin show``: a recording goes in, one JSON object or tables come out."""

import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.cli.sines import sines
from tests.config.files import written
from twin_runtime.cli import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The recording of some sines and a configuration for it."""
    return sines(tmp_path)


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def printed(*arguments: object) -> Any:  # noqa: ANN401  # whatever was printed
    result = twin(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def replayed(folder: Path, *options: object) -> Any:  # noqa: ANN401
    return printed("replay", folder / "artery.toml", folder / "sines.recording.toml", *options)


def test_a_replay_ends_with_one_json_object(folder: Path) -> None:
    summary = replayed(folder)
    readings = summary["readings"]
    assert summary["ticks"] == 250
    assert readings["accepted"] == 260
    assert readings["accepted"] == (
        readings["assimilated"] + sum(readings["rejected"].values()) + readings["duplicate"] + readings["late"]
        + readings["pending"]
    )  # fmt: skip
    assert len(summary["state_hash"]) == 64
    assert summary["unit"]["resistance"] == "mmHg*s/mL"
    assert summary["estimates"]["resistance"]["sd"] > 0
    assert summary["estimates"]["pressure"]["standing"] == "measured"
    assert summary["estimates"]["compliance"]["standing"] == "assumed", "considered: nothing here measures it"
    assert sum(summary["verdicts"].values()) == 250
    assert {"realtime_factor", "coverage_90", "nis"} <= summary.keys()
    assert summary["diagnostics"]["abp"]["readings"] == sum(summary["diagnostics"]["abp"]["rank_histogram"])
    assert summary["diagnostics"]["abp"]["noise_sd"]["stated"] == pytest.approx(2.0)


def test_a_replay_for_people_is_tables(folder: Path) -> None:
    summary = twin("replay", folder / "artery.toml", folder / "sines.recording.toml").stdout
    assert "state hash" in summary
    assert "skill" in summary
    assert "resistance" in summary


def test_a_recording_elsewhere_is_found_by_its_folder(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "elsewhere"
    data.mkdir()
    for name in ("sines.csv", "peaks.csv"):
        (folder / name).rename(data / name)
    assert replayed(folder, "--data", data)["ticks"] == 250


def test_a_section_of_a_recording_is_replayed_by_offset_or_by_time(folder: Path) -> None:
    section = replayed(folder, "--from", "2 s", "--for", "4 s")
    assert section["ticks"] == 100
    assert replayed(folder, "--from", "2 s", "--until", "2020-01-01T00:00:06Z")["state_hash"] == section["state_hash"]


def test_a_store_that_a_replay_has_written_gives_the_same_state_again(folder: Path) -> None:
    store = folder / "out.db"
    state = replayed(folder, "--store", store)["state_hash"]
    assert printed("replay", folder / "artery.toml", store)["state_hash"] == state


def test_options_that_make_no_sense_for_a_store_are_refused(folder: Path) -> None:
    store = folder / "out.db"
    replayed(folder, "--store", store)
    result = twin("replay", folder / "artery.toml", store, "--for", "1 s")
    assert result.exit_code == 2
    assert "a store is replayed as a whole" in result.stderr


def test_what_is_neither_mapping_nor_store_is_reported(folder: Path) -> None:
    result = twin("replay", folder / "artery.toml", folder / "sines.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        "sines.csv: expected the mapping of a recording, or a store; remedy: give a store, or a mapping of type toml"
        in (result.stderr)
    )


def test_a_recording_that_is_not_there_is_looked_for_nearby(folder: Path) -> None:
    result = twin("replay", folder / "artery.toml", folder / "sine.recording.toml")
    assert result.exit_code == 2
    assert "did you mean sines.recording.toml?" in result.stderr


def test_a_store_of_another_configuration_is_refused_before_anything_is_written(folder: Path) -> None:
    store = folder / "out.db"
    replayed(folder, "--store", store)
    written(folder, ("noise = 2.0", "noise = 3.0"))
    result = twin("replay", folder / "artery.toml", folder / "sines.recording.toml", "--store", store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "config_hash" in result.stderr


def test_show_prints_the_same_of_a_store(folder: Path) -> None:
    store = folder / "out.db"
    summary = replayed(folder, "--store", store)
    shown = printed("show", store)
    assert {"readings", "state_hash", "realtime_factor", "coverage_90", "nis", "verdicts", "unit"} <= shown.keys()
    assert shown["ticks"] == summary["ticks"]
    assert shown["verdicts"] == summary["verdicts"]
    assert shown["divergences"] == summary["divergences"]
    assert shown["diagnostics"] == summary["diagnostics"]
    assert shown["readings"]["accepted"] == summary["readings"]["accepted"]
    assert shown["estimates"]["resistance"]["mean"] == summary["estimates"]["resistance"]["mean"]


def test_show_lists_the_newest_estimates_of_a_quantity(folder: Path) -> None:
    store = folder / "out.db"
    replayed(folder, "--store", store)
    shown = printed("show", store, "--quantity", "resistance", "--twin", "patient-1", "--last", 3)
    assert shown["estimates"].keys() == {"resistance"}
    times = [row["time"] for row in shown["last"]]
    assert [after - before for before, after in pairwise(times)] == [40_000_000, 40_000_000]
    assert {(row["twin"], row["quantity"], row["unit"]) for row in shown["last"]} == {
        ("patient-1", "resistance", "mmHg*s/mL")
    }
    table = twin("show", store, "--quantity", "resistance", "--last", 1).stdout
    assert "2020-01-01T00:00:10.000Z" in table


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (("--quantity", "resistnce"), "there is no quantity 'resistnce' in it; remedy: did you mean resistance?"),
        (("--twin", "patient-2"), "there is no twin 'patient-2' in it; remedy: did you mean patient-1?"),
    ],
)
def test_show_reports_what_is_not_in_a_store(option: tuple[str, str], expected: str, folder: Path) -> None:
    store = folder / "out.db"
    replayed(folder, "--store", store)
    result = twin("show", store, *option)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_replay_does_not_double_the_journal_of_a_store(folder: Path) -> None:
    store = folder / "out.db"
    state = replayed(folder, "--store", store)["state_hash"]
    result = twin("replay", folder / "artery.toml", folder / "sines.recording.toml", "--store", store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds a run already" in result.stderr
    assert printed("show", store)["readings"]["accepted"] == 260
    assert printed("replay", folder / "artery.toml", store)["state_hash"] == state


def test_a_store_is_checked(folder: Path) -> None:
    store = folder / "out.db"
    replayed(folder, "--store", store)
    assert printed("store", "check", store) == {"intact": True, "entries": 260, "estimates": 250}
    assert "is as it was written: 260 entries" in twin("store", "check", store).stdout
    with closing(sqlite3.connect(store)) as vandal, vandal:
        vandal.execute("UPDATE journal SET value = 80.0 WHERE position = 100")
    for command in (("store", "check", store), ("replay", folder / "artery.toml", store)):
        result = twin(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "out.db: is damaged: the entries" in result.stderr


def test_a_replay_and_a_store_are_drawn(folder: Path) -> None:
    replayed(folder, "--plot", folder / "replay.svg")
    assert not list(folder.glob("*.db")), "the store of a picture does not stay"
    replayed(folder, "--store", folder / "artery.db")
    shown = twin("show", folder / "artery.db", "--plot", folder / "show.svg")
    assert f"drawn into {folder / 'show.svg'}" in shown.stdout
    assert (folder / "show.svg").read_bytes() == (folder / "replay.svg").read_bytes()
    twin("show", folder / "artery.db", "--plot", folder / "one.svg", "--quantity", "resistance", "--span", "2 s")
    text = (folder / "one.svg").read_text()
    assert "resistance, hidden" in text
    assert "pressure, measured" not in text


def test_a_picture_that_cannot_be_written_is_refused_before_the_replay(folder: Path) -> None:
    source = folder / "artery.toml", folder / "sines.recording.toml"
    for name in ("a.xyz", "none/a.png"):
        result = twin("replay", *source, "--plot", folder / name)
        assert result.exit_code == 2
        assert "remedy: name a file such as picture.png" in result.stderr
