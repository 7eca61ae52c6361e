"""No single message decides what time it is, and no lock-out lasts."""

from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.core import SECOND
from twin_runtime.ingest.agreed_time import AGREEING, AgreedTime, Agreement

LEAP = 60 * SECOND
NOW = 1_700_000_000 * SECOND


def followed(*times: float, clock: AgreedTime | None = None) -> list[bool]:
    """Whether each time (s from now) is followed, one message each."""
    clock = clock or AgreedTime(LEAP)
    return [clock.follow(NOW + round(time * SECOND)) for time in times]


class TestAgreedTime:
    def test_the_first_time_and_those_up_to_a_leap_ahead_are_followed_at_once(self) -> None:
        assert followed(0, 60, 120, 50, 181) == [True, True, True, True, False]

    def test_one_that_is_far_ahead_moves_nothing(self) -> None:
        clock = AgreedTime(LEAP)
        assert followed(0, 3000, 1, clock=clock) == [True, False, True]
        assert clock.newest == NOW + SECOND

    def test_several_in_a_row_that_agree_are_followed(self) -> None:
        assert followed(0, 3000, 3001, 3002, 3003) == [True, False, False, True, True]

    def test_others_in_between_end_the_row(self) -> None:
        assert followed(0, 3000, 3001, 1, 3002, 3003) == [True, False, False, True, False, False]

    def test_far_ones_that_do_not_agree_are_never_followed(self) -> None:
        assert followed(0, 3000, 9000, 3000, 9000, 3000) == [True] + [False] * 5

    def test_all_values_of_a_message_count_once(self) -> None:
        clock = AgreedTime(LEAP)
        clock.follow(NOW, NOW)
        assert [clock.follow(NOW + 3000 * SECOND + k, NOW + 1) for k in range(100)] == [False] * 100
        assert [clock.follow(NOW + 3000 * SECOND, NOW + k) for k in (2, 3)] == [False, True]

    def test_what_has_passed_by_the_clock_of_arrival_may_have_passed(self) -> None:
        clock = AgreedTime(LEAP)
        clock.follow(NOW, NOW + 5)
        assert not clock.follow(NOW + 3600 * SECOND, NOW + 3000 * SECOND)
        assert clock.follow(NOW + 3600 * SECOND, NOW + 3540 * SECOND + 5)

    def test_the_first_time_of_all_is_not_followed_into_the_future(self) -> None:
        clock = AgreedTime(LEAP)
        assert not clock.follow(NOW + 3600 * SECOND, NOW)
        assert clock.newest is None
        assert clock.follow(NOW, NOW + 1)

    @given(times=st.lists(st.integers(0, 10**6).map(lambda t: t * SECOND), max_size=50))
    def test_it_never_falls_and_the_same_time_is_always_reached(self, times: list[int]) -> None:
        clock, newest = AgreedTime(LEAP), 0
        for time in times:
            clock.follow(NOW + time)
            assert clock.newest is not None
            assert clock.newest >= newest
            newest = clock.newest
        last = NOW + 10**7 * SECOND
        assert [clock.follow(last) for _ in range(AGREEING)][-1]


class TestAgreement:
    def test_a_row_ends_when_it_is_cleared_and_when_values_differ(self) -> None:
        agreement = Agreement()
        assert [agreement.add(value, 5, None) for value in (0, 5, 11, 12, 13)] == [False, False, False, False, True]
        agreement.clear()
        assert not agreement.add(13, 5, None)
