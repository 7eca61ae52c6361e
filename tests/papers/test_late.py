"""Late readings of Lorenz-96: folded they leave no trace, recalled they cost little; the past gains by what comes."""

import numpy as np
import pytest

from tests.papers import late, smoothing
from tests.papers.late import ASYNCHRONOUS, CURRENT, DELAYS, DROPPED, FOLD, LATE, ON_TIME, REFERENCE, Policy

RUNS_MAY_BE_LOST = DELAYS.index(2)


@pytest.mark.parametrize("delay", DELAYS)
def test_what_is_folded_again_ends_like_the_sorted_log_bit_for_bit(delay: int) -> None:
    world = late.world(cycles=30, replicates=2)
    _, sorted_log = late.followed(world, 0, FOLD)
    _, folded = late.followed(world, delay, FOLD)
    assert folded.state.x.tobytes() != sorted_log.state.x.tobytes()
    for cycle in range(30 - delay, 30):
        for reading in late.readings(world.read, cycle, LATE, cycle):
            folded.offer(reading)
    folded.revise()
    assert folded.state.x.tobytes() == sorted_log.state.x.tobytes()
    assert folded.state.memory.tobytes() == sorted_log.state.memory.tobytes()


def test_what_came_since_makes_the_past_better_known() -> None:
    """The error of the smoothed means, 0.4 later, is three quarters of the filter's or less in every replicate."""
    score = smoothing.score(lag=8, cycles=220, discarded=100, replicates=4)
    assert np.all(score.smoothed < 0.75 * score.filtered)


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "place"), [(policy, k) for policy in (ASYNCHRONOUS, FOLD) for k in range(4)])
def test_late_readings_are_used_as_well_as_in_the_reference(policy: Policy, place: int) -> None:
    """No worse than its figure by more than two standard deviations over replicates."""
    mean, sd = late.score(DELAYS[place], policy)
    assert mean < REFERENCE[policy][place] + 2.0 * sd
    assert mean < DROPPED


@pytest.mark.slow
@pytest.mark.parametrize("place", range(4))
def test_late_readings_taken_as_current_are_worse_than_none(place: int) -> None:
    """At a delay of 0.10 runs may be lost: the mean of the reference, 1.53, has some; of 24 of ours none is (0.97)."""
    mean, sd = late.score(DELAYS[place], CURRENT)
    assert mean < REFERENCE[CURRENT][place] + 2.0 * sd
    assert mean > REFERENCE[CURRENT][place] - 2.0 * sd or place == RUNS_MAY_BE_LOST
    assert mean > DROPPED


@pytest.mark.slow
@pytest.mark.parametrize(("delay", "reference"), [(0, ON_TIME), (None, DROPPED)], ids=["all in time", "half dropped"])
def test_the_setting_is_that_of_the_reference(delay: int | None, reference: float) -> None:
    mean, sd = late.score(delay)
    assert abs(mean - reference) < 2.0 * sd
