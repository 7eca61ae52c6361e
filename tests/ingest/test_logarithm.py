"""A sensor whose logarithm the model knows: unit, noise as a share, and values that have none."""

import json
import math

import pytest

from twin_runtime.config import Config, TwinType
from twin_runtime.core import SECOND, Code, Entry, Message
from twin_runtime.errors import ConfigError
from twin_runtime.runs.assembly import assemble

NAMES = {"infusion": "ug/s", "dose": "ug", "age": "yr", "weight": "kg", "height": "cm", "male": "1"}


def drug(observes: str) -> Config:
    sensor = {"observes": observes, "logarithm": "ng/mL", "unit": "ug/mL", "noise": 0.1}
    return Config.of(
        TwinType.model_validate(
            {
                "twin": {"name": "drug", "model": "remifentanil", "twins": ["bed-1"], "tick": "10 s"},
                "sensors": {"level": sensor},
                "inputs": {name: {"unit": unit} for name, unit in NAMES.items()},
            }
        )
    )


def read(**sample: float) -> Entry:
    router = assemble(drug("log_concentration")).router()
    [entry] = router.read(Message("bed-1/level", json.dumps(sample).encode(), 1_767_603_600 * SECOND))
    return entry


def test_the_logarithm_is_taken_in_its_own_unit() -> None:
    reading = read(value=0.02).reading
    assert reading is not None
    assert reading.value == pytest.approx(math.log(20.0), rel=1e-12)
    assert reading.sd == 0.1


def test_the_standard_deviation_of_a_message_becomes_a_share() -> None:
    reading = read(value=0.02, sd=0.005).reading
    assert reading is not None
    assert reading.sd == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_what_has_no_logarithm_is_refused(value: float) -> None:
    assert read(value=value).code is Code.OUT_OF_RANGE


def test_an_output_with_a_unit_is_no_logarithm() -> None:
    with pytest.raises(ConfigError, match="a logarithm is a plain number, and 'concentration'"):
        assemble(drug("concentration"))
