"""Observations turned until they are uncorrelated, and the two ways to get there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation.conformance import assert_close, random_problem
from twin_runtime.assimilation.observation_space import decouple, decouple_many, dot, whiten
from twin_runtime.core import FloatArray


def observations_of(seed: int, members: int, count: int) -> FloatArray:
    """The rows of a random problem."""
    problem = random_problem(seed, 1, members, 6, count)
    rows = np.empty((count, members + 1))
    assert whiten(problem.predicted[0], problem.observed[0], problem.variance[0], rows) == count
    return rows


sizes = st.tuples(st.integers(0, 2**32), st.integers(2, 40), st.integers(1, 20))


@given(sizes)
def test_turned_observations_are_uncorrelated_and_equivalent(size: tuple[int, int, int]) -> None:
    rows = observations_of(*size)
    turned = np.empty_like(rows)
    members = size[1]
    decouple(rows, members, turned)
    S = turned[:, :members]
    scale = np.linalg.norm(S, axis=1) + np.sqrt(members - 1)
    assert np.all(np.abs(S @ S.T - np.diag(np.diag(S @ S.T))) <= 1e-11 * np.outer(scale, scale))
    assert_close(turned.T @ turned, rows.T @ rows)


@given(sizes)
def test_jacobi_and_lapack_agree(size: tuple[int, int, int]) -> None:
    rows = observations_of(*size)
    turned = np.empty_like(rows)
    members = size[1]
    decouple(rows, members, turned)
    by_lapack = decouple_many(rows, members)
    assert len(by_lapack) == min(len(rows), members)
    strengths = [np.sort((r[:, :members] ** 2).sum(1))[::-1][: len(by_lapack)] for r in (turned, by_lapack)]
    assert_close(*strengths)


def test_whitened_anomalies_have_no_mean_and_unit_errors() -> None:
    predicted = 1e9 + np.random.default_rng(10).normal(size=(50, 2))
    rows = np.empty((2, 51))
    count = whiten(predicted, np.array([np.nan, 1e9 + 3.0]), np.array([-1.0, 4.0]), rows)
    assert count == 1
    assert abs(rows[0, :50].sum()) < 1e-6
    assert rows[0, 50] == pytest.approx((1e9 + 3.0 - predicted[:, 1].mean()) / 2.0, abs=1e-6)
    np.testing.assert_allclose(rows[0, :50].std(), predicted[:, 1].std() / 2.0, rtol=1e-6)


@given(st.integers(0, 30), st.integers(0, 5))
def test_dot_takes_the_first_elements(count: int, more: int) -> None:
    a = np.arange(1.0, count + more + 1)
    assert dot(a, a, count) == np.sum(a[:count] ** 2)
