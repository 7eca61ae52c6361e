"""Observations of FHIR, in the shapes of the standard's own examples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import Layout, Table
from twin_adapters.recordings.fhir import read
from twin_runtime.errors import RecordingError

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
NOON = "2020-07-02T12:00:00Z"
MS = 1_000_000


def code(number: str, text: str = "") -> dict[str, Any]:
    return {
        "coding": [{"system": "http://local", "code": f"x{number}"}, {"system": LOINC, "code": number}],
        "text": text,
    }


def quantity(value: object, unit: str, **rest: object) -> dict[str, Any]:
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit, **rest}}


def observation(number: str = "8867-4", time: str = NOON, **rest: object) -> dict[str, Any]:
    fixed = {"resourceType": "Observation", "id": f"o-{number}", "status": "final", "code": code(number)}
    return {**fixed, "effectiveDateTime": time, **rest}


def waves(data: str, **rest: object) -> dict[str, Any]:
    return {"valueSampledData": {"origin": {"value": 2048, "code": "mV", "system": UCUM}, "data": data, **rest}}


def table(folder: Path, *resources: object, name: str = "a.json") -> Table:
    entries = [{"resource": resource} for resource in resources]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    (folder / name).write_text(json.dumps(bundle, indent=1))
    return read(folder / name, Layout())


def there(table: Table, column: str) -> list[tuple[int, float]]:
    """The values of a column, with their times in ms after noon."""
    values = table.numbers(column)
    since = (table.column("time") - np.datetime64("2020-07-02T12:00:00", "ns")).astype(np.int64) // MS
    return [(int(time), float(value)) for time, value in zip(since, values, strict=True) if not np.isnan(value)]


def test_codes_are_columns_in_the_units_of_the_runtime(tmp_path: Path) -> None:
    pressure = {"component": [{"code": code("8480-6"), **quantity(107, "mm[Hg]")}, {"code": code("8462-4")}]}
    found = table(
        tmp_path,
        observation(
            code=code("8867-4", "Heart rate"), subject={"reference": "Patient/1"}, **quantity(44, "{beats}/min")
        ),
        observation("85354-9", "2020-07-02T14:00:00.250+02:00", **pressure),
        {"resourceType": "Patient", "id": "1", "name": [{"family": "Nobody"}]},
        observation("8310-5", **quantity(36.5, "Cel")),
    )
    assert list(found.names) == ["time", "subject", "device", "status", "8867-4", "8480-6", "8310-5"]
    assert found.units == {4: "1/min", 5: "mmHg", 6: "degC"}
    assert found.titles[4] == "Heart rate"
    assert [there(found, name) for name in ("8867-4", "8480-6", "8310-5")] == [[(0, 44)], [(250, 107)], [(0, 36.5)]]


def test_a_mapping_takes_the_observations_of_one_patient(tmp_path: Path, load_mapping: Load) -> None:
    table(tmp_path, *(observation(subject={"reference": f"Patient/{n}"}, **quantity(n, "/min")) for n in (1, 2)))
    mapping = '[[streams]]\nchannel = "hr"\nfile = "a.json"\nvalue = "8867-4"\nunit = "1/min"\ntime_unit = "iso"\n'
    assert [r.value for r in load_mapping(mapping + 'where = { subject = "Patient/2" }').readings()] == [2.0]


@pytest.mark.parametrize(
    ("spacing", "times"),
    [
        ({"period": 10}, [0, 10, 30]),
        ({"interval": 0.5, "intervalUnit": "s"}, [0, 500, 1500]),
        ({"intervalUnit": "s", "offsets": "0 1 2 7"}, [0, 1000, 7000]),
    ],
)
def test_a_waveform_has_a_row_a_sample(tmp_path: Path, spacing: dict[str, Any], times: list[int]) -> None:
    found = table(tmp_path, observation("131329", **waves("2041 2043 E -7", factor=2.0, dimensions=1, **spacing)))
    assert found.units[4] == "mV"
    assert there(found, "131329") == list(zip(times, [6130.0, 6134.0, 2034.0], strict=True))


def test_dimensions_of_a_waveform_are_columns(tmp_path: Path) -> None:
    found = table(tmp_path, observation("1", **waves("1 2 3 4 L U", dimensions=2, period=1)))
    assert there(found, "1[1]") == [(0, 2050), (1, 2052)]


def test_what_tells_no_number_is_left_out(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        observation(**quantity(1, "/min")),
        observation(**quantity(2, "/min", comparator="<")),
        observation(dataAbsentReason={"text": "moved"}),
        observation(valueString="n/a"),
        observation(**{**quantity(3, "/min"), "status": "entered-in-error"}),
        observation("1", valueInteger=4),
        observation("2", valueBoolean=True),
    )
    assert [there(found, name) for name in ("8867-4", "1", "2")] == [[(0, 1)], [(0, 4)], [(0, 1)]]


def test_units_that_convert_are_one_column_and_others_are_two(tmp_path: Path) -> None:
    values = [quantity(36.5, "Cel"), quantity(98.6, "[degF]")]
    found = table(tmp_path, *(observation("8310-5", **value) for value in values))
    assert found.numbers("8310-5") == pytest.approx([36.5, 37.0])
    values = [quantity(90, "mg/dL"), quantity(5, "mmol/L")]
    found = table(tmp_path, *(observation("15074-8", **value) for value in values))
    assert [there(found, f"15074-8 ({unit})") for unit in ("mg/dL", "mmol/L")] == [[(0, 90)], [(0, 5)]]


def test_newline_delimited_resources_and_lists_of_bundles_are_read(tmp_path: Path) -> None:
    one, two = observation(**quantity(1, "/min")), observation(**quantity(2, "/min"))
    (tmp_path / "a.ndjson").write_text(f"{json.dumps(one)}\n{json.dumps(two)}\n")
    assert read(tmp_path / "a.ndjson", Layout()).numbers("8867-4").tolist() == [1, 2]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": two}, {"fullUrl": "gone"}]}
    (tmp_path / "a.json").write_text(json.dumps([one, bundle]))
    assert read(tmp_path / "a.json", Layout()).numbers("8867-4").tolist() == [1, 2]


def test_local_times_need_a_zone(tmp_path: Path, load_mapping: Load) -> None:
    table(tmp_path, observation(time="2020-07-02T12:00:00", **quantity(1, "/min")))
    mapping = '[[streams]]\nchannel = "hr"\nfile = "a.json"\nvalue = "8867-4"\nunit = "1/min"\ntime_unit = "iso"\n'
    with pytest.raises(RecordingError, match="has no offset from UTC; remedy: say zone"):
        load_mapping(mapping)
    assert load_mapping(mapping + 'zone = "+02:00"').start == 1_593_684_000_000 * MS
    with pytest.raises(RecordingError, match="others have one without; remedy"):
        table(tmp_path, observation(**quantity(1, "1")), observation(time="2020-07-02T12:00:00", **quantity(1, "1")))


def test_a_day_is_no_instant_and_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    found = table(tmp_path, observation("1", "2020-07", **quantity(1, "/min")), observation(**quantity(2, "/min")))
    assert there(found, "8867-4") == [(0, 2)]
    with pytest.raises(
        RecordingError, match=r"a\.json: Observation o-1: expected an instant for 1, came '2020-07'; rem"
    ):
        found.numbers("1")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text for a number": (quantity("high", "/min"), r"got `str` - at `\$\.valueQuantity\.value`"),
    "samples that do not fit": (waves("1 2 3", dimensions=2, period=1), "2 dimensions, came 3 samples"),
    "no period": (waves("1 2 3"), "expected a period above 0"),
    "a word for a sample": (waves("1 x 3", period=1), "could not convert string to float: 'x'"),
    "an unknown interval": (waves("1", interval=1, intervalUnit="fortnight"), "came 'fortnight'"),
    "no time at all": ({**quantity(1, "/min"), "effectiveDateTime": "T"}, "expected a time such as .*, came 'T'"),
    "a time far off": ({**quantity(1, "/min"), "effectiveDateTime": "9999-01-01T00:00:00Z"}, "between 1824 and 2116"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_observation_is_reported_with_its_number(tmp_path: Path, case: str) -> None:
    wrong, words = WRONG[case]
    with pytest.raises(RecordingError, match=rf"a\.json: resource 1: not an Observation of FHIR: .*{words}.*; remedy"):
        table(tmp_path, observation(**quantity(1, "/min")), {**observation(), **wrong})


def test_what_is_not_fhir_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected observations with values, came Patient; remedy"):
        table(tmp_path, {"resourceType": "Patient"})
    for text in ("", "{", '{"a": 1}', "<Bundle/>", '[{"resourceType": 3}]'):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(RecordingError, match=r"a\.json: .*; remedy: "):
            read(tmp_path / "a.json", Layout())
