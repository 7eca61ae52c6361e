"""An event time that cannot be, in words."""

import pytest

from twin_runtime.core import SECOND
from twin_runtime.ingest.wrong_times import wrong_time

NOW = 1_767_603_600 * SECOND
"""2026-01-05T09:00:00Z"""


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (NOW + 21 * SECOND, "event time 2026-01-05T09:00:21.000Z is 21 s after 2026-01-05T09:00:00.000Z"),
        (NOW - 86_400 * 10 * SECOND, "event time 2025-12-26T09:00:00.000Z is 10 d before 2026-01-05T09:00:00.000Z"),
        (
            NOW // 1000,  # seconds where milliseconds are declared
            "event time 1970-01-21T11:00:03.600Z is 20,438 d before 2026-01-05T09:00:00.000Z; "
            "its number would fit if its unit of time were 1,000 times longer",
        ),
        (
            NOW // 1_000_000,
            "event time 1970-01-01T00:29:27.603Z is 20,458 d before 2026-01-05T09:00:00.000Z; "
            "its number would fit if its unit of time were 1,000,000 times longer",
        ),
    ],
)
def test_it_says_how_far_off_it_is_and_which_unit_would_fit(time: int, expected: str) -> None:
    assert wrong_time(time, NOW) == expected
