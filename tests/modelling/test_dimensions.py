"""Formulas are checked by running them with quantities that carry units."""

import pytest

from tests.modelling.oscillator import Oscillator
from twin_runtime.modelling.dimensions import declared_units, unit_faults
from twin_runtime.modelling.physics import arguments, physics, plain
from twin_runtime.modelling.variables import Output

SAMPLES = [
    {"position": 1.0, "velocity": -0.4, "stiffness": 9.0, "damping": 0.2, "push": 0.5, "known": 1.0},
    {"position": -0.3, "velocity": 2.0, "stiffness": 8.0, "damping": 0.1, "push": 0.0, "known": 0.0},
]


@physics
def forgets_the_stiffness(position: float, velocity: float, damping: float, push: float) -> tuple[float, float]:
    """An acceleration that is none."""
    return velocity, push - position - damping * velocity


@physics
def half(position: float) -> float:
    """Half the way."""
    return 0.5 * position


@physics
def half_of_half(position: float) -> float:
    """A formula that uses another."""
    return half(position) - half(half(position))


@physics
def sign(position: float) -> float:
    """A formula that is right on one side only."""
    return position if position > 0.0 else -1.0


def faults(**changes: object) -> list[str]:
    """What is wrong with an oscillator with some changes."""
    model = type("Sketch", (Oscillator,), changes)()
    return [str(fault) for fault in unit_faults(model, declared_units(model), SAMPLES)]


def test_a_model_whose_units_are_right_has_no_faults() -> None:
    assert faults() == []
    assert faults(outputs=(Output("way", "m", half_of_half),)) == []


def test_a_formula_of_the_wrong_kind_is_named() -> None:
    (fault,) = faults(rate=forgets_the_stiffness)
    assert "test_dimensions.py:19: rate adds or compares what is in m/s^2 and what is in m; remedy: correct" in fault
    (fault,) = faults(outputs=(Output("way", "s", half),))
    assert "test_dimensions.py:25: output way is in m, expected s; remedy: correct the formula, or the unit" in fault


def test_a_right_kind_of_unit_is_not_enough() -> None:
    (fault,) = faults(outputs=(Output("way", "km", half),))
    assert "output way is 1000 times too large: it comes in m, taken for km; remedy: declare units that" in fault


def test_a_formula_is_tried_on_every_sample() -> None:
    (fault,) = faults(outputs=(Output("way", "m", sign),))
    assert "output way is in 1, expected m" in fault


@pytest.mark.parametrize("name", declared_units(Oscillator()))
@pytest.mark.parametrize("wrong", ["({}) * cd", "({}) * min / s"])
def test_a_wrong_unit_of_any_variable_or_signal_is_detected(name: str, wrong: str) -> None:
    model = Oscillator()
    units = declared_units(model)
    assert list(unit_faults(model, {**units, name: wrong.format(units[name])}, SAMPLES))


def test_a_physics_function_runs_in_plain_python_with_all_that_it_calls() -> None:
    assert plain(half_of_half)(8.0) == half_of_half(8.0) == 2.0
    assert plain(half_of_half)(complex(0.0, 8.0)) == complex(0.0, 2.0)
    assert arguments(half_of_half) == arguments(plain(half_of_half)) == ("position",)
