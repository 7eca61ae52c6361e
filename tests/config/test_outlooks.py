"""What is wrong with declared forecasts and limits is told before the start."""

from typing import Any

import pytest

from tests.ward import ward
from twin_runtime.config.agreement import disagreements
from twin_runtime.errors import ConfigError

SOON = {"name": "soon", "horizon": "400 ms", "every": "400 ms"}
LOW = {"name": "low", "quantity": "pressure", "below": 60.0}


@pytest.mark.parametrize(
    ("forecasts", "limits", "expected"),
    [
        ([{**SOON, "every": "50 ms"}], [], "expected a multiple of the tick of 40 ms, got 50 ms"),
        ([{**SOON, "horizon": "410 ms"}], [], "expected a multiple of the tick of 40 ms, got 410 ms"),
        ([{**SOON, "step": "160 ms"}], [], "expected a multiple of the step of 160 ms, got 400 ms"),
        ([SOON, SOON], [], "expected a name of its own, got 'soon' again"),
        ([], [LOW], "expected a forecast that watches 'low', got none"),
        ([SOON], [{**LOW, "forecast": "son"}], "expected the name of a forecast, got 'son'"),
    ],
)
def test_what_contradicts_something_else(forecasts: list[Any], limits: list[Any], expected: str) -> None:
    [problem] = disagreements(ward(forecasts=forecasts, limits=limits).config)
    assert expected in problem.what
    assert problem.remedy


@pytest.mark.parametrize(
    ("forecast", "limit"), [({**SOON, "quantities": ["presure"]}, LOW), (SOON, {**LOW, "quantity": "presure"})]
)
def test_a_quantity_that_the_model_lacks(forecast: Any, limit: Any) -> None:  # noqa: ANN401
    with pytest.raises(ConfigError, match=r"got 'presure'; remedy: did you mean pressure\?"):
        ward(forecasts=[forecast], limits=[limit])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"above": 90.0}, "expected `above` or `below`, one of them"),
        ({"clear": 0.6}, "expected `clear` below `alarm`, got 0.6 and 0.5"),
    ],
)
def test_a_limit_that_contradicts_itself(change: dict[str, float], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        ward(forecasts=[SOON], limits=[{**LOW, **change}])


def test_they_are_no_part_of_what_makes_a_state() -> None:
    assert ward(forecasts=[SOON], limits=[LOW]).identity == ward().identity
