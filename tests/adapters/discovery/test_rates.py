"""How often values come and how much they scatter."""

import numpy as np
import pytest

from twin_adapters.discovery.rates import interval, nice, scatter
from twin_runtime.core import SECOND


@pytest.mark.parametrize(("number", "expected"), [(0.5, 0.5), (0.49, 0.2), (1.0, 1.0), (9.9, 5.0), (0.013, 0.01)])
def test_a_nice_number_is_not_larger(number: float, expected: float) -> None:
    assert nice(number) == expected


def test_the_interval_is_the_median_of_what_came_apart() -> None:
    assert interval([0, SECOND, SECOND, 2 * SECOND, 12 * SECOND]) == 1.0
    assert interval([0, SECOND]) is None


def test_noise_on_a_slow_signal_is_found() -> None:
    """Within a sixth: of 2000 second differences the median has a relative error of about 3 %, correlated ones more."""
    rng = np.random.default_rng(3)
    values = 20 + 5 * np.sin(np.arange(2000) / 200) + 0.3 * rng.standard_normal(2000)
    assert scatter(values.tolist()) == pytest.approx(0.3, rel=1 / 6)


def test_too_few_or_equal_values_say_nothing() -> None:
    assert scatter([1.0] * 7) is None
    assert scatter([1.0] * 100) is None
