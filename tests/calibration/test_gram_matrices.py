"""Gram matrices: readings, however many, as two small matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation.conformance import assert_close
from twin_runtime.calibration.gram_matrices import BLOCK, Observed, gram_matrices, perturbations
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys


def problem(members: int, readings: int) -> tuple[FloatArray, Observed]:
    rng = np.random.default_rng([members, readings])
    predicted = 5.0 + rng.normal(size=(members, readings))
    return predicted, Observed(5.0 + rng.normal(size=readings), rng.uniform(0.1, 4.0, readings), numbered_keys(3, 1)[0])


@pytest.mark.parametrize("readings", [1, 6, BLOCK, 2 * BLOCK + 5])
def test_it_is_what_the_formulas_give(readings: int) -> None:
    predicted, observed = problem(5, readings)
    matrices = gram_matrices(predicted, observed, iteration=2, inflation=3.0)
    sd = np.sqrt(observed.variance)
    blocks = [slice(first, min(first + BLOCK, readings)) for first in range(0, readings, BLOCK)]
    E = np.hstack([perturbations(observed, 2, part, 5) for part in blocks])
    S, plain = (predicted - predicted.mean(axis=0)) / sd, (observed.value - predicted) / sd
    D = plain + np.sqrt(3.0) * E
    assert_close(matrices.gram / readings, S @ S.T / readings)
    assert_close(matrices.cross / readings, D @ S.T / readings)
    assert_close(matrices.squares / readings, (D**2).mean(axis=1))
    assert matrices.misfit.of_members == pytest.approx((plain**2).mean())
    assert matrices.misfit.of_mean == pytest.approx((plain.mean(axis=0) ** 2).mean())


def test_perturbations_are_standard_normals_without_a_mean() -> None:
    """20 000 readings of 50 members: the variance, 49/50, has a relative error of sqrt(2 / 980 000); 5 sd."""
    _, observed = problem(50, 1)
    E = perturbations(observed, 0, slice(0, 20_000), 50)
    np.testing.assert_allclose(E.mean(axis=0), 0.0, atol=1e-14)
    assert E.var() == pytest.approx(49 / 50, rel=5 * np.sqrt(2 / 980_000))


@given(st.integers(2, 9), st.integers(1, 30))
def test_a_reading_is_perturbed_the_same_whatever_comes_after_it(members: int, readings: int) -> None:
    _, observed = problem(members, 1)
    some, all_of_them = (perturbations(observed, 0, slice(0, n), members) for n in (readings, 30))
    assert some.tobytes() == np.ascontiguousarray(all_of_them[:, :readings].T).T.tobytes()


def test_seeds_twins_iterations_and_blocks_are_perturbed_differently() -> None:
    _, observed = problem(4, 1)
    drawn = {
        perturbations(observed._replace(key=key), iteration, slice(first, first + 4), 4).tobytes()
        for seed in (1, 2)
        for key in numbered_keys(seed, 2)
        for iteration in (0, 1)
        for first in (0, BLOCK)
    }
    assert len(drawn) == 16
