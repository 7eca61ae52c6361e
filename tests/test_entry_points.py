"""What other packages provide is found by entry point; what is missing is reported with the command to install it."""

from pathlib import Path

import pytest

from tests.packages import install
from twin_runtime import entry_points
from twin_runtime.errors import TwinError

POINTS = """\
[twin_runtime.models]
aorta = tinkering_good:Aorta
broken = tinkering_broken:Model
lonely = tinkering_lonely:Model
nameless = tinkering_good:Nothing
needy = tinkering_needy:Model
"""
MODULES = {
    "tinkering_good": "class Aorta: pass\n",
    "tinkering_broken": "1 / 0\n",
    "tinkering_lonely": "import tinkering_of_nobody\n",
    "tinkering_needy": "raise ModuleNotFoundError('no', name='aiomqtt.client')\n",
}


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", POINTS, MODULES)))


def test_models_of_all_packages_are_found_by_name() -> None:
    found = entry_points.found(entry_points.MODELS)
    assert {"aorta", "artery", "windkessel"} <= found.keys()
    assert list(found) == sorted(found)


def test_a_model_is_loaded() -> None:
    assert getattr(entry_points.loaded(entry_points.found(entry_points.MODELS)["aorta"]), "__name__", "") == "Aorta"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broken", "tinkering_broken:Model: 'broken' cannot be imported: ZeroDivisionError: division by zero"),
        (
            "nameless",
            "'nameless' cannot be imported: AttributeError: module 'tinkering_good' has no",
        ),
        ("lonely", "'lonely' needs the Python package 'tinkering_of_nobody'; remedy: pip install tinkering_of_nobody"),
        ("needy", "'needy' needs the Python package 'aiomqtt'; remedy: pip install \"twin-runtime[mqtt]\""),
    ],
)
def test_what_cannot_be_loaded_gives_the_remedy(name: str, expected: str) -> None:
    with pytest.raises(TwinError) as caught:
        entry_points.loaded(entry_points.found(entry_points.MODELS)[name])
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("aiomqtt", "mqtt"),
        ("influxdb_client", "influx"),
        ("pyarrow", "recordings"),
        ("wfdb", "recordings"),
        ("amqtt", "demo"),
        ("fmpy", "fmu"),
        ("libsbml", "sbml"),
    ],
)
def test_every_optional_library_belongs_to_an_extra(module: str, extra: str) -> None:
    error = entry_points.missing(ModuleNotFoundError("no", name=module), "this")
    assert error.remedy == f'pip install "twin-runtime[{extra}]"'
