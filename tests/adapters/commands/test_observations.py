"""Estimates as FHIR observations: another package says what one may hold, and our own reader reads them back."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.observation import Observation
from fhir.resources.R4B.observation import Observation as ObservationOfR4

from tests.store.making import IDENTITY, record
from twin_adapters.commands import export
from twin_adapters.commands.observations import ucum
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.errors import ConfigError
from twin_runtime.store.store import Store


@pytest.fixture
def exported(tmp_path: Path) -> list[dict[str, Any]]:
    """Two ticks of two twins; of one figures are not finite, and one was revised with two checks failing."""
    odd = record(11)
    odd.figures[0, 0, :] = (math.nan, math.inf, 1.0, 2.0, 3.0)
    with Store.create_or_open(tmp_path / "ward.db", IDENTITY) as opened:
        opened.write(records=[record(10), odd, record(10, revision=1, rows=(1,), reasons=0b101)])
    export(tmp_path / "ward.db", tmp_path / "out.ndjson")
    return [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]


def parsed(each: dict[str, Any]) -> Any:  # noqa: ANN401  # its fields may be absent
    return Observation.model_validate(each)


def test_each_is_an_observation_of_both_versions(exported: list[dict[str, Any]]) -> None:
    assert len(exported) == 8
    for each in exported:
        Observation.model_validate(each)
        ObservationOfR4.model_validate(each)
    assert len({str(each["id"]) for each in exported}) == 8


def test_it_holds_the_figures_the_verdict_and_the_revision(exported: list[dict[str, Any]]) -> None:
    [revised] = [
        parsed(each)
        for each in exported
        if each["subject"]["display"] == "patient-2"
        and each["code"]["text"] == "resistance"
        and "age" in each["note"][0]["text"]
    ]
    figures = record(10, revision=1, rows=(1,)).figures[0, 1].tolist()
    assert [float(revised.valueQuantity.value), *(float(c.valueQuantity.value) for c in revised.component)] == figures
    assert (revised.valueQuantity.unit, revised.valueQuantity.code) == ("mmHg*s/mL", "mm[Hg].s/mL")
    assert (revised.meta.versionId, revised.meta.tag[0].code) == ("2", "degraded")
    assert revised.effectiveDateTime.isoformat().startswith("1970-01-01T00:00:00.440")


def test_what_is_not_finite_is_absent_and_says_why(exported: list[dict[str, Any]]) -> None:
    [odd] = [each for each in exported if "dataAbsentReason" in each]
    assert "valueQuantity" not in odd
    assert ["valueQuantity" if c.valueQuantity else "absent" for c in parsed(odd).component] == [
        "absent",
        *["valueQuantity"] * 3,
    ]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("mmHg*s/mL", "mm[Hg].s/mL"),
        ("degC", "Cel"),
        ("1", "1"),
        ("W/(m^2*K)", "W/(m2.K)"),
        ("m**3/h", "m3/h"),
        ("percent", "%"),
    ],
)
def test_units_are_those_of_ucum(unit: str, expected: str) -> None:
    assert ucum(unit) == expected


@pytest.mark.parametrize("unit", ["mmHg*s/mL", "degC", "L/min", "kg/s", "1/min", "cmH2O", "kW*h"])
def test_a_unit_is_understood_when_it_is_read_again(unit: str) -> None:
    assert runtime_unit(ucum(unit)) == unit


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with Store.create_or_open(tmp_path / "ward.db", IDENTITY):
        pass
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        export(tmp_path / "ward.db", tmp_path / "nowhere" / "out.ndjson")
