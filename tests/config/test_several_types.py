"""One file with a table for each of several twin types."""

import re
from pathlib import Path

import pytest

from twin_runtime.config import Config, load
from twin_runtime.errors import ConfigError
from twin_runtime.runs.assembly import assemble

TEXT = """\
[deployment]
name = "hospital"

[types.patients.twin]
model = "windkessel"
twins = ["patient-1", "patient-2"]
tick = "40 ms"

[types.patients.sensors.abp]
observes = "pressure"
unit = "mmHg"
noise = 2.0

[types.patients.inputs.flow]
unit = "mL/s"

[types.weather.twin]
name = "air-model"
model = "lorenz63"
twins = ["air"]
tick = "100 ms"

[types.weather.sensors.x]
unit = "1"
noise = 1.0

[store]
path = "hospital.db"
"""


def loaded(folder: Path, old: str = "", new: str = "") -> Config:
    assert old in TEXT
    path = folder / "hospital.toml"
    path.write_text(TEXT.replace(old, new) if old else TEXT, encoding="utf-8")
    return load(path)


def complaint(folder: Path, old: str, new: str) -> str:
    with pytest.raises(ConfigError) as caught:
        assemble(loaded(folder, old, new))
    return str(caught.value)


def test_it_says_all_that_the_types_need(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert (config.name, config.store_path) == ("hospital", Path("hospital.db"))
    assert [each.twin.name for each in config.types] == ["patients", "air-model"]
    assembly = assemble(config)
    assert assembly.identity.twins == ("patient-1", "patient-2", "air")
    assert assembly.router().topics == (
        "patient-1/abp",
        "patient-1/flow",
        "patient-2/abp",
        "patient-2/flow",
        "air/x",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('unit = "mmHg"', 'unit = "kg"', r"hospital\.toml:11: types\.patients\.sensors\.abp\.unit: .*mass"),
        ("noise = 1.0", "nois = 1.0", r"types\.weather\.sensors\.x\.nois: unknown key; remedy: did you mean noise"),
        ('model = "lorenz63"', 'model = "lorenz"', r":19: types\.weather\.twin\.model: .*did you mean .*lorenz63"),
        ('["air"]', '["patient-2"]', r"types\.weather\.twin\.twins: .*'patient-2', which types\.patients has"),
        ('["air"]', '["patient-1/abp"]', r"types\.weather\.twin\.twins\[0\]: .*expected a name"),
        ("noise = 1.0", 'noise = 1.0\ntopic = "patient-1/abp"', r"x\.topic: .*which types\.patients\.sensors\.abp has"),
        ('[deployment]\nname = "hospital"\n', "", r"deployment: expected, but missing; remedy: give the table"),
        ("[store]", "[twin]\nname = 'x'\n\n[store]", r"twin: unknown key"),
    ],
)
def test_what_is_wrong_is_reported_with_its_type(old: str, new: str, expected: str, tmp_path: Path) -> None:
    assert re.search(expected, complaint(tmp_path, old, new)), complaint(tmp_path, old, new)
