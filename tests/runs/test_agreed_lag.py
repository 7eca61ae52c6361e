"""Readings say that a clock is wrong only where most signals do, for a while, and by the same time."""

from itertools import product

import pytest

from twin_runtime.core import SECOND
from twin_runtime.runs.agreed_lag import AgreedLag

ALLOWED = 5 * SECOND


def heard(lags: dict[int, float], moments: list[float], agreed: AgreedLag | None = None) -> list[float]:
    """The lags (s) that are agreed on where every twin's readings come at these moments (s) with a lag of its own."""
    agreed = agreed or AgreedLag()
    found = (
        agreed.add((0, twin, 0), round(lag * SECOND), ALLOWED, round(moment * SECOND))
        for moment, (twin, lag) in product(moments, lags.items())
    )
    return [lag / SECOND for lag in found if lag is not None]


@pytest.mark.parametrize("lag", [20.0, 3600.0, -1.5, -3600.0])
def test_messages_that_agree_for_two_seconds_are_believed(lag: float) -> None:
    assert heard({0: lag}, [0, 1, 1.999]) == []
    assert heard({0: lag}, [0, 2]) == []
    assert heard({0: lag}, [0, 1, 2]) == [lag]


@pytest.mark.parametrize("lag", [0.0, 5.0, -1.0])
def test_what_is_late_by_no_more_than_is_allowed_says_nothing(lag: float) -> None:
    assert heard({0: lag}, [*range(100)]) == []


def test_it_takes_most_of_the_signals() -> None:
    assert heard({0: 20.0, 1: 0.1}, [0, 1, 2, 3]) == []
    assert heard({0: 20.0, 1: 0.1, 2: 20.4}, [0, 1, 2])[0] == 20.0
    assert heard({twin: 20.0 if twin < 10 else 0.0 for twin in range(20)}, [0, 1, 2, 3]) == []


def test_signals_that_are_silent_do_not_count() -> None:
    agreed = AgreedLag()
    heard({1: 0.1, 2: 0.1, 3: 0.1}, [0, 1], agreed)
    assert heard({0: 20.0}, [2, 3, 4], agreed) == [20.0]


def test_lags_that_differ_do_not_agree() -> None:
    """A backlog that is being read, or clocks that are off by different times."""
    agreed = AgreedLag()
    assert not any(heard({0: 60.0 - moment}, [moment], agreed) for moment in range(0, 50, 2))
    assert heard({0: 20.0, 1: 40.0}, [0, 1, 2, 3]) == []


def test_a_reading_that_is_in_time_ends_the_row() -> None:
    agreed = AgreedLag()
    heard({0: 20.0}, [0, 1], agreed)
    heard({0: 0.2}, [1.5], agreed)
    assert heard({0: 20.0}, [2, 3], agreed) == []


def test_the_least_lag_is_that_of_the_clock_the_rest_is_the_way_here() -> None:
    assert heard({0: 20.3, 1: 20.0, 2: 20.9}, [0, 1, 2])[-1] == 20.0
