"""What :class:`ModelTests` says of a faulty model: which property failed, with figures, and what to do."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest

from tests.modelling import oscillator, test_ode
from twin_runtime.errors import ModelError, UnitError
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Constant, Prior
from twin_runtime.testing import ModelTests

SOUND = oscillator.Oscillator()
COUNT = itertools.count()


class Faulty:
    """A sound model in which something is spoilt."""

    conserves = "energy"

    def __init__(self, **spoilt: Any) -> None:  # noqa: ANN401
        vars(self).update(spoilt)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(SOUND, name)

    def advance(self, x: Any, duration: float, signals: Any, points: Any, predicted: Any, residual: Any) -> None:  # noqa: ANN401
        SOUND.advance(x, duration, signals, points, predicted, residual)
        getattr(self, "spoil", lambda *_: None)(x, duration, signals, points, predicted, residual)


class Oscillator(oscillator.Oscillator):
    """A model of the same formulas, whose damping is measured by the minute."""

    table = tuple(  # type: ignore[assignment]
        replace(v, unit="1/min") if v.name == "damping" else v for v in oscillator.Oscillator.table
    )


class Rescaled(oscillator.Oscillator):
    """A model with a constant that no formula asks for."""

    table = (*oscillator.Oscillator.table, Constant("gravity", "m/s^2", 9.81))  # type: ignore[assignment]


Rescaled.__qualname__ = Rescaled.__name__ = "Oscillator"


def held_against(make: Callable[[Mapping[str, Prior] | None], Any]) -> ModelTests:
    """The tests of a model."""

    class Tests(ModelTests):
        inputs = MappingProxyType({"push": (-1.0, 1.0), "kick": (0.7, 1.9)})

        def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
            made: Model = make(priors)
            return made

    return Tests()


def infinite(x: Any, *_: Any) -> None:  # noqa: ANN401
    x[1, :2, 1] = np.inf


def mixed(x: Any, *_: Any) -> None:  # noqa: ANN401
    x[:, :, 0] += 1e-9 * x[:, :, 0].mean(axis=0)


def counted(x: Any, *_: Any) -> None:  # noqa: ANN401
    x[0, 0, 0] += 1e-9 * next(COUNT)


def overwritten(x: Any, duration: float, signals: Any, *_: Any) -> None:  # noqa: ANN401
    signals.values[:] = 0.0


def too_late(x: Any, duration: float, signals: Any, points: Any, predicted: Any, *_: Any) -> None:  # noqa: ANN401
    """Every reading is predicted at the end of the tick."""
    end = SOUND.observe(x, duration, signals)
    for twin, k in np.ndindex(points.times.shape):
        predicted[twin, :, k] = end[twin, :, points.outputs[twin, k]]


def once_a_tick(x: Any, *_: Any) -> None:  # noqa: ANN401
    x[:, :, 0] *= 0.99


def drifting(x: Any, *_: Any) -> None:  # noqa: ANN401
    x[:, :, 2] += 0.25


def leaking(x: Any, duration: float, signals: Any, points: Any, predicted: Any, residual: Any) -> None:  # noqa: ANN401
    residual[:] = 0.0, 0.02, 0.0


FAULTS: Mapping[str, tuple[str, Callable[[Any], Any], str]] = {
    "a unit of another size": (
        "test_the_units_of_its_formulas_check_out",
        lambda _: Oscillator(),
        "oscillator.py:14: the rate of velocity is ",
    ),
    "a quantity that nothing asks for": (
        "test_a_wrong_unit_of_any_variable_or_input_would_be_noticed",
        lambda _: Rescaled(),
        "no formula shows that gravity is not measured in (m/s^2) * cd: take it out if nothing asks for it, or list it",
    ),
    "two of one name": (
        "test_names_are_unique_and_units_are_known",
        lambda _: Faulty(variables=(*SOUND.variables, SOUND.variables[0])),
        "2 columns are named by the variable 'position': give each a name of its own",
    ),
    "outputs at another place": (
        "test_names_are_unique_and_units_are_known",
        lambda _: Faulty(quantities=SOUND.quantities[::-1]),
        "expected the outputs first among the quantities, ['force', 'position'], got ['damping', 'stiffness']",
    ),
    "an infinite state": (
        "test_an_ensemble_of_the_prior_stays_finite_over_a_minute",
        lambda _: Faulty(spoil=infinite),
        "after 0.1 s velocity is not finite in 2 of 24 members of the prior: `twin check` looks for the formula",
    ),
    "twins that are mixed": (
        "test_a_twin_does_not_depend_on_the_others",
        lambda _: Faulty(spoil=mixed),
        "the states (position) of twins [0] are other bits by themselves than among 3 twins",
    ),
    "something kept from call to call": (
        "test_the_same_arguments_give_the_same_bits_and_stay_as_they_are",
        lambda _: Faulty(spoil=counted),
        "two calls of advance with the same arguments give other states: keep nothing from call to call",
    ),
    "inputs that are overwritten": (
        "test_the_same_arguments_give_the_same_bits_and_stay_as_they_are",
        lambda _: Faulty(spoil=overwritten),
        "advance changes 'values', which others read, too: copy it first",
    ),
    "readings at the end of the tick": (
        "test_a_reading_is_predicted_at_its_own_time",
        lambda _: Faulty(spoil=too_late),
        "a reading inside a tick is not predicted at its own time: ",
    ),
    "a loss once a tick": (
        "test_a_tick_in_two_halves_is_the_same_as_a_whole_one",
        lambda _: Faulty(spoil=once_a_tick),
        "0.1 s in two halves are not what they are: ",
    ),
    "a parameter that moves": (
        "test_parameters_are_left_as_they_are",
        lambda _: Faulty(spoil=drifting),
        "advance changes the parameter stiffness by up to 0.25: make it a State, or leave it as it is",
    ),
    "a leak": (
        "test_what_it_conserves_is_conserved",
        lambda _: Faulty(spoil=leaking),
        "energy is not conserved: a tick of 0.1 s leaves 0.02 of it unaccounted for; compare the rates",
    ),
    "priors that are not passed on": (
        "test_a_model_with_another_prior_is_another_model",
        lambda _: SOUND,
        "another prior of position leaves the fingerprint as it is: pass 'priors' on to the model",
    ),
    "a fingerprint of the day": (
        "test_a_model_with_another_prior_is_another_model",
        lambda _: Faulty(fingerprint=str(next(COUNT))),
        "the same model twice has two fingerprints: put nothing into it that changes from run to run",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_model_is_told_in_words(fault: tuple[str, Callable[[Any], Any], str]) -> None:
    test, make, expected = fault
    with pytest.raises((AssertionError, UnitError, ModelError)) as failed:
        getattr(held_against(make), test)()
    assert expected in str(failed.value).partition("\nassert")[0]


def test_every_test_has_a_model_that_fails_it() -> None:
    assert {test for test, _, _ in FAULTS.values()} == {name for name in dir(ModelTests) if name.startswith("test_")}


def test_what_does_not_apply_is_skipped_and_does_not_pass() -> None:
    with pytest.raises(SkipTest, match="declares nothing that it conserves"):
        test_ode.TestDecay().test_what_it_conserves_is_conserved()
    with pytest.raises(SkipTest, match="has no units to check"):
        held_against(lambda _: Faulty()).test_the_units_of_its_formulas_check_out()
