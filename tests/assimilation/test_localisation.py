"""Tapers and tables of neighbours."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation.conformance import random_problem
from twin_runtime.assimilation.localisation import Localisation, gaspari_cohn, neighbours
from twin_runtime.errors import ModelError
from twin_runtime.modelling.positions import Periodic, Positions, Sphere, along, euclidean


@pytest.mark.parametrize(
    ("distance", "expected"), [(0.0, 1.0), (5.0, 263 / 384), (10.0, 5 / 24), (15.0, 0.01649305555555), (20.0, 0.0)]
)
def test_the_taper_has_its_published_values(distance: float, expected: float) -> None:
    assert gaspari_cohn(distance, 10.0) == pytest.approx(expected, abs=1e-12)


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_the_taper_falls_with_the_distance(a: float, b: float) -> None:
    near, far = sorted((a, b))
    assert 0.0 <= gaspari_cohn(far, 1.0) <= gaspari_cohn(near, 1.0) <= 1.0


def test_a_tapered_covariance_is_a_covariance() -> None:
    places = along(np.arange(60))
    distances = Periodic((60.0,))(places, places)
    taper = np.array([[gaspari_cohn(distance, 7.0) for distance in row] for row in distances])
    assert np.linalg.eigvalsh(taper).min() > -1e-12


def test_a_table_tells_what_is_near_and_how_much_it_counts() -> None:
    a, b = along([0.0, 10.0, math.nan]), along([0.5, 9.0, math.nan])
    table = neighbours(a, b, 2.0, euclidean)
    near = [table.near[slice(*table.first[place : place + 2])].tolist() for place in range(3)]
    assert near == [[0, 2], [1, 2], [0, 1, 2]]
    assert table.taper[:2].tolist() == [gaspari_cohn(0.5, 2.0), 1.0]


def test_variables_at_the_same_place_are_corrected_together() -> None:
    positions = Positions(along([1.0, 0.0, 1.0, math.nan, math.nan]), along([0.0]))
    places, lost = Localisation(positions, 1.0).places
    together = [places.near[slice(*places.first[k : k + 2])].tolist() for k in range(len(lost))]
    assert together == [[1], [0, 2], [3], [4]]
    assert lost.tolist() == [False, False, True, True]


def test_without_a_radius_there_is_one_place() -> None:
    positions = Positions(along([1.0, 0.0, math.nan]), along([0.0]))
    places, lost = Localisation(positions, math.inf).places
    assert places.near.tolist() == [0, 1, 2]
    assert lost.tolist() == [False]


def test_a_ring_is_closed() -> None:
    assert Periodic((10.0,))(along([0.5]), along([9.5]))[0, 0] == pytest.approx(1.0)
    assert Periodic((10.0, math.inf))(np.array([[0.5, 0.0]]), np.array([[9.5, 0.0]]))[0, 0] == pytest.approx(1.0)


def test_distances_on_a_sphere_follow_great_circles() -> None:
    pole, equator = np.array([[90.0, 0.0]]), np.array([[0.0, 10.0], [0.0, 190.0]])
    np.testing.assert_allclose(Sphere(1.0)(pole, equator), math.pi / 2)
    np.testing.assert_allclose(Sphere(1.0)(equator[:1], equator[1:]), math.pi)


@pytest.mark.parametrize(("states", "outputs"), [(4, [[0]]), (3, [[0, 2]]), (3, None)])
def test_what_is_corrected_must_be_what_has_positions(states: int, outputs: list[list[int]] | None) -> None:
    localisation = Localisation(Positions(along(np.arange(3)), along(np.arange(2))), 1.0)
    right = random_problem(0, 1, 2, 3, 2)._replace(outputs=np.array([[1, -1]]))
    wrong = random_problem(0, 1, 2, states, 2)._replace(outputs=None if outputs is None else np.array(outputs))
    assert localisation.outputs_of(right).tolist() == [[1, -1]]
    with pytest.raises(ValueError, match=r"other ones to correct|which outputs"):
        localisation.outputs_of(wrong)


def test_positions_must_agree_in_their_coordinates() -> None:
    with pytest.raises(ModelError, match="coordinates"):
        Positions(np.zeros((3, 1)), np.zeros((2, 2)))
