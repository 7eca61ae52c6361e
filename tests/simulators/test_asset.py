"""The hidden truth can be looked up and written down."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.packages import install
from twin_runtime.errors import ConfigError
from twin_simulators.asset import Truth
from twin_simulators.assets import make_asset
from twin_simulators.patient import Patient

TRUTH = Truth(
    np.array([0.0, 1.0, 2.0]),
    {"resistance": np.array([1.0, 1.5, 0.7]), "flow": np.array([0.0, 80.0, 0.0])},
    {"resistance": "mmHg*s/mL", "flow": "mL/s"},
)


def test_the_truth_holds_until_it_changes() -> None:
    assert TRUTH.at(1.9) == {"resistance": 1.5, "flow": 80.0}
    assert TRUTH.at(-5)["resistance"] == 1.0
    assert TRUTH.at(100)["resistance"] == 0.7


def test_the_truth_is_written_as_csv_with_units(tmp_path: Path) -> None:
    TRUTH.write(tmp_path / "truth.csv")
    header, *rows = csv.reader((tmp_path / "truth.csv").read_text().splitlines())
    assert header == ["time [s]", "resistance [mmHg*s/mL]", "flow [mL/s]"]
    assert [float(cell) for cell in rows[1]] == [1.0, 1.5, 80.0]


def test_the_truth_is_written_as_json_with_units(tmp_path: Path) -> None:
    TRUTH.write(tmp_path / "truth.json")
    document = json.loads((tmp_path / "truth.json").read_text())
    assert document["units"] == {"time": "s", "resistance": "mmHg*s/mL", "flow": "mL/s"}
    assert document["values"]["resistance"] == [1.0, 1.5, 0.7]


@pytest.mark.parametrize("name", ["truth.xls", "truth", "no-folder/truth.csv"])
def test_a_truth_that_cannot_be_written_gives_the_remedy(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="remedy: name a"):
        TRUTH.write(tmp_path / name)


def test_an_asset_is_made_by_name_with_properties_changed() -> None:
    patient = make_asset("patient", seed=2, settings=["resistance=1.4", "waveform=raised-cosine"])
    expected = Patient.individual(2).model_copy(update={"resistance": 1.4, "waveform": "raised-cosine"})
    assert patient == expected


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("patien", "", "did you mean patient"),
        ("patient", "resistanc=1", "did you mean resistance"),
        ("patient", "resistance=minus one", "peripheral resistance"),
        ("patient", "resistance=-1", "greater than 0"),
        ("patient", "ejection_time=0.9", "shortest beat"),
    ],
)
def test_a_mistake_in_an_asset_gives_the_remedy(name: str, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_asset(name, seed=1, settings=[setting] if setting else [])


def test_an_asset_of_an_installed_package_is_found_and_what_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[twin_runtime.assets]\nkettle = tinkering_assets:Kettle\nstone = tinkering_assets:stone\n"
    text = "from twin_simulators.pipe import Pipe\nclass Kettle(Pipe):\n    pass\nstone = 1\n"
    monkeypatch.syspath_prepend(str(install(tmp_path, points, {"tinkering_assets": text})))
    assert type(make_asset("kettle", seed=1, settings=["flow=0.6"])).__name__ == "Kettle"
    with pytest.raises(ConfigError, match="expected an asset, got 1; remedy: name a subclass of"):
        make_asset("stone", seed=1)
