"""Every method corrects an ensemble and its past side by side: neither knows of the other."""

import numpy as np
import pytest

from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import METHODS, Assimilator, chosen, options
from twin_runtime.assimilation.conformance import assert_close, random_problem
from twin_runtime.modelling.positions import with_past

SIZE, TICKS = 8, 3
LASTING = sorted(name for name, method in METHODS.items() if not method.keeps_points)
"""The methods whose members become what they were; filterpy's filters lay theirs out anew."""
NAMES = [variable.name for variable in Lorenz96(SIZE).variables]


def method(name: str, ticks: int) -> Assimilator:
    """A method that knows where so many ticks of the past are; particles are only copied."""
    given = {
        option: {"radius": 2.0, "jitter": 0.0}[option] for option in options(name) if option in ("radius", "jitter")
    }
    return chosen(name, given, with_past(Lorenz96(SIZE).positions, NAMES, NAMES, ticks))


@pytest.mark.parametrize("members", [24, 6])
@pytest.mark.parametrize("name", LASTING)
def test_a_past_that_is_the_present_is_corrected_like_it(name: str, members: int) -> None:
    problem = random_problem(3, 2, members, SIZE, SIZE)
    alone = method(name, 0).update(problem)
    joint = problem._replace(x=np.tile(problem.x, TICKS + 1))
    assert_close(method(name, TICKS).update(joint), np.tile(alone, TICKS + 1))


@pytest.mark.parametrize("name", LASTING)
def test_the_present_does_not_depend_on_the_past_beside_it(name: str) -> None:
    problem = random_problem(4, 2, 24, SIZE, SIZE)
    past = np.random.default_rng(5).normal(size=(2, 24, TICKS * SIZE))
    joint = problem._replace(x=np.concatenate([problem.x, past], axis=2))
    analysis = method(name, TICKS).update(joint)
    assert_close(analysis[:, :, :SIZE], method(name, 0).update(problem))
    assert np.abs(analysis[:, :, SIZE:] - past).max() > 0.01


@pytest.mark.parametrize("name", [name for name in LASTING if name != "particle"])
def test_a_past_that_the_readings_do_not_inform_keeps_its_members(name: str) -> None:
    """However often it is corrected: it is not inflated with the present. Particles are exchanged with their past."""
    problem = random_problem(6, 2, 24, SIZE, SIZE)
    past = np.random.default_rng(7).normal(size=(2, 24, TICKS * SIZE))
    for t, predicted in enumerate(problem.predicted):
        directions, _ = np.linalg.qr(predicted - predicted.mean(0))
        past[t] -= directions @ (directions.T @ past[t])
    joint = problem._replace(x=np.concatenate([problem.x, past], axis=2), states=SIZE)
    assert_close(method(name, TICKS).update(joint)[:, :, SIZE:], past)
