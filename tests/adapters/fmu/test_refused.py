"""What cannot run as a twin is refused before the start, with the reason."""

from pathlib import Path
from typing import Any

import pytest

from tests.adapters.fmu.building import NEEDS_COMPILER, Tank
from twin_adapters import fmu
from twin_runtime.errors import ModelError
from twin_runtime.modelling.files import Wanted

pytestmark = NEEDS_COMPILER

DOUBLED = ('s="-1"/></Unit><Unit name="m3"', 's="-1" factor="2"/></Unit><Unit name="m3"')
ODD = (("m2/s", "gallons"), DOUBLED)
"""A unit by a name that means something else elsewhere, and with a factor."""

REFUSED: dict[str, tuple[Tank, dict[str, Any], str]] = {
    "no states and nothing saved": (
        Tank(states=()),
        {},
        "lists no states (ModelStructure, derivatives): nothing",
    ),
    "states that cannot be set": (
        Tank(changes=(('continuous" initial="exact"><Real unit="m" start="1.0"', 'continuous"><Real unit="m"'),)),
        {},
        "does not let its states be set (level, filtered: initial is not exact)",
    ),
    "one size of steps": (Tank(any_step=False), {}, "takes steps of one size only"),
    "model exchange": (Tank(kind="ModelExchange"), {}, "is an FMU for model exchange"),
    "an unknown parameter": (Tank(), {"start": {"aera": 1.0}}, "has no variable 'aera'; remedy: did you mean area?"),
    "a word for a number": (Tank(), {"start": {"area": "wide"}}, "expected a number as start of 'area', got 'wide'"),
    "half an integer": (Tank(), {"start": {"mode": 0.5}}, "expected a whole number as start of 'mode', got 0.5"),
    "a step of nothing": (Tank(), {"step": 0.0}, "expected a step above 0 s, got 0.0"),
    "two values of one variable": (Tank(), {"start": {"level": 2.0}}, "'level' has both a start and a prior"),
    "an unknown unit": (Tank(changes=ODD), {}, "the unit of 'conductance' is not understood"),
}


@pytest.mark.parametrize(("tank", "settings", "expected"), REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused(tmp_path: Path, tank: Tank, settings: dict[str, Any], expected: str) -> None:
    wanted = Wanted(frozenset({"conductance"}))
    with pytest.raises(ModelError) as raised:
        fmu.model(tank.build(tmp_path), wanted, **settings)
    assert expected in str(raised.value)


def test_a_unit_that_is_not_understood_can_be_said(tmp_path: Path) -> None:
    path = Tank(changes=ODD).build(tmp_path)
    model = fmu.model(path, Wanted(frozenset({"conductance"})), units={"conductance": "m^2/s"})()
    assert {v.name: v.unit for v in model.variables}["conductance"] == "m^2/s"


def test_a_name_of_a_unit_is_held_against_its_definition(tmp_path: Path) -> None:
    path = Tank(changes=(("m2/s", "gallons"),)).build(tmp_path)
    model = fmu.model(path, Wanted(frozenset({"conductance"})))()
    assert {v.name: v.unit for v in model.variables}["conductance"] == "m^2/s"


def test_a_prior_of_what_is_no_parameter(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'levle' is none of its states and of the parameters"):
        fmu.model(Tank().build(tmp_path), Wanted(frozenset({"levle"})))


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_fmu(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tank.fmu"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"tank\.fmu: "):
        fmu.contents(path)


@pytest.mark.parametrize("version", [2, 3])
def test_a_state_that_is_hidden_is_noticed(tmp_path: Path, version: int) -> None:
    """It lists the level only: started anew at every tick, the filtered one begins at 1 m again."""
    path = Tank(version, states=("level",), hides=()).build(tmp_path)
    [fault] = fmu.model(path, Wanted())().faults(1.0)
    assert "'filtered' is" in str(fault)
    assert "it has more states than it lists" in str(fault)
    assert not list(fmu.model(path, Wanted(), states=["level", "filtered"])().faults(1.0))


def test_an_fmu_that_cannot_run_at_all_says_so(tmp_path: Path) -> None:
    [fault] = fmu.model(Tank().build(tmp_path), Wanted(), start={"fails_at": 0.5})().faults(1.0)
    assert "fails in the first 3 ticks of 1 s: fmi2DoStep failed" in str(fault)
    assert "no step beyond 0.5 s" in str(fault)
