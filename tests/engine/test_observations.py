"""The readings of a tick as columns, and one row a twin."""

import itertools

import numpy as np

from twin_runtime.core import Reading
from twin_runtime.engine.observations import columns, observations, picked

START = 1_700_000_000_000_000_000
ABP, CVP = 0, 1
READINGS = [
    Reading(0, ABP, START + 8_000_000, 91.0, 2.0, 4),
    Reading(2, ABP, START, 80.0, 2.0),
    Reading(2, CVP, START, 5.0, 0.5),
    Reading(2, ABP, START + 16_000_000, 82.0, 2.0),
]
"""Of three twins the second says nothing."""


def test_columns_do_not_depend_on_the_order_in_which_readings_came() -> None:
    for order in itertools.permutations(READINGS):
        made = columns(order, START)
        assert made.twin.tolist() == [0, 2, 2, 2]
        assert made.channel.tolist() == [ABP, ABP, CVP, ABP]
        assert made.offset.tolist() == [8_000_000, 0, 0, 16_000_000]
        assert made.value.tolist() == [91.0, 80.0, 5.0, 82.0]
        assert made.sd.tolist() == [2.0, 2.0, 0.5, 2.0]


def test_offsets_are_exact_to_the_nanosecond() -> None:
    odd = Reading(0, ABP, START + 39_999_999, 1.0, 1.0)
    assert columns([odd], START).offset.tolist() == [39_999_999]


def test_some_of_the_readings_can_be_picked() -> None:
    made = columns(READINGS, START)
    assert picked(made, made.channel == CVP).value.tolist() == [5.0]


def test_each_twin_has_a_row_of_observations_padded_to_the_longest() -> None:
    outputs = np.array([3, 7])  # abp observes output 3 of the model, cvp output 7
    seen = observations(columns(READINGS, START), 3, outputs)
    np.testing.assert_array_equal(seen.points.times, [[0.008, np.inf, np.inf], [np.inf] * 3, [0.0, 0.0, 0.016]])
    np.testing.assert_array_equal(seen.points.outputs, [[3, -1, -1], [-1, -1, -1], [3, 7, 3]])
    np.testing.assert_array_equal(seen.sensor, [[ABP, -1, -1], [-1, -1, -1], [ABP, CVP, ABP]])
    np.testing.assert_array_equal(seen.value, [[91.0, np.nan, np.nan], [np.nan] * 3, [80.0, 5.0, 82.0]])
    np.testing.assert_array_equal(seen.variance, [[4.0, np.nan, np.nan], [np.nan] * 3, [4.0, 0.25, 4.0]])


def test_a_tick_without_readings_has_no_observations() -> None:
    seen = observations(columns([], START), 3, np.array([0]))
    assert seen.value.shape == seen.points.times.shape == (3, 0)
